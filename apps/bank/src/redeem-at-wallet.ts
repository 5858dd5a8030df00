import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { type MandateClaims, mandateEndsAt } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { BankClient } from "./clients.ts";
import type { ReachFaultPoint } from "./fault-point.ts";
import { forgetRedemption, postponeVoid, readDeclined, sortRedemptions, startRedemption } from "./redemptions.ts";
import type { BankTables } from "./tables.ts";
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
  /** Voids at the wallet what came to nothing, a hundred at a time; gives how many. */
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
  return {
    isRedeemed: (issuer) => wallets.has(issuer),
    async redeem(claims, mandate, paymentId) {
      const at = wallets.get(claims.iss);
      if (at === undefined) return ok(undefined);
      const noted = { payment_id: paymentId, issuer: claims.iss, request_id: claims.request_id, ends_at: mandateEndsAt(claims.iat) + marginMs };
      if (!(await startRedemption(database, noted))) return err(refuse("mandate_spent", "its payment was declined"));
      await reach("redeem.started");
      const redeemed = await wallet.redeem(at, { mandate, reference: paymentId });
      await reach("redeem.answered");
      if (!redeemed.ok && redeemed.error.code !== "unavailable") await forgetRedemption(database, paymentId);
      return redeemed;
    },
    async settle(now) {
      await sortRedemptions(database, now);
      let settled = 0;
      for (const row of await readDeclined(database, now, batch)) {
        const at = wallets.get(row.issuer);
        const done = at === undefined ? ok(undefined) : await wallet.void(at, { requestId: row.request_id, reference: row.payment_id });
        if (done.ok) {
          await forgetRedemption(database, row.payment_id);
          settled += 1;
        } else {
          await postponeVoid(database, row.payment_id, now + retryMs);
        }
      }
      return settled;
    },
  };
}
