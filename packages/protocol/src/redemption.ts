import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { PaymentRequestStatus } from "./payment.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";

/** Who uses a mandate, and for what: `reference` is that party's own id of the payment. */
export interface RedemptionClaim {
  readonly by: string;
  readonly reference: string;
}

/**
 * Where a mandate stands. `amount`: what was approved, in minor units. `audience`: who may redeem it. `redemption`: the first one, also after it was voided.
 * `captured`: how much was taken in the end, once that was said.
 */
export interface MandateStanding {
  readonly status: PaymentRequestStatus;
  readonly amount: number;
  readonly audience: readonly string[];
  readonly redemption: RedemptionClaim | undefined;
  readonly captured: number | undefined;
}

/** `apply`: write it, once. `repeat`: it was written before, answer the same again. */
export type OnceVerdict = "apply" | "repeat";

/**
 * Judges the use of a mandate. The same party with the same reference gets its first answer again. Refuses with `client_not_allowed` for a party that the
 * mandate is not for, `mandate_spent` after any other use, `mandate_revoked` after a withdrawal, and `mandate_invalid` when it ended or never was.
 */
export function judgeRedemption(standing: MandateStanding, claim: RedemptionClaim): Result<OnceVerdict, Refusal> {
  if (!standing.audience.includes(claim.by)) return err(refuse("client_not_allowed", "the mandate is for others"));
  switch (standing.status) {
    case "approved":
      return ok("apply");
    case "redeemed":
      return isSameClaim(standing.redemption, claim) ? ok("repeat") : err(refuse("mandate_spent"));
    case "voided":
      return err(refuse("mandate_spent", "its payment was voided"));
    case "revoked":
      return err(refuse("mandate_revoked"));
    case "expired":
      return err(refuse("mandate_invalid", "expired"));
    case "created":
    case "denied":
    case "canceled":
      return err(refuse("mandate_invalid", "there is no mandate"));
  }
}

/**
 * Judges the word of whoever redeemed a mandate that no money moved and none will. Refuses with `client_not_allowed` for anybody else, and with `conflict`
 * for a mandate that was not redeemed, for another reference, and after it was said that some was taken.
 */
export function judgeVoid(standing: MandateStanding, claim: RedemptionClaim): Result<OnceVerdict, Refusal> {
  if (!standing.audience.includes(claim.by)) return err(refuse("client_not_allowed", "the mandate is for others"));
  if (!isSameClaim(standing.redemption, claim)) return err(refuse("conflict", "it was not redeemed by this party for this payment"));
  if (standing.captured !== undefined) return err(refuse("conflict", "some of it was captured"));
  return ok(standing.status === "voided" ? "repeat" : "apply");
}

/**
 * Judges the word of whoever redeemed a mandate that `captured` of it was taken and no more will be; nothing taken is a void. Refuses with
 * `client_not_allowed` for anybody else, with `exceeds_payment` for more than was approved, and with `conflict` for a mandate that was not redeemed or was
 * voided, for another reference, and after another sum was said.
 */
export function judgeSettlement(standing: MandateStanding, claim: RedemptionClaim & { readonly captured: number }): Result<OnceVerdict, Refusal> {
  if (!standing.audience.includes(claim.by)) return err(refuse("client_not_allowed", "the mandate is for others"));
  if (!isSameClaim(standing.redemption, claim)) return err(refuse("conflict", "it was not redeemed by this party for this payment"));
  if (standing.status !== "redeemed") return err(refuse("conflict", `the request is ${standing.status}`));
  if (claim.captured > standing.amount) return err(refuse("exceeds_payment", "more than was approved"));
  if (standing.captured === undefined) return ok("apply");
  return standing.captured === claim.captured ? ok("repeat") : err(refuse("conflict", "another sum was said"));
}

/** How a payment request ends when the payee no longer asks, or the user takes the approval back. */
export type Withdrawal = { readonly verdict: "apply"; readonly to: "canceled" | "revoked" } | { readonly verdict: "repeat" };

/**
 * Judges a withdrawal. An open request is canceled, which is the payee's to do; an approval that was not used is revoked, by either side. Refuses with
 * `conflict` when the request has ended otherwise, above all when its mandate was redeemed: then only the one who redeemed it can undo the payment.
 */
export function judgeWithdrawal(status: PaymentRequestStatus, by: "payee" | "user"): Result<Withdrawal, Refusal> {
  if (status === "created" && by === "payee") return ok({ verdict: "apply", to: "canceled" });
  if (status === "approved") return ok({ verdict: "apply", to: "revoked" });
  if (status === "revoked" || (status === "canceled" && by === "payee")) return ok({ verdict: "repeat" });
  return err(refuse("conflict", `the request is ${status}`));
}

function isSameClaim(first: RedemptionClaim | undefined, claim: RedemptionClaim): boolean {
  return first !== undefined && first.by === claim.by && first.reference === claim.reference;
}
