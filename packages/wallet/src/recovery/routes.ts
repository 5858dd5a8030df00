import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Logger } from "@countersign/service/log";
import { respondJson } from "@countersign/service/respond";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { Hono } from "hono";
import { z } from "zod";
import { describeAgent } from "../account/agent.ts";
import { atomically } from "../atomically.ts";
import { writeAudit } from "../audit/log.ts";
import { endSessions } from "../authorize/sessions.ts";
import { sha256, sha256OfJson } from "../digest.ts";
import { type FormTokens, isOwnOrigin } from "../forms.ts";
import { readFields, sendsJson } from "../interaction/posted.ts";
import { refusalPage, respondWording } from "../interaction/routes.ts";
import { pageHeaders } from "../pages/headers.ts";
import { type Page, renderPage } from "../pages/layout.ts";
import { recoverPage, recoveredPage, recoverPasskeyPage } from "../pages/recover.ts";
import { addPasskey, startPasskey, verifyPasskey } from "../passkeys/membership.ts";
import type { RelyingParty } from "../passkeys/relying-party.ts";
import { askerOfRequest, type Rates, within } from "../rates/rates.ts";
import { findByRecoveryCode, readRecoveryCode, recoveryCodeHash, spendRecoveryCode } from "./codes.ts";

/** How long a right code leaves to make the new passkey. The code itself is used up only by that. */
const ticketTtlMs = 600_000;

/** Which account and which of its codes a ticket stands for. */
export interface RecoveryTicket {
  readonly accountId: string;
  readonly codeHash: string;
}

const ticketShape = z.object({ accountId: z.string(), codeHash: z.string() });

/** Says that somebody gave the right code. Its id is the hash of a value that only the page that followed has. */
export const recoveryTicketKind: RecordKind<RecoveryTicket> = { name: "recovery-ticket", parse: (json) => ticketShape.parse(json) };

export interface RecoveryParts {
  readonly database: Database<unknown>;
  readonly forms: FormTokens;
  readonly party: RelyingParty;
  readonly rates: Rates;
  readonly logger: Logger;
  readonly now: () => EpochMs;
}

type Fields = Readonly<Record<string, unknown>>;

/** The way back in for who has no passkey left: the recovery code leads to a new passkey, and to nothing else. */
export function recoveryRoutes(parts: RecoveryParts): Hono {
  const app = new Hono();
  const headers = pageHeaders(parts.party.origin.startsWith("https:"));
  const respondPage = async (page: Page, status = 200, more: Readonly<Record<string, string>> = {}): Promise<Response> =>
    new Response(await renderPage(page), { status, headers: { "content-type": "text/html; charset=utf-8", ...headers, ...more } });
  const respondRefused = async (request: Request, refusal: Refusal): Promise<Response> => {
    parts.logger.warn("recovery.refused", { code: refusal.code });
    if (sendsJson(request)) return respondWording(refusal);
    if (refusal.code !== "recovery_code_refused") {
      const shown = refusalPage(refusal);
      return respondPage(shown.page, shown.status, shown.headers);
    }
    return respondPage(recoverPage({ token: codeFormToken(parts), isWrong: true }), 403);
  };

  app.get("/recover", () => respondPage(recoverPage({ token: codeFormToken(parts), isWrong: false })));
  app.get("/recovered", () => respondPage(recoveredPage()));

  app.post("/recover", async (c) => {
    const fields = await receive(parts, c.req.raw);
    const ticket = fields.ok ? await takeCode(parts, c.req.raw, fields.value) : fields;
    return ticket.ok ? respondPage(recoverPasskeyPage({ ticket: ticket.value })) : respondRefused(c.req.raw, ticket.error);
  });

  app.post("/recover/passkey/options", async (c) => {
    const fields = await receive(parts, c.req.raw);
    const options = fields.ok ? await startRecovery(parts, c.req.raw, fields.value) : fields;
    return options.ok ? respondJson(200, { options: options.value }) : respondRefused(c.req.raw, options.error);
  });

  app.post("/recover/passkey", async (c) => {
    const fields = await receive(parts, c.req.raw);
    const done = fields.ok ? await completeRecovery(parts, c.req.raw, fields.value) : fields;
    return done.ok ? respondJson(200, { next: "/recovered" }) : respondRefused(c.req.raw, done.error);
  });
  return app;
}

async function receive(parts: RecoveryParts, request: Request): Promise<Result<Fields, Refusal>> {
  const headers = { origin: request.headers.get("origin"), secFetchSite: request.headers.get("sec-fetch-site") };
  return isOwnOrigin(headers, parts.party.origin) ? readFields(request) : err(refuse("forbidden_origin"));
}

/** Whoever can read the page may send its form: the token says only that it was this form. */
function codeFormToken(parts: RecoveryParts): string {
  return parts.forms.issue(codeForm);
}

const codeForm = { interactionUid: "recover:", form: "account", shownDigest: sha256OfJson({ action: "/recover" }) } as const;

/** Turns a right code into a ticket; the code stays good until the ticket has made a passkey. Each attempt counts, right or wrong. */
async function takeCode(parts: RecoveryParts, request: Request, fields: Fields): Promise<Result<string, Refusal>> {
  if (!parts.forms.verify(fields["form_token"], codeForm)) return err(refuse("forbidden_origin"));
  const now = parts.now();
  const taken = await within(parts.rates, "recovery", askerOfRequest(request), now);
  if (!taken.ok) return taken;
  const code = readRecoveryCode(fields["recovery_code"]);
  const codeHash = code === undefined ? undefined : recoveryCodeHash(code);
  const found = codeHash === undefined ? undefined : await findByRecoveryCode(parts.database, codeHash, now);
  if (codeHash === undefined || found === undefined) return err(refuse("recovery_code_refused"));
  const ticket = randomBytes(32).toString("base64url");
  const value = { accountId: found.id, codeHash };
  await parts.database.records(recoveryTicketKind).create(ticketId(ticket), value, { expiresAt: now + ticketTtlMs });
  return ok(ticket);
}

async function startRecovery(parts: RecoveryParts, request: Request, fields: Fields): Promise<Result<unknown, Refusal>> {
  const ticket = await findTicket(parts, fields);
  if (ticket === undefined) return err(refuse("challenge_expired"));
  const taken = await within(parts.rates, "ceremony", ticket.id, parts.now());
  if (!taken.ok) return taken;
  const name = describeAgent(request.headers.get("user-agent"));
  return startPasskey(parts, { accountId: ticket.accountId, place: placeOf(ticket.id) }, name);
}

/** Uses ticket and code up, adds the passkey and signs every browser out, for one of them may be the thief's; all in one transaction. */
async function completeRecovery(parts: RecoveryParts, request: Request, fields: Fields): Promise<Result<void, Refusal>> {
  const ticket = await findTicket(parts, fields);
  if (ticket === undefined) return err(refuse("challenge_expired"));
  const now = parts.now();
  const { accountId } = ticket;
  const made = await verifyPasskey(parts, { accountId, place: placeOf(ticket.id) }, fields["credential"]);
  if (!made.ok) return made;
  const added = await atomically(parts.database, async (tx) => {
    const used = await tx.records(recoveryTicketKind).consume(ticket.id, now);
    if (!used.ok) return err(refuse("challenge_expired"));
    const spent = await spendRecoveryCode(tx, accountId, ticket.codeHash, now);
    if (!spent.ok) return spent;
    await writeAudit(tx, { accountId, at: now, request }, { type: "recovery_code_used" });
    const joined = await addPasskey(tx, made.value, { accountId, addedBy: "recovery", request }, now);
    if (joined.ok) await endSessions(tx, accountId, { type: "session_ended", request }, now);
    return joined;
  });
  if (!added.ok) return added;
  parts.logger.info("account.recovered", { accountId });
  return ok(undefined);
}

async function findTicket(parts: RecoveryParts, fields: Fields): Promise<(RecoveryTicket & { readonly id: string }) | undefined> {
  const ticket = fields["form_token"];
  if (typeof ticket !== "string" || ticket.length > 100) return undefined;
  const found = await parts.database.records(recoveryTicketKind).get(ticketId(ticket), parts.now());
  return found === undefined || found.consumedAt !== null ? undefined : { id: found.id, ...found.value };
}

function ticketId(ticket: string): string {
  return sha256(`recovery-ticket\n${ticket}`);
}

function placeOf(ticketId_: string): string {
  return `recovery:${ticketId_}`;
}
