import { isLoopbackRedirect } from "@countersign/protocol/presented-client";
import { type ScopeSet, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { KoaContextWithOIDC } from "oidc-provider";
import { interactionPolicy } from "oidc-provider";
import { accountClientId } from "../account/account-client.ts";
import { readPaymentResult } from "./payment-result.ts";
import { paramText, type Resources } from "./resources.ts";
import { readScope, unshowableTransaction } from "./transaction-scopes.ts";

const { base, Check, Prompt } = interactionPolicy;

/**
 * The order of pages: why a payment cannot be shown, sign-in, payment, another device, consent. The payment page comes once for each new payment request and
 * before consent, so that one popup signs in and pays.
 */
export function createPolicy(resources: Resources, isEnded: (sessionUid: string) => Promise<boolean>): interactionPolicy.DefaultPolicy {
  const policy = base();
  policy.get("login")?.checks.add(endedSessionCheck(isEnded));
  policy.add(unavailablePrompt(resources), 0);
  policy.add(
    paymentPrompt(resources),
    policy.findIndex((prompt) => prompt.name === "consent"),
  );
  policy.add(
    devicePrompt(resources),
    policy.findIndex((prompt) => prompt.name === "consent"),
  );
  const consent = policy.get("consent");
  if (consent === undefined) throw new TypeError("the policy has no consent prompt");
  consent.checks.remove("native_client_prompt");
  // Authorization details are payments, which have their own page.
  consent.checks.remove("rar_prompt");
  consent.checks.add(nativeClientCheck());
  return policy;
}

function unavailablePrompt(resources: Resources): interactionPolicy.Prompt {
  const verdict = async (ctx: KoaContextWithOIDC) => unshowableTransaction(await resources.transactions(ctx), paramText(ctx, "scope"));
  return new Prompt(
    { name: "payment_unavailable", requestable: false },
    new Check(
      "no_transaction_left",
      "the payment can no longer be approved",
      "access_denied",
      async (ctx) => (await verdict(ctx)) !== undefined,
      async (ctx) => {
        const ignored = await verdict(ctx);
        return ignored?.state === "ignore" ? { reason: ignored.reason } : {};
      },
    ),
  );
}

function paymentPrompt(resources: Resources): interactionPolicy.Prompt {
  const pending = async (ctx: KoaContextWithOIDC) => (await resources.transactions(ctx)).find((each) => each.verdict.state === "show");
  return new Prompt(
    { name: "payment", requestable: false },
    new Check(
      "approval_missing",
      "the payment has to be approved",
      "interaction_required",
      async (ctx) => (await pending(ctx)) !== undefined,
      async (ctx) => {
        const shown = await pending(ctx);
        return { request_id: shown?.verdict.requestId, indicator: resources.indicatorOf(ctx, shown?.resource) };
      },
    ),
  );
}

/** A session that its owner ended elsewhere signs nobody in, also when a request on its way had kept it alive. */
function endedSessionCheck(isEnded: (sessionUid: string) => Promise<boolean>): interactionPolicy.Check {
  return new Check("session_ended", "the session was ended", "login_required", async (ctx) => {
    const { result, session } = ctx.oidc;
    return result?.login === undefined && session?.accountId !== undefined && isEnded(session.uid);
  });
}

/**
 * A device is confirmed with a passkey each time, whatever was allowed before, because the person cannot see who waits there. What the page asks is everything
 * that the device would get; only a request for nothing but a payment needs no second page, for the payment's own says where it comes from.
 */
function devicePrompt(resources: Resources): interactionPolicy.Prompt {
  return new Prompt(
    { name: "device", requestable: false },
    new Check(
      "device_unconfirmed",
      "the device has to be confirmed",
      "interaction_required",
      (ctx) => {
        const { route, result } = ctx.oidc;
        if (route !== "code_verification" && route !== "device_resume") return false;
        const onlyPays = readPaymentResult(result) !== undefined && ordinaryScopes(ctx).size === 0;
        return result?.["device"] === undefined && !onlyPays;
      },
      (ctx) => {
        const ordinary = ordinaryScopes(ctx);
        const wanted = resources.scopesByIndicator(ctx).map(([indicator, scopes]) => [indicator, scopes.filter((each) => ordinary.has(each))]);
        return { missingResourceScopes: Object.fromEntries(wanted), missingOIDCScope: ordinary.has("openid") ? ["openid"] : [] };
      },
    ),
  );
}

function ordinaryScopes(ctx: KoaContextWithOIDC): ScopeSet {
  return withoutTransactionScopes(readScope(paramText(ctx, "scope")));
}

/**
 * A client on the user's machine cannot prove who it is (RFC 8252 section 8.6), whatever type it registered as, so a person sees its name each time. The sign-in and payment pages name it too, so
 * whoever has just acted on one of them is not asked again for what they allowed before.
 */
function nativeClientCheck(): interactionPolicy.Check {
  return new Check("native_client_prompt", "native clients require End-User interaction", "consent_required", (ctx) => {
    const { result, client } = ctx.oidc;
    const hasActed = result?.consent !== undefined || result?.login !== undefined || readPaymentResult(result) !== undefined;
    const redirect = URL.parse(paramText(ctx, "redirect_uri"));
    const isOnDevice = client?.applicationType === "native" || (redirect !== null && isLoopbackRedirect(redirect));
    // The account pages are the wallet itself, whatever host it runs on.
    return isOnDevice && !hasActed && client?.clientId !== accountClientId;
  });
}
