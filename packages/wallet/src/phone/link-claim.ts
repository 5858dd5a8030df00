import { randomBytes, randomInt } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { judgeNumber, type NumberVerdict } from "@countersign/protocol/device-code";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import { z } from "zod";
import { atomically } from "../atomically.ts";
import { sha256 } from "../digest.ts";
import { decisionChannel } from "../payment-requests/request.ts";

/** How long a ticket for a phone lives: what is about a payment lives shortly, because it is worth something to a thief (RFC 10027). */
export const phoneTicketTtlMs = 180_000;

/** A claim outlives its payment request so long, so that the page that waits can say how it ended. */
const afterglowMs = 600_000;

/** The screen that a ticket was made on, as the phone's page says it. */
export interface TicketStart {
  readonly address: string;
  readonly agent: string;
  readonly startedAt: EpochMs;
}

/** The ticket in force. `id` is that of its record; `phone` is the browser that opened it and what became of the number there. */
interface PhoneTicket {
  readonly id: string;
  readonly number: string;
  readonly start: TicketStart;
  readonly endsAt: EpochMs;
  readonly phone: { readonly browser: string; readonly number: NumberVerdict } | null;
}

/** Who opened a payment's approval link first, and the phone that this browser handed the decision to. */
export interface LinkClaim {
  readonly browser: string;
  readonly ticket: PhoneTicket | null;
}

const start = z.object({ address: z.string(), agent: z.string(), startedAt: z.number() });
const phone = z.object({ browser: z.string(), number: z.enum(["not_needed", "ask", "matched", "wrong"]) });
const ticketShape = z.object({ id: z.string(), number: z.string(), start, endsAt: z.number(), phone: phone.nullable() });
const claimShape = z.object({ browser: z.string(), ticket: ticketShape.nullable() });

export const linkClaimKind: RecordKind<LinkClaim> = { name: "link-claim", parse: (json) => claimShape.parse(json) };

interface TicketTarget {
  readonly requestId: string;
}

const targetShape = z.object({ requestId: z.string() });

/** Leads from a ticket, of which only the hash is kept, to its payment request. */
export const phoneTicketKind: RecordKind<TicketTarget> = { name: "phone-ticket", parse: (json) => targetShape.parse(json) };

type RecordStore = Pick<Database<unknown>, "records">;

/**
 * Claims the approval link of an open payment request for a browser: the first one wins by one conditional write. Gives the claim to whoever holds it and to
 * the phone that it was handed to; undefined for anybody else.
 */
export async function claimLink(
  database: RecordStore,
  link: { readonly requestId: string; readonly browser: string; readonly expiresAt: EpochMs },
  now: EpochMs,
): Promise<LinkClaim | undefined> {
  const there = await findClaim(database, link.requestId, now);
  if (there === undefined) {
    const claim: LinkClaim = { browser: link.browser, ticket: null };
    const created = await database.records(linkClaimKind).create(claimId(link.requestId), claim, { expiresAt: link.expiresAt + afterglowMs });
    if (created.ok) return claim;
  }
  const claim = there?.value ?? (await findClaim(database, link.requestId, now))?.value;
  const isTheirs = claim?.browser === link.browser || claim?.ticket?.phone?.browser === link.browser;
  return isTheirs ? claim : undefined;
}

/** The claim of a link, whoever holds it. */
export async function readClaim(database: RecordStore, requestId: string, now: EpochMs): Promise<LinkClaim | undefined> {
  return (await findClaim(database, requestId, now))?.value;
}

/** The phone that alone decides now: it opened a ticket that is not over, and named no wrong number. */
export function decidingPhone(claim: LinkClaim, now: EpochMs): string | undefined {
  const { ticket } = claim;
  return ticket === null || ticket.endsAt <= now || ticket.phone?.number === "wrong" ? undefined : ticket.phone?.browser;
}

/** A ticket as its maker sees it, once. */
export interface NewTicket {
  readonly ticket: string;
  readonly number: string;
}

/**
 * Makes a ticket for a phone, which takes the place of the one before. Refuses with `claimed_elsewhere` to anybody but the claim's holder and while a phone
 * decides, and with `conflict` when another was made at the same time.
 */
export async function makeTicket(
  database: Database<unknown>,
  link: { readonly requestId: string; readonly browser: string; readonly start: TicketStart },
  now: EpochMs,
): Promise<Result<NewTicket, Refusal>> {
  const there = await findClaim(database, link.requestId, now);
  if (there?.value.browser !== link.browser || decidingPhone(there.value, now) !== undefined) return err(refuse("claimed_elsewhere"));
  const ticket = randomBytes(32).toString("base64url");
  const number = String(randomInt(100)).padStart(2, "0");
  const endsAt = now + phoneTicketTtlMs;
  const made: PhoneTicket = { id: ticketId(ticket), number, start: link.start, endsAt, phone: null };
  return atomically(database, async (tx) => {
    const updated = await tx.records(linkClaimKind).update(there.id, there.version, { ...there.value, ticket: made });
    if (!updated.ok) return err(refuse("conflict"));
    const created = await tx.records(phoneTicketKind).create(made.id, { requestId: link.requestId }, { expiresAt: endsAt });
    if (!created.ok) throw new Error("a ticket came up twice");
    return ok({ ticket, number });
  });
}

/**
 * Opens a ticket on a phone, which alone decides from then on: single use by one conditional write, though its holder may come back. Gives the payment
 * request; everything that cannot be used is one refusal, `claimed_elsewhere` (D10).
 */
export async function takeTicket(database: Database<unknown>, ticket: string, browser: string, now: EpochMs): Promise<Result<string, Refusal>> {
  const id = ticketId(ticket);
  const taken = await atomically(database, async (tx) => {
    const spent = await tx.records(phoneTicketKind).consume(id, now);
    if (!spent.ok) return err(refuse("claimed_elsewhere"));
    const { requestId } = spent.value.value;
    const claim = await findClaim(tx, requestId, now);
    if (claim?.value.ticket?.id !== id) return err(refuse("claimed_elsewhere"));
    const opened: LinkClaim = { ...claim.value, ticket: { ...claim.value.ticket, phone: { browser, number: "ask" } } };
    const updated = await tx.records(linkClaimKind).update(claim.id, claim.version, opened);
    if (!updated.ok) return err(refuse("claimed_elsewhere"));
    await tx.signals.notify(decisionChannel(requestId), "");
    return ok(requestId);
  });
  if (taken.ok) return taken;
  const target = await database.records(phoneTicketKind).get(id, now);
  const claim = target === undefined ? undefined : await readClaim(database, target.value.requestId, now);
  const isBack = target !== undefined && claim?.ticket?.id === id && decidingPhone(claim, now) === browser;
  return isBack ? ok(target.value.requestId) : taken;
}

/**
 * Names the number of the first screen on the phone that opened the ticket. It is judged once, by a conditional write; a wrong one ends the ticket. Undefined
 * for anybody else, and when the time is over.
 */
export async function nameTicketNumber(
  database: Database<unknown>,
  link: { readonly requestId: string; readonly browser: string; readonly given: string },
  now: EpochMs,
): Promise<NumberVerdict | undefined> {
  const there = await findClaim(database, link.requestId, now);
  const named = numberOf(there, link.browser, now);
  const ticket = there?.value.ticket ?? null;
  if (there === undefined || ticket === null || named !== "ask") return named;
  const number = judgeNumber(ticket.number, link.given);
  const next: LinkClaim = { ...there.value, ticket: { ...ticket, phone: { browser: link.browser, number } } };
  const updated = await database.records(linkClaimKind).update(there.id, there.version, next);
  if (!updated.ok) return numberOf(await findClaim(database, link.requestId, now), link.browser, now);
  if (number === "wrong") await database.signals.notify(decisionChannel(link.requestId), "");
  return number;
}

function numberOf(claim: StoredRecord<LinkClaim> | undefined, browser: string, now: EpochMs): NumberVerdict | undefined {
  const ticket = claim?.value.ticket;
  return ticket?.phone?.browser === browser && ticket.endsAt > now ? ticket.phone.number : undefined;
}

function findClaim(database: RecordStore, requestId: string, now: EpochMs): Promise<StoredRecord<LinkClaim> | undefined> {
  return database.records(linkClaimKind).get(claimId(requestId), now);
}

function claimId(requestId: string): string {
  return sha256(`link-claim\n${requestId}`);
}

function ticketId(ticket: string): string {
  return sha256(`phone-ticket\n${ticket}`);
}
