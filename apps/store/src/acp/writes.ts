import { errorCatalogue, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import { products, variants } from "../catalogue/products.ts";
import { variantOf } from "../catalogue/product.ts";
import { cancelCheckout } from "../checkout/cancel.ts";
import { changeCheckout } from "../checkout/change.ts";
import type { Checkout } from "../checkout/checkout.ts";
import type { Also } from "../checkout/checkout-rows.ts";
import { createCheckout } from "../checkout/create.ts";
import { findCheckout } from "../checkout/find.ts";
import type { WantedItem } from "../checkout/price.ts";
import { payByLink } from "../payment/ask-by-link.ts";
import { walletHandler } from "../payment/wallet-handler.ts";
import type { StoreTables } from "../tables.ts";
import { type AcpAgent, principalOf } from "./agents.ts";
import { credentialType } from "./handler.ts";
import type { Claim, KeptAnswer } from "../keyed-answers.ts";
import { invalidRequest, type Problem, problem, serverError } from "./problem.ts";
import { type AskedLine, type AskedPayment, type AskedSession, readComplete, readCreate, readUpdate } from "./read-request.ts";
import { type AcpMessage, noDiscounts } from "./session.ts";
import { type AcpParts, showSession } from "./show-session.ts";

/** What a write came to. `isKept`: the answer was kept with the effect. One of 500 or more is never kept. */
export interface Written {
  readonly answer: KeptAnswer;
  readonly isKept: boolean;
}

/** One write of an agent: what its body asks for, under a claim that is its own. */
export interface Write {
  readonly agent: AcpAgent;
  readonly body: unknown;
  readonly claim: Claim;
}

/** How often a change is decided again because another one came first. */
const changesMax = 5;

/** `POST /checkout_sessions`: 201 with the session, 400 when what is asked for cannot be sold. */
export async function createSession(parts: AcpParts, { agent, body, claim }: Write): Promise<Written> {
  const asked = readCreate(body);
  if (!asked.ok) return refusedWrite(400, asked.error);
  const { lines, address = null, option, currency } = asked.value;
  const items = itemsOf(asked.value, lines);
  if (!items.ok) return refusedWrite(400, items.error);
  if (currency !== undefined && !isCurrencyOf(items.value, currency)) {
    return refusedWrite(400, problem("unsupported", "these goods are not sold in this currency", "$.currency"));
  }
  const keeping = keepingWith(parts, claim, 201, { notes: notesOf(asked.value) });
  const created = await createCheckout(parts.shop, { items: items.value, address, option }, principalOf(agent), keeping.also);
  if (created.ok) return { answer: keeping.answer(), isKept: true };
  const found = problemOf(created.error, asked.value);
  return found === undefined ? failed(created.error) : refusedWrite(400, found);
}

/** `POST /checkout_sessions/{id}`: 200 with the session; where the change cannot be sold, as it was, with a message. */
export async function updateSession(parts: AcpParts, id: string, { agent, body, claim }: Write): Promise<Written> {
  const asked = readUpdate(body);
  if (!asked.ok) return refusedWrite(400, asked.error);
  const { lines, address, option } = asked.value;
  const notes = notesOf(asked.value);
  const items = lines === undefined ? ok(undefined) : itemsOf(asked.value, lines);
  for (let attempt = 1; ; attempt += 1) {
    const checkout = await findCheckout(parts.shop, id, principalOf(agent));
    if (!checkout.ok) return notFound();
    if (!items.ok) return show(parts, checkout.value, { notes, problems: [items.error] });
    if (lines === undefined && address === undefined && option === undefined) return show(parts, checkout.value, { notes });
    const keeping = keepingWith(parts, claim, 200, { notes });
    const changed = await changeCheckout(parts.shop, checkout.value, { items: items.value, address, option }, undefined, keeping.also);
    if (changed.ok) return { answer: keeping.answer(), isKept: true };
    // Agents name no version: a change that came in between is what this one starts from.
    if (changed.error.code === "conflict" && attempt < changesMax) continue;
    const found = problemOf(changed.error, asked.value);
    return found === undefined ? failed(changed.error) : show(parts, checkout.value, { notes, problems: [found] });
  }
}

/** `POST /checkout_sessions/{id}/cancel`: 200 with the session, 405 for one that is over or being charged. */
export async function cancelSession(parts: AcpParts, id: string, { agent, claim }: Write): Promise<Written> {
  const checkout = await findCheckout(parts.shop, id, principalOf(agent));
  if (!checkout.ok) return notFound();
  if (checkout.value.status === "canceled") return refusedWrite(405, problem("checkout_not_open", errorCatalogue.checkout_not_open.text));
  const keeping = keepingWith(parts, claim, 200, {});
  const canceled = await cancelCheckout(parts.shop, checkout.value, keeping.also);
  if (canceled.ok) return { answer: keeping.answer(), isKept: true };
  const { code } = canceled.error;
  return isOver(code) ? refusedWrite(405, problem(code, errorCatalogue[code].text)) : failed(canceled.error);
}

/**
 * `POST /checkout_sessions/{id}/complete`: 200 with the session, which holds the order when it is paid, and asks for the buyer's approval when it is not. Nothing
 * that the agent sends authorizes it. Each step has a key of its own, so a run that was left behind is taken up, never repeated.
 */
export async function completeSession(parts: AcpParts, id: string, { agent, body }: Write): Promise<Written> {
  const asked = readComplete(body);
  if (!asked.ok) return refusedWrite(400, asked.error);
  const checkout = await findCheckout(parts.shop, id, principalOf(agent));
  if (!checkout.ok) return notFound();
  const wrong = judgePayment(asked.value, id);
  if (wrong !== undefined) return refusedWrite(400, wrong);
  const paid = await payByLink(parts.shop, checkout.value);
  switch (paid.outcome) {
    case "asked":
      return show(parts, paid.checkout, {});
    case "paid":
    case "unknown":
      return showAgain(parts, checkout.value, []);
    case "refused":
      return refusedPayment(parts, checkout.value, paid.refusal);
  }
}

/** What the buyer, the wallet or the bank said no to. The session says so by itself as soon as it is open again. */
const noes: ReadonlySet<ErrorCode> = new Set(["payment_denied", "payment_request_expired", "payment_declined", "insufficient_funds", "over_limit"]);

function refusedPayment(parts: AcpParts, checkout: Checkout, refusal: Refusal): Promise<Written> | Written {
  const { code, detail } = refusal;
  if (noes.has(code)) return showAgain(parts, checkout, []);
  if (code !== "out_of_stock") return failed(refusal);
  const at = checkout.lines.findIndex((line) => line.variant_id === detail);
  return showAgain(parts, checkout, [problem(code, errorCatalogue[code].text, at < 0 ? undefined : `$.line_items[${at}]`)]);
}

function judgePayment(
  { handlerId: handler, instrumentType: instrument, credentialType: credential, token }: AskedPayment,
  id: string,
): Problem | undefined {
  const at = "$.payment_data";
  if (handler !== walletHandler.id) return problem("unsupported", "one of the session's payment handlers", `${at}.handler_id`);
  if (instrument !== walletHandler.instrument)
    return problem("unsupported", `${walletHandler.instrument} is what this handler takes`, `${at}.instrument.type`);
  if (credential !== credentialType)
    return problem("unsupported", `${credentialType} is what this handler takes`, `${at}.instrument.credential.type`);
  return token === id ? undefined : problem("invalid", "the id of this session", `${at}.instrument.credential.token`);
}

/** Which of the shop's variants an agent means: ids of variants, where a product's is its first one's. */
function itemsOf({ linesAt }: AskedSession, lines: readonly AskedLine[]): Result<readonly WantedItem[], Problem> {
  const items: WantedItem[] = [];
  for (const [at, { id, quantity }] of lines.entries()) {
    const product = products.find((each) => variantOf(each, id) !== undefined);
    if (product === undefined) return err(problem("not_found", "the shop has no such item", `$.${linesAt}[${at}].id`));
    items.push({ product_id: product.id, variant_id: id, quantity });
  }
  return ok(items);
}

function isCurrencyOf(items: readonly WantedItem[], currency: string): boolean {
  const ids = new Set(items.map((item) => item.variant_id));
  return variants.every((each) => !ids.has(each.id) || each.price.currency.toLowerCase() === currency);
}

/** What the request itself is to blame for; undefined for what is not the request's fault. */
function problemOf({ code, detail }: Refusal, { linesAt, lines }: AskedSession): Problem | undefined {
  if (code === "invalid_arguments") return problem("invalid", detail ?? errorCatalogue[code].text);
  if (code !== "out_of_stock") return undefined;
  const at = lines?.findIndex((line) => line.id === detail) ?? -1;
  return problem(code, errorCatalogue[code].text, at < 0 ? undefined : `$.${linesAt}[${at}]`);
}

function notesOf({ hasCodes }: AskedSession): readonly AcpMessage[] {
  return hasCodes ? [noDiscounts] : [];
}

type Extras = Parameters<typeof showSession>[3];

/** Keeps the answer of a write in the transaction of its effect. */
function keepingWith(parts: AcpParts, claim: Claim, status: number, extras: Extras): { readonly also: Also; answer(): KeptAnswer } {
  let kept: KeptAnswer | undefined;
  return {
    async also(tx: Database<StoreTables>, checkout: Checkout) {
      const answer = { status, body: await showSession(parts, tx, checkout, extras) };
      await claim.keep(tx, answer);
      kept = answer;
      return ok(undefined);
    },
    answer() {
      if (kept === undefined) throw new TypeError("a write was carried out without its answer");
      return kept;
    },
  };
}

async function show(parts: AcpParts, checkout: Checkout, extras: Extras): Promise<Written> {
  return { answer: { status: 200, body: await showSession(parts, parts.shop.db, checkout, extras) }, isKept: false };
}

async function showAgain(parts: AcpParts, checkout: Checkout, problems: readonly Problem[]): Promise<Written> {
  const current = await findCheckout(parts.shop, checkout.id, checkout.agent);
  return show(parts, current.ok ? current.value : checkout, { problems });
}

function isOver(code: ErrorCode): boolean {
  return code === "checkout_not_open" || code === "checkout_expired";
}

function notFound(): Written {
  return refusedWrite(404, problem("not_found", errorCatalogue.not_found.text));
}

function refusedWrite(status: number, why: Problem): Written {
  return { answer: { status, body: invalidRequest(why) }, isKept: false };
}

/** What is over: 409. What another moment can change: 503. The rest is the store's own fault. */
function failed({ code }: Refusal): Written {
  const { retryable, text, status } = errorCatalogue[code];
  if (isOver(code)) return refusedWrite(409, problem(code, text));
  if (retryable || status === 502 || status === 503)
    return { answer: { status: 503, body: serverError("service_unavailable", code, text) }, isKept: false };
  return { answer: { status: 500, body: serverError("processing_error", code, text) }, isKept: false };
}
