import { awaitApprovalTool } from "@countersign/protocol/approval-answer";
import { Secret } from "@countersign/protocol/secret";
import * as oauth from "oauth4webapi";
import type { BearerVerifier } from "../bearer/verify-token.ts";
import { fetchIssuerDocument } from "../bearer/issuer-document.ts";
import { keepFresh } from "../bearer/keep-fresh.ts";
import { createCallGate } from "../call-gate.ts";
import { metaOf } from "../context.ts";
import type { Identity, SecurityOptions } from "../options.ts";
import { type Pause, pauseFor } from "../payment/watch-payment.ts";
import type { Payee } from "../payment/payee.ts";
import type { Tool } from "../tool.ts";
import { createAccountLinks } from "./account-links.ts";
import { createDeviceClient } from "./device-client.ts";
import { createMemoryLinkStore, type LinkStore } from "./link-store.ts";
import { createLinkShelf } from "./link-shelf.ts";
import { createLinkTools, type LinkToolsOptions } from "./link-tools.ts";

/** Turns on account links: for hosts that start no sign-in when a view calls. The app is then a client of its issuer with the device grant (RFC 8628). */
export interface AccountLinkOptions {
  /** The app's client id at the issuer. The secret proves it; else the payee's key, where the payee has this id there; else nothing. */
  readonly clientId: string;
  readonly clientSecret?: string;
  /** Where links are kept; by default in this process. */
  readonly store?: LinkStore;
  /** How the app waits between two looks. */
  readonly pause?: Pause;
}

/** Makes the tools of account links; none where they are not turned on. Throws on an app that turns them on without an issuer, or takes bound tokens alone. */
export function openAccountLink(
  options: SecurityOptions & { readonly name: string; readonly accountLink?: AccountLinkOptions; readonly stopping?: AbortSignal },
  identity: Identity,
  gate: {
    readonly verifier: BearerVerifier | undefined;
    readonly resourceMetadata: string | undefined;
    readonly toolOf: (name: string) => Tool | undefined;
  },
): ReadonlyMap<string, Tool> {
  const setting = options.accountLink;
  if (setting === undefined) return new Map();
  const { issuer, resource } = identity;
  const { verifier } = gate;
  if (issuer === undefined || verifier === undefined) throw new TypeError("account links need an issuer");
  if (identity.trusted?.dpop?.tokens === "required") throw new TypeError("an account link's token is plain, and this app takes bound ones alone");
  const clock = options.clock ?? Date.now;
  const send = options.fetch ?? fetch;
  const stopping = options.stopping ?? new AbortController().signal;
  const report = options.report ?? (() => undefined);
  const documents = keepFresh(() => fetchIssuerDocument(issuer, send), clock);
  const client = createDeviceClient({
    clientId: setting.clientId,
    authentication: authenticationOf(setting, options.payee, issuer),
    resource,
    server: async () => (await documents.current())?.server,
    fetch: send,
    // A product of RFC 9110 section 10.1.5, whatever the name has in it.
    agent: options.name.replaceAll(/[^\w.-]+/g, "-"),
    clock,
    stopping,
  });
  const store = setting.store ?? createMemoryLinkStore({ clock });
  const shelf = createLinkShelf({ store, client, clock, report: (step) => report({ event: "account_link", step }) });
  const links = createAccountLinks({ shelf, client, judge: (authorization) => verifier.judge(authorization) }, setting.pause ?? pauseFor);
  const run: LinkToolsOptions["run"] = async (tool, bearer, args, ctx) => {
    const inner = createCallGate({
      bearer,
      form: "http",
      scopes: identity.scopes,
      // The linked account's token is this server's own and plain.
      boundTokens: undefined,
      resourceMetadata: gate.resourceMetadata,
      issuer,
      payee: options.payee,
      // The view that calls is the one that can wait.
      approvalForm: "link",
      awaitTool: options.payee && awaitApprovalTool,
      userAgent: null,
      // What it lacks is told as an event of the link.
      report: (event) => (event.event === "challenged" ? undefined : report(event)),
    });
    const result = await inner.call(tool, args, metaOf(ctx), () => ctx.signal);
    const raised = inner.raised();
    return raised === undefined ? { result } : { result, demanded: { code: raised.code, scope: raised.challenge.scope } };
  };
  return createLinkTools({ links, toolOf: gate.toolOf, run, clock, stopping, report });
}

function authenticationOf(setting: AccountLinkOptions, payee: Payee | undefined, issuer: string): oauth.ClientAuth {
  if (setting.clientSecret !== undefined) return bySecret(new Secret(setting.clientSecret));
  if (payee === undefined || payee.id !== setting.clientId || payee.issuer !== issuer) return oauth.None();
  return async (_server, client, body) => {
    body.set("client_id", client.client_id);
    body.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    body.set("client_assertion", (await payee.assertion(issuer)).reveal());
  };
}

/** A secret goes by header unless the issuer lists the body alone (RFC 6749 section 2.3.1). */
function bySecret(secret: Secret): oauth.ClientAuth {
  return async (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? [];
    const inBody = methods.includes("client_secret_post") && !methods.includes("client_secret_basic");
    const method = inBody ? oauth.ClientSecretPost(secret.reveal()) : oauth.ClientSecretBasic(secret.reveal());
    await method(server, client, body, headers);
  };
}
