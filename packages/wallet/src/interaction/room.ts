import type { Refusal } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { askerOfRequest, within } from "../rates/rates.ts";
import type { InteractionParts } from "./parts.ts";
import type { Posted } from "./posted.ts";

/**
 * Whether there is room for one more challenge: for this interaction, then for this address. Only beginning a ceremony is counted, never its answer, and never
 * by account, so that nobody is kept from signing in by the guesses of others.
 */
export async function roomForCeremony(parts: InteractionParts, { interaction, request }: Posted): Promise<Result<void, Refusal>> {
  const now = parts.now();
  const own = await within(parts.rates, "ceremony", interaction.uid, now);
  return own.ok ? within(parts.rates, "ceremonyAddress", askerOfRequest(request), now) : own;
}
