import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { OpenInteraction } from "../authorize/interactions.ts";
import { requestedTransactions } from "../authorize/transaction-scopes.ts";
import type { InteractionParts } from "../interaction/parts.ts";
import { approvalLinkClientId } from "../payment-requests/approval-link-client.ts";
import { paymentRequestKind, statusOf } from "../payment-requests/request.ts";
import { browserOf } from "./browser-cookie.ts";
import { claimLink, decidingPhone, type LinkClaim } from "./link-claim.ts";

/** An approval link as this browser has it. */
export interface OpenLink {
  readonly requestId: string;
  readonly browser: string;
  readonly claim: LinkClaim;
  /** Whether this browser is the phone that the decision was handed to. */
  readonly isPhone: boolean;
  /** False while a phone decides for this browser. */
  readonly mayDecide: boolean;
}

/** What a page is shown to: the request of the browser, and the approval link that it came by. */
export interface Viewer {
  readonly request: Request;
  readonly link: OpenLink | undefined;
}

type LinkParts = Pick<InteractionParts, "database" | "party" | "now">;

/**
 * The approval link of an interaction, claimed for its browser when nobody was first; undefined when the interaction is no link's, or there is nothing left to
 * decide. Refuses with `claimed_elsewhere` when another browser was first, `number_mismatch` and `challenge_expired` to a phone whose ticket has ended.
 */
export async function openLinkOf(parts: LinkParts, request: Request, interaction: OpenInteraction): Promise<Result<OpenLink | undefined, Refusal>> {
  const linked = linkedRequestOf(interaction);
  if (!linked.ok) return linked;
  const requestId = linked.value;
  if (requestId === undefined) return ok(undefined);
  const now = parts.now();
  const found = await parts.database.records(paymentRequestKind).get(requestId, now);
  if (found === undefined || statusOf(found.value, now) !== "created") return ok(undefined);
  const browser = browserOf(request, parts.party.origin.startsWith("https:"));
  if (browser === undefined) return err(refuse("challenge_expired"));
  const claim = await claimLink(parts.database, { requestId, browser, expiresAt: found.value.expiresAt }, now);
  if (claim === undefined) return err(refuse("claimed_elsewhere"));
  const phone = decidingPhone(claim, now);
  const isPhone = phone === browser;
  if (!isPhone && claim.browser !== browser) {
    return err(refuse(claim.ticket?.phone?.number === "wrong" ? "number_mismatch" : "challenge_expired"));
  }
  return ok({ requestId, browser, claim, isPhone, mayDecide: phone === undefined || isPhone });
}

/** The one payment request that an approval link is about. Refuses a request that somebody put together themselves. */
export function linkedRequestOf(interaction: OpenInteraction): Result<string | undefined, Refusal> {
  if (interaction.client.clientId !== approvalLinkClientId) return ok(undefined);
  const { byScope, byDetails } = requestedTransactions(interaction.scope, interaction.authorizationDetails);
  const [requestId, ...more] = new Set([...byScope, ...(byDetails === undefined ? [] : [byDetails])]);
  return more.length > 0 ? err(refuse("challenge_expired")) : ok(requestId);
}
