import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { type MandateClaims, mandateEndsAt } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { BankClient } from "./clients.ts";
import type { ReachFaultPoint } from "./fault-point.ts";
import { forgetRedemption, postponeEnd, readDeclined, sortRedemptions, startRedemption } from "./redemptions.ts";
import type { BankTables, RedemptionRow } from "./tables.ts";
import type { RedeemingWallet, WalletClient } from "./wallet-client.ts";

export interface RedemptionParts {
  readonly database: Database<BankTables>;
  readonly clients: readonly BankClient[];
  readonly wallet: WalletClient;
  readonly reach: ReachFaultPoint;
}

/** Redeems mandates where they were signed, before any money moves. */
export interface Redemptions {
  /** Whether mandates of this issuer are redeemed at all. */
  isRedeemed(issuer: string): boolean;
  /**
   * Redeems a verified mandate for one payment; as often as asked, it is one redemption. Refuses with the wallet's last word, or with `unavailable`: then
   * nobody knows, nothing is captured, and the same request may be made again.
   */
  redeem(claims: MandateClaims, mandate: string, paymentId: string): Promise<Result<void, Refusal>>;
  /** Tells wallets what came to nothing, or to a part, a hundred at a time; gives how many have heard. */
  settle(now: EpochMs): Promise<number>;
}

/** Longer than any capture runs that began while its mandate was good. */
const marginMs = 120_000;
const retryMs = 60_000;
const batch = 100;

export function createRedemptions(parts: RedemptionParts): Redemptions {
  const { database, wallet, reach } = parts;
  const wallets = new Map<string, RedeemingWallet>(
    parts.clients.flatMap(({ clientId, mandatesUri }) => (mandatesUri === undefined ? [] : [[clientId, { issuer: clientId, mandatesUri }]])),
  );
  const tell = (at: RedeemingWallet, { payment_id: reference, request_id: requestId, captured }: RedemptionRow): Promise<Result<void, Refusal>> =>
    captured === 0 ? wallet.void(at, { requestId, reference }) : wallet.settle(at, { requestId, reference, captured });
  /** One wallet's ends, one after the other. One that it answers and does not take is put off alone; when it does not answer, all that is left is, without asking again. */
  const tellAll = async (issuer: string, rows: readonly RedemptionRow[], now: EpochMs): Promise<number> => {
    const at = wallets.get(issuer);
    let settled = 0;
    let isSilent = false;
    for (const row of rows) {
      const told: Result<void, Refusal> | undefined = at === undefined || isSilent ? undefined : await tell(at, row);
      isSilent ||= told?.ok === false && told.error.code === "unavailable";
      const isOver = !isSilent && told?.ok !== false;
      if (isOver) await forgetRedemption(database, row.payment_id);
      else await postponeEnd(database, row.payment_id, now + retryMs);
      if (isOver) settled += 1;
    }
    return settled;
  };
  return {
    isRedeemed: (issuer) => wallets.has(issuer),
    async redeem(claims, mandate, paymentId) {
      const at = wallets.get(claims.iss);
      if (at === undefined) return ok(undefined);
      const noted = { payment_id: paymentId, issuer: claims.iss, request_id: claims.request_id, ends_at: mandateEndsAt(claims.iat) + marginMs };
      const started = await startRedemption(database, noted);
      if (started === "declined") return err(refuse("mandate_spent", "its payment was declined"));
      await reach("redeem.started");
      const redeemed = await wallet.redeem(at, { mandate, reference: paymentId });
      await reach("redeem.answered");
      // What was asked for before may have been done without an answer: that is voided when the mandate is over.
      const isNothing = started === "new" && !redeemed.ok && redeemed.error.code !== "unavailable";
      if (isNothing) await forgetRedemption(database, paymentId);
      return redeemed;
    },
    async settle(now) {
      await sortRedemptions(database, now);
      const byIssuer = Map.groupBy(await readDeclined(database, now, batch), (row) => row.issuer);
      const counts = await Promise.all([...byIssuer].map(([issuer, rows]) => tellAll(issuer, rows, now)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}
