import { refuse } from "@countersign/protocol/errors";
import { ok } from "@countersign/protocol/result";
import { z } from "zod";
import type { Checkout } from "../checkout/checkout.ts";
import type { Also } from "../checkout/checkout-rows.ts";
import { type Claim, ClaimLost, type KeyedAnswers } from "../keyed-answers.ts";
import type { Shop } from "../shop.ts";
import type { UcpAnswer, UcpBusinessAnswer } from "./operate.ts";

export interface KeyedRequest {
  readonly operation: string;
  /** The checkout it is about; empty for making one. */
  readonly session: string;
  readonly key: string | undefined;
  /** What must be equal for a request to be the same: the body, byte for byte, over REST. */
  readonly payload: string;
}

/** Writes the answer that a checkout comes to in the transaction of its effect, where there is a key to keep it for. */
export type KeepAnswer = (answerOf: (checkout: Checkout) => UcpBusinessAnswer) => Also;

const kept = z.object({ status: z.literal([200, 201, 404]), body: z.record(z.string(), z.unknown()) });
const guests = "ucp";

/**
 * Runs an operation once for each key (UCP, Replay Protection), and gives its first answer to whoever sends the request again. What is made, changed or given up
 * is kept in one transaction with its answer; completing has keys of its own for every step. Refuses with `idempotency_conflict` a key that came with another
 * payload, and with `idempotency_in_flight` one whose run goes on. An answer of kind `protocol` is not kept.
 */
export async function runOnce(
  shop: Pick<Shop, "db">,
  answers: KeyedAnswers,
  request: KeyedRequest,
  run: (keep: KeepAnswer) => Promise<UcpAnswer>,
): Promise<UcpAnswer> {
  const { operation, session, key, payload } = request;
  if (key === undefined) return await run(() => async () => ok(undefined));
  const claimed = await answers.claim({ principal: guests, path: `${operation} ${session}`, key, body: payload });
  switch (claimed.outcome) {
    case "replay":
      return { kind: "ucp", ...kept.parse(claimed.answer) };
    case "conflict":
      return { kind: "protocol", refusal: refuse("idempotency_conflict") };
    case "in_flight":
      return { kind: "protocol", refusal: refuse("idempotency_in_flight") };
    case "mine":
      return await carryOut(shop, claimed.claim, run);
  }
}

async function carryOut(shop: Pick<Shop, "db">, claim: Claim, run: (keep: KeepAnswer) => Promise<UcpAnswer>): Promise<UcpAnswer> {
  let isKept = false;
  const keep: KeepAnswer = (answerOf) => async (tx, checkout) => {
    const { status, body } = answerOf(checkout);
    await claim.keep(tx, { status, body });
    isKept = true;
    return ok(undefined);
  };
  try {
    const answer = await run(keep);
    if (answer.kind === "protocol") await claim.release();
    else if (!isKept) await claim.keep(shop.db, { status: answer.status, body: answer.body });
    return answer;
  } catch (thrown) {
    // Somebody else has taken it over, because it took so long: what they do counts.
    if (thrown instanceof ClaimLost) return { kind: "protocol", refusal: refuse("idempotency_in_flight") };
    await claim.release();
    throw thrown;
  }
}
