import type { EpochMs } from "@countersign/protocol/brand";
import { formatUserCode, pollIntervalSeconds, readUserCode } from "@countersign/protocol/device-code";
import type Provider from "oidc-provider";
import type { Configuration, KoaContextWithOIDC } from "oidc-provider";
import { isOwnOrigin } from "../forms.ts";
import { deviceGrant } from "../options.ts";
import { type DevicePageProblem, deviceCodePage, deviceDonePage } from "../pages/device.ts";
import { type Page, renderPage } from "../pages/layout.ts";
import { refusalPage } from "../interaction/routes.ts";
import { TooManyTries } from "./code-adapter.ts";
import { describeStart, readDeviceStart } from "./device-start.ts";

type DeviceFlow = NonNullable<NonNullable<Configuration["features"]>["deviceFlow"]>;

/** The device grant (RFC 8628) as this wallet runs it: its own pages around oidc-provider's flow. */
export function deviceFlow(now: () => EpochMs): DeviceFlow {
  return {
    enabled: true,
    charset: "base-20",
    mask: "****-****",
    deviceInfo: (ctx) => describeStart(ctx, now()),
    userCodeInputSource: async (ctx, _form, _out, error) => showEntry(ctx, error),
    // The page of a code is the interaction's; a form that does not say so confirms nothing (D06).
    async userCodeConfirmSource(ctx) {
      await showEntry(ctx, undefined);
      ctx.status = 400;
    },
    async successSource(ctx) {
      await show(ctx, deviceDonePage("approved"), 200);
    },
  };
}

/**
 * What surrounds oidc-provider's device endpoints: the answer of a start names the interval and, for a payment, the number that only the first device shows; a
 * link with a code only fills in the form; forms of other sites are refused.
 */
export function attendDeviceEndpoints(provider: Provider, publicOrigin: string): void {
  provider.use(async (ctx, next) => {
    if (ctx.path === "/device" && ctx.method === "GET") {
      ctx.state["userCode"] = ctx.query["user_code"];
      ctx.query = {};
    }
    const headers = { origin: ctx.get("origin") || null, secFetchSite: ctx.get("sec-fetch-site") || null };
    if (ctx.path === "/device" && ctx.method === "POST" && !isOwnOrigin(headers, publicOrigin)) {
      const { page, status } = refusalPage({ code: "forbidden_origin" });
      ctx.type = "html";
      ctx.body = await renderPage(page);
      ctx.status = status;
      return;
    }
    await next();
  });
  provider.on("device_authorization.error", nameForbiddenGrant);
  provider.on("device_authorization.success", (ctx) => {
    const code = ctx.oidc.entities.DeviceCode;
    const body: unknown = ctx.body;
    if (code === undefined || typeof body !== "object") throw new TypeError("a device authorization has a code and an answer");
    const { number } = readDeviceStart(code.deviceInfo);
    const userCode = formatUserCode({ letters: code.userCode, ...(number === undefined ? {} : { number }) });
    ctx.body = { ...body, user_code: userCode, interval: pollIntervalSeconds };
  });
}

/** Which grants a client has is `unauthorized_client` (RFC 6749 section 5.2, which RFC 8628 section 3.1 goes by); oidc-provider says `invalid_request`. */
function nameForbiddenGrant(ctx: KoaContextWithOIDC): void {
  const { client } = ctx.oidc;
  if (client === undefined || client.grantTypeAllowed(deviceGrant)) return;
  ctx.body = { error: "unauthorized_client", error_description: "the device grant is not allowed for this client" };
}

async function showEntry(ctx: KoaContextWithOIDC, error: Error | undefined): Promise<void> {
  if (error?.name === "AbortedError") return show(ctx, deviceDonePage("declined"), 200);
  const secret = ctx.oidc.session?.state?.["secret"];
  if (typeof secret !== "string") throw new TypeError("the session has the secret of its form");
  const linked: unknown = ctx.state["userCode"];
  const code = typeof linked === "string" ? readUserCode(linked) : undefined;
  const page = deviceCodePage({ secret, code: code === undefined ? undefined : formatUserCode(code), problem: problemOf(error) });
  return show(ctx, page, statusOf(error));
}

function problemOf(error: Error | undefined): DevicePageProblem | undefined {
  if (error === undefined) return undefined;
  if (error instanceof TooManyTries) return { kind: "too_many", waitSeconds: error.waitSeconds };
  return { kind: isUnusable(error) ? "unusable" : "failed" };
}

/** Whatever is wrong with a code is one answer with one status (D10); somebody else's code is forbidden (D08), so all of them are. */
function statusOf(error: Error | undefined): number {
  if (error === undefined) return 200;
  if (error instanceof TooManyTries) return 429;
  return isUnusable(error) ? 403 : 400;
}

function isUnusable(error: Error): boolean {
  return ["NotFoundError", "ExpiredError", "AlreadyUsedError", "NoCodeError"].includes(error.name);
}

async function show(ctx: KoaContextWithOIDC, page: Page, status: number): Promise<void> {
  ctx.type = "html";
  ctx.body = await renderPage(page);
  ctx.status = status;
}
