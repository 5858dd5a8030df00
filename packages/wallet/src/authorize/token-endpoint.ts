import type { IncomingMessage } from "node:http";
import type { Database } from "@countersign/storage/database";
import type Provider from "oidc-provider";
import { errors, type KoaContextWithOIDC } from "oidc-provider";
import { sha256OfJson } from "../digest.ts";
import { settleExchange } from "./refresh-exchange.ts";
import type { RefreshGrace } from "./refresh-grace.ts";
import { paramText, requestedIndicators } from "./resources.ts";

interface Outcome {
  readonly ctx: KoaContextWithOIDC;
  readonly error?: Error;
}

/**
 * What oidc-provider leaves to its surroundings at the token endpoint: the answer of a refresh is kept for its grace and sent again when the client lost it,
 * a used refresh token that comes back with another key ends its family, and a wrong code verifier spends the code, so that nobody guesses twice.
 */
export function attendTokenEndpoint(provider: Provider, database: Database<unknown>, grace: RefreshGrace): void {
  const outcomes = new WeakMap<IncomingMessage, Outcome>();
  provider.on("grant.success", (ctx) => {
    outcomes.set(ctx.req, { ctx });
  });
  provider.on("grant.error", (ctx, error) => {
    outcomes.set(ctx.req, { ctx, error });
  });
  provider.use(async (koa, next) => {
    await next();
    const outcome = outcomes.get(koa.req);
    if (outcome === undefined) return;
    const { ctx, error } = outcome;
    if (error === undefined) {
      const rotated = ctx.oidc.entities.RotatedRefreshToken;
      if (rotated !== undefined) await exchangeOnce(ctx, database, grace, rotated.jti);
    } else if (blamesVerifier(error)) {
      await spendCode(provider, ctx);
    } else if (blamesKey(error)) {
      await endFamilyOfUsed(provider, ctx, grace);
    }
  });
}

/** Makes the exchange of a refresh token count. Who comes second gets the first one's answer; the one that was made for it never leaves this process. */
async function exchangeOnce(ctx: KoaContextWithOIDC, database: Database<unknown>, grace: RefreshGrace, refreshToken: string): Promise<void> {
  const answer: unknown = ctx.body;
  // A token for one resource is never the answer to who asked for another's.
  const asked = sha256OfJson([paramText(ctx, "scope"), requestedIndicators(ctx)]);
  if (await settleExchange(database, ctx.req, (tx) => grace.keep(tx, refreshToken, { asked, answer }))) return;
  const earlier = await grace.earlierAnswer(refreshToken, asked);
  if (earlier === undefined) {
    const { error, error_description, status } = new errors.InvalidGrant("the refresh token ended meanwhile");
    ctx.status = status;
    ctx.body = { error, error_description };
  } else {
    ctx.body = earlier.answer;
  }
}

/** A bound refresh token came with another key, or with none. */
function blamesKey(error: Error): boolean {
  return "error_detail" in error && error.error_detail === "failed jkt verification";
}

/** Who holds a token that was exchanged already, and not its key, has it from somewhere: after the grace too, where oidc-provider looks at the key first. */
async function endFamilyOfUsed(provider: Provider, ctx: KoaContextWithOIDC, grace: RefreshGrace): Promise<void> {
  const value = ctx.oidc.params?.["refresh_token"];
  if (typeof value !== "string") return;
  const token = await provider.RefreshToken.find(value);
  if (token?.grantId === undefined || (token.consumed === undefined && !(await grace.hasAnswer(value)))) return;
  await provider.Grant.adapter.destroy(token.grantId);
}

/** oidc-provider has matched code and client before it looks at the verifier. */
function blamesVerifier(error: Error): boolean {
  const detail = "error_detail" in error && typeof error.error_detail === "string" ? error.error_detail : "";
  const description = "error_description" in error && typeof error.error_description === "string" ? error.error_description : "";
  return detail.startsWith("code_verifier") || description.startsWith("code_verifier");
}

async function spendCode(provider: Provider, ctx: KoaContextWithOIDC): Promise<void> {
  const value = ctx.oidc.params?.["code"];
  if (typeof value !== "string") return;
  const code = await provider.AuthorizationCode.find(value);
  await code?.destroy();
}
