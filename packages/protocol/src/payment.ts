import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { isMinorUnits, moneyOf } from "./money.ts";
import { parseBrowserUrl, parseResourceUri } from "./resource.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { boundedText, hasOnlyMembers, isJsonObject, type JsonObject, member } from "./shape.ts";

/** One line of a checkout; `amount` is the line's total in minor units. */
export interface PaymentItem {
  readonly name: string;
  readonly quantity: number;
  readonly amount: number;
}

/**
 * The `checkout` claim of a checkout JWT: the priced terms that a payee signs. `resource` is the MCP server's resource identifier. With `refund_of` the money goes
 * the other way: back to the user, for the order of that number. No mandate ever comes of such terms.
 */
export interface CheckoutTerms {
  readonly id: string;
  readonly version: number;
  readonly amount: number;
  readonly currency: string;
  readonly items: readonly PaymentItem[];
  readonly resource: string;
  readonly refund_of?: string;
}

export interface PaymentPayee {
  readonly id: string;
  readonly name: string;
  readonly website: string;
}

export interface PaymentInstrument {
  readonly type: "bank_account";
  readonly id: string;
  readonly description: string;
}

/** What the user approves, as the one element of `authorization_details` (RFC 9396). The words are the wire's. */
export interface PaymentDetails {
  readonly type: "payment";
  readonly payee: PaymentPayee;
  readonly amount: number;
  readonly currency: string;
  readonly items: readonly PaymentItem[];
  readonly checkout_id: string;
  readonly checkout_version: number;
  readonly checkout_hash: string;
  readonly payment_instrument: PaymentInstrument;
  /** As in {@link CheckoutTerms}. */
  readonly refund_of?: string;
}

/**
 * The wallet's word on one payment request. `canceled`: its payee no longer asks. `redeemed`: the mandate was used. `revoked`: the approval was withdrawn
 * before that. `voided`: whoever redeemed the mandate says that no money moved and none will. `expired`: nobody decided, or nobody redeemed, in time.
 */
export type PaymentRequestStatus = (typeof paymentRequestStatuses)[number];

/** Every status of a payment request. */
export const paymentRequestStatuses = ["created", "approved", "redeemed", "denied", "expired", "canceled", "revoked", "voided"] as const;

/** A store's checkout. */
export type CheckoutStatus = "open" | "priced" | "awaiting_approval" | "authorized" | "completing" | "completed" | "expired" | "canceled";

/** A bank's payment. Partial refunds stay `captured`; `refunded` means all of it. */
export type PaymentStatus = (typeof paymentStatuses)[number];

/** Every status of a bank's payment. */
export const paymentStatuses = ["authorized", "captured", "voided", "expired", "refunded"] as const;

/** From each status, the statuses that may follow. */
export type Transitions<Status extends string> = Readonly<Record<Status, readonly Status[]>>;

export const paymentRequestTransitions: Transitions<PaymentRequestStatus> = {
  created: ["approved", "denied", "expired", "canceled"],
  approved: ["redeemed", "expired", "revoked"],
  redeemed: ["voided"],
  denied: [],
  expired: [],
  canceled: [],
  revoked: [],
  voided: [],
};

/** `priced` follows itself when the terms change; a denial or a definite decline of the bank leads back to it. */
export const checkoutTransitions: Transitions<CheckoutStatus> = {
  open: ["priced", "expired", "canceled"],
  priced: ["priced", "awaiting_approval", "expired", "canceled"],
  awaiting_approval: ["authorized", "priced", "expired", "canceled"],
  authorized: ["completing", "expired", "canceled"],
  completing: ["completed", "priced"],
  completed: [],
  expired: [],
  canceled: [],
};

export const paymentTransitions: Transitions<PaymentStatus> = {
  authorized: ["captured", "voided", "expired"],
  captured: ["refunded"],
  voided: [],
  expired: [],
  refunded: [],
};

/** Says whether a status may follow another. */
export function canTransition<Status extends string>(table: Transitions<Status>, from: Status, to: Status): boolean {
  return table[from].includes(to);
}

/** How many items a checkout may have. */
export const itemCountMax = 50;

const identifierGrammar = /^[A-Za-z0-9_-]{1,100}$/;
const digestGrammar = /^[A-Za-z0-9_-]{43}$/;

/** Says whether a text is an id that may appear in a URL path and in a scope: 1 to 100 characters of the base64url alphabet. */
export function isPaymentIdentifier(value: unknown): value is string {
  return typeof value === "string" && identifierGrammar.test(value);
}

/** Says whether a text is a SHA-256 digest in base64url without padding. */
export function isSha256(value: unknown): value is string {
  return typeof value === "string" && digestGrammar.test(value);
}

/**
 * Reads the `checkout` claim: closed shape, 1 to 50 items whose amounts add up to the total. Refuses with `invalid_amount` for money, else
 * with `invalid_request`.
 */
export function parseCheckoutTerms(value: unknown): Result<CheckoutTerms, Refusal> {
  if (!isJsonObject(value) || !hasOnlyMembers(value, ["id", "version", "amount", "currency", "items", "resource", "refund_of"])) {
    return err(refuse("invalid_request", "checkout is { id, version, amount, currency, items, resource, refund_of? }"));
  }
  const id = member(value, "id");
  const version = member(value, "version");
  if (!isPaymentIdentifier(id) || !isMinorUnits(version)) return err(refuse("invalid_request", "checkout needs an id and a version"));
  const refund = readRefundOf(value);
  if (refund === undefined) return err(refuse("invalid_request", "refund_of is an order's number"));
  const resource = parseResourceUri(boundedText(member(value, "resource"), 2048) ?? "");
  if (!resource.ok) return resource;
  const priced = parsePriced(value);
  if (!priced.ok) return priced;
  return ok({ id, version, ...priced.value, resource: resource.value, ...refund });
}

/** Reads one `payment` element; closed shape. Refuses with `invalid_authorization_details`, or `invalid_amount` for money. */
export function parsePaymentDetails(value: unknown): Result<PaymentDetails, Refusal> {
  if (!isJsonObject(value) || !hasOnlyMembers(value, detailMembers)) return err(refuse("invalid_authorization_details", "unknown field"));
  if (member(value, "type") !== "payment") return err(refuse("invalid_authorization_details", "the type is not payment"));
  const payee = readPayee(member(value, "payee"));
  const instrument = readInstrument(member(value, "payment_instrument"));
  const id = member(value, "checkout_id");
  const version = member(value, "checkout_version");
  const hash = member(value, "checkout_hash");
  if (payee === undefined || instrument === undefined || !isPaymentIdentifier(id) || !isMinorUnits(version) || !isSha256(hash)) {
    return err(refuse("invalid_authorization_details", "payee, payment_instrument or checkout is missing or malformed"));
  }
  const refund = readRefundOf(value);
  if (refund === undefined) return err(refuse("invalid_authorization_details", "refund_of is an order's number"));
  const priced = parsePriced(value);
  if (!priced.ok)
    return err(refuse(priced.error.code === "invalid_amount" ? "invalid_amount" : "invalid_authorization_details", priced.error.detail));
  return ok({
    type: "payment",
    payee,
    ...priced.value,
    checkout_id: id,
    checkout_version: version,
    checkout_hash: hash,
    payment_instrument: instrument,
    ...refund,
  });
}

function readRefundOf(value: JsonObject): { readonly refund_of?: string } | undefined {
  const order = member(value, "refund_of");
  if (order === undefined) return {};
  return isPaymentIdentifier(order) ? { refund_of: order } : undefined;
}

/** Reads `authorization_details` (RFC 9396 section 2): a list of exactly one payment element. */
export function parseAuthorizationDetails(value: unknown): Result<PaymentDetails, Refusal> {
  if (!Array.isArray(value) || value.length !== 1) return err(refuse("invalid_authorization_details", "exactly one element"));
  return parsePaymentDetails(value[0]);
}

/** What an approval is bound to. `iat` and `exp` are seconds since 1970; `displayDigest` is the SHA-256 of what the page showed. */
export interface ApprovalFacts {
  readonly requestId: string;
  readonly nonce: string;
  readonly rpId: string;
  readonly clientId: string;
  readonly audience: string;
  readonly iat: number;
  readonly exp: number;
  readonly details: PaymentDetails;
  readonly displayDigest: string;
}

/** The object whose JCS form (RFC 8785) is hashed by SHA-256 into the passkey challenge of an approval. */
export interface ApprovalPreimage {
  readonly type: "countersign.payment-approval";
  readonly version: 1;
  readonly request_id: string;
  readonly nonce: string;
  readonly rp_id: string;
  readonly client_id: string;
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
  readonly details: PaymentDetails;
  readonly display_digest: string;
}

/** Builds the preimage of an approval's challenge. Throws when a time is no whole second or the digest is no SHA-256. */
export function approvalPreimage(facts: ApprovalFacts): ApprovalPreimage {
  if (!isMinorUnits(facts.iat) || !isMinorUnits(facts.exp) || facts.exp <= facts.iat) throw new RangeError("iat and exp are whole seconds, in order");
  if (!isSha256(facts.displayDigest)) throw new RangeError("displayDigest is a SHA-256 digest in base64url");
  return {
    type: "countersign.payment-approval",
    version: 1,
    request_id: facts.requestId,
    nonce: facts.nonce,
    rp_id: facts.rpId,
    client_id: facts.clientId,
    aud: facts.audience,
    iat: facts.iat,
    exp: facts.exp,
    details: facts.details,
    display_digest: facts.displayDigest,
  };
}

const detailMembers = [
  "type",
  "payee",
  "amount",
  "currency",
  "items",
  "checkout_id",
  "checkout_version",
  "checkout_hash",
  "payment_instrument",
  "refund_of",
] as const;

type Priced = Pick<CheckoutTerms, "amount" | "currency" | "items">;

function parsePriced(value: unknown): Result<Priced, Refusal> {
  const money = moneyOf(member(value, "amount"), member(value, "currency"));
  if (!money.ok) return money;
  const list = member(value, "items");
  if (!Array.isArray(list) || list.length === 0 || list.length > itemCountMax) return err(refuse("invalid_request", `1 to ${itemCountMax} items`));
  const items: PaymentItem[] = [];
  let sum = 0;
  for (const element of list) {
    const item = readItem(element);
    if (item === undefined) return err(refuse("invalid_request", "an item is { name, quantity, amount }"));
    items.push(item);
    sum += item.amount;
  }
  if (sum !== money.value.amount) return err(refuse("invalid_amount", "the items do not add up to the total"));
  return ok({ ...money.value, items });
}

function readItem(value: unknown): PaymentItem | undefined {
  if (!isJsonObject(value) || !hasOnlyMembers(value, ["name", "quantity", "amount"])) return undefined;
  const name = boundedText(member(value, "name"), 120);
  const quantity = member(value, "quantity");
  const amount = member(value, "amount");
  if (name === undefined || !isMinorUnits(quantity) || quantity < 1 || quantity > 9999 || !isMinorUnits(amount)) return undefined;
  return { name, quantity, amount };
}

function readPayee(value: unknown): PaymentPayee | undefined {
  if (!isJsonObject(value) || !hasOnlyMembers(value, ["id", "name", "website"])) return undefined;
  const id = boundedText(member(value, "id"), 200);
  const name = boundedText(member(value, "name"), 120);
  const website = boundedText(member(value, "website"), 2048);
  if (id === undefined || name === undefined || website === undefined || !parseBrowserUrl(website).ok) return undefined;
  return { id, name, website };
}

function readInstrument(value: unknown): PaymentInstrument | undefined {
  if (!isJsonObject(value) || !hasOnlyMembers(value, ["type", "id", "description"])) return undefined;
  const id = member(value, "id");
  const description = boundedText(member(value, "description"), 120);
  if (member(value, "type") !== "bank_account" || !isPaymentIdentifier(id) || description === undefined) return undefined;
  return { type: "bank_account", id, description };
}
