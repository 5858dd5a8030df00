import { toHttpError } from "@countersign/protocol/errors";
import type { EpochMs } from "@countersign/protocol/brand";
import type Provider from "oidc-provider";
import { askerOfRequest, type Rates } from "../rates/rates.ts";

export interface EndpointRateParts {
  readonly rates: Rates;
  readonly now: () => EpochMs;
  readonly renderErrorPage: (code: string) => string | Promise<string>;
}

/** What a client is told while nothing is wrong: a device that polls, and whoever sends its first proof (RFC 9449 section 8). */
const ordinary: ReadonlySet<unknown> = new Set(["authorization_pending", "use_dpop_nonce"]);

const closedMax = 10_000;

/**
 * Bounds for the OAuth endpoints, by address. Each authorization request and each new device code is counted, for it keeps a record. At the endpoints that clients call, only what was
 * refused is counted: a client with good credentials and tokens is never in anybody's way, and costs no write here. Whose bucket is empty is told so before
 * anything is looked up; each instance learns that with the next refusal and remembers it for as long as it lasts.
 */
export function boundEndpoints(provider: Provider, parts: EndpointRateParts): void {
  const closedUntil = new Map<string, EpochMs>();
  provider.use(async (ctx, next) => {
    const asker = askerOfRequest({ headers: { get: (name) => ctx.get(name) } });
    const refuse = async (waitS: number): Promise<void> => {
      const { status, body } = toHttpError({ code: "rate_limited" });
      ctx.status = status;
      ctx.set("retry-after", String(waitS));
      ctx.set("cache-control", "no-store");
      if (ctx.path === "/authorize") ctx.type = "html";
      ctx.body = ctx.path === "/authorize" ? await parts.renderErrorPage("rate_limited") : body;
    };
    if (ctx.path === "/authorize") {
      const taken = await parts.rates.take("authorize", asker, parts.now());
      return taken.ok ? next() : refuse(taken.error);
    }
    if (ctx.method !== "POST" || ctx.path.startsWith("/authorize/")) return next();
    const closedMs = (closedUntil.get(asker) ?? 0) - parts.now();
    if (closedMs > 0) return refuse(Math.ceil(closedMs / 1000));
    closedUntil.delete(asker);
    if (ctx.path === "/device_authorization") {
      const started = await parts.rates.take("deviceStart", asker, parts.now());
      if (!started.ok) return refuse(started.error);
    }
    await next();
    if (ctx.status < 400 || ctx.status >= 500 || ordinary.has(errorOf(ctx.body))) return;
    const taken = await parts.rates.take("tokenError", asker, parts.now());
    if (taken.ok) return;
    if (closedUntil.size < closedMax) closedUntil.set(asker, parts.now() + taken.error * 1000);
    await refuse(taken.error);
  });
}

function errorOf(body: unknown): unknown {
  return typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
}
