import type { ErrorCode, Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { member } from "@countersign/protocol/shape";
import { exchangeJson, type JsonReply } from "./exchange-json.ts";
import type { WalletTokens } from "./wallet-token.ts";

/** A wallet whose mandates are redeemed there. `mandatesUri` is the resource and the base of its interface. */
export interface RedeemingWallet {
  readonly issuer: string;
  readonly mandatesUri: string;
}

/** The bank's side of a wallet's mandate interface. It never throws; `unavailable` says nothing about what the wallet did. */
export interface WalletClient {
  /** Refuses with `mandate_spent`, `mandate_revoked` or `mandate_invalid`, which are the wallet's last word, and with `unavailable`. */
  redeem(wallet: RedeemingWallet, redemption: { readonly mandate: string; readonly reference: string }): Promise<Result<void, Refusal>>;
  /**
   * Ok when the redemption is void, and when the wallet knows of none that could be. Refuses with `unavailable` when the wallet does not answer anything now, and with
   * `internal_error` when it answers, but not with an end of this one.
   */
  void(wallet: RedeemingWallet, redemption: { readonly requestId: string; readonly reference: string }): Promise<Result<void, Refusal>>;
  /** As `void`, for a redemption of which `captured` was taken in the end, in minor units. */
  settle(
    wallet: RedeemingWallet,
    redemption: { readonly requestId: string; readonly reference: string; readonly captured: number },
  ): Promise<Result<void, Refusal>>;
}

/** The wallet's last words; asking again changes none of them. One that knows no settlements says `not_found` and keeps the whole payment counted. */
const nothingToEnd: ReadonlySet<unknown> = new Set<ErrorCode>(["conflict", "not_found", "client_not_allowed", "exceeds_payment"]);
const noAnswer = refuse("unavailable", "the wallet does not answer");
/** What a wallet, or what stands in front of it, says of itself and of no redemption. */
const saysNothing: ReadonlySet<number> = new Set([401, 429, 502, 503, 504]);

export function createWalletClient(parts: { readonly tokens: WalletTokens; readonly fetch: typeof fetch }): WalletClient {
  const ask = async (wallet: RedeemingWallet, action: "redeem" | "void" | "settle", body: unknown): Promise<JsonReply | undefined> => {
    for (const attempt of [1, 2]) {
      const token = await parts.tokens.tokenFor(wallet.issuer, wallet.mandatesUri);
      if (token === undefined) return undefined;
      const headers = { authorization: `Bearer ${token.reveal()}`, "content-type": "application/json" };
      const reply = await exchangeJson(parts.fetch, `${wallet.mandatesUri}/${action}`, { method: "POST", headers, body: JSON.stringify(body) });
      if (reply?.status !== 401 || attempt === 2) return reply;
      parts.tokens.drop(wallet.issuer);
    }
    return undefined;
  };
  return {
    async redeem(wallet, { mandate, reference }) {
      const reply = await ask(wallet, "redeem", { mandate, reference });
      if (reply?.status === 200 && member(reply.body, "reference") === reference) return ok(undefined);
      const code = member(reply?.body, "code");
      if (code === "mandate_spent" || code === "mandate_revoked" || code === "mandate_invalid") return err(refuse(code, "the wallet's word"));
      return err(noAnswer);
    },
    async void(wallet, { requestId, reference }) {
      return ended(await ask(wallet, "void", { request_id: requestId, reference }), reference);
    },
    async settle(wallet, { requestId, reference, captured }) {
      return ended(await ask(wallet, "settle", { request_id: requestId, reference, captured }), reference);
    },
  };
}

function ended(reply: JsonReply | undefined, reference: string): Result<void, Refusal> {
  const isHeard = reply?.status === 200 && member(reply.body, "reference") === reference;
  if (isHeard || nothingToEnd.has(member(reply?.body, "code"))) return ok(undefined);
  return err(reply === undefined || saysNothing.has(reply.status) ? noAnswer : refuse("internal_error", "the wallet does not end it"));
}
