import { err, ok, type Result } from "@countersign/protocol/result";
import { z } from "zod";
import { type Address, addressShape } from "../checkout/address.ts";
import { type Problem, problem } from "./problem.ts";

/** How many of which of the shop's variants an agent asks for. */
export interface AskedLine {
  readonly id: string;
  readonly quantity: number;
}

/** What an agent asks for in a new session or in a change. What is undefined was not said. */
export interface AskedSession {
  /** Where in the body the lines are, for messages. */
  readonly linesAt: "line_items" | "items";
  readonly lines: readonly AskedLine[] | undefined;
  readonly address: Address | undefined;
  readonly option: string | undefined;
  /** Lowercase ISO 4217. */
  readonly currency: string | undefined;
  /** Whether discount codes came along: the shop has none. */
  readonly hasCodes: boolean;
}

/** What an agent pays with. */
export interface AskedPayment {
  readonly handlerId: string;
  readonly instrumentType: string;
  readonly credentialType: string;
  readonly token: string;
}

const linesMax = 20;
const id = z.string().min(1).max(64);
const quantity = z.int().min(1).max(1_000).optional();

/** Requests name a line in three ways, by release and document: an item, an item with a quantity, or a line that holds an item. */
const line = z
  .object({ id, quantity, item: z.object({ id, quantity }).optional() })
  .transform((each) => ({ id: each.item?.id ?? each.id, quantity: each.quantity ?? each.item?.quantity ?? 1 }));
const lines = z.array(line).min(1).max(linesMax);

const chosen = z.object({ option_id: z.string().max(64), item_ids: z.array(z.string().max(64)).max(100).optional() });
const selection = z.union([
  chosen,
  z.object({ shipping: chosen }).transform(({ shipping }) => shipping),
  z.object({ pickup: chosen }).transform(({ pickup }) => pickup),
]);

const part = z.string().max(120);
const address = z.object({
  name: part,
  line_one: part,
  line_two: part.optional(),
  city: part,
  state: part.optional(),
  country: z.string().max(2),
  postal_code: part,
});

/** Members that the shop has no use for are read past: buyer, locale, attribution, risk signals, notes. Nothing of them is kept. */
const session = z.object({
  line_items: lines.optional(),
  items: lines.optional(),
  currency: z.string().max(8).optional(),
  fulfillment_details: z.object({ address: address.optional() }).optional(),
  fulfillment_groups: z.array(z.unknown()).max(0, "the shop sends everything to one place").optional(),
  selected_fulfillment_options: z.array(selection).min(1).max(linesMax).optional(),
  coupons: z.array(z.string()).max(20).optional(),
  discounts: z.object({ codes: z.array(z.string()).max(20).optional() }).optional(),
});

const payment = z.object({
  payment_data: z.object({
    handler_id: z.string().max(64),
    instrument: z.object({ type: z.string().max(64), credential: z.object({ type: z.string().max(64), token: z.string().max(4_096) }) }),
  }),
});

/** Reads the body of a new session. Lines are needed. */
export function readCreate(body: unknown): Result<AskedSession & { readonly lines: readonly AskedLine[] }, Problem> {
  const asked = readSession(body);
  if (!asked.ok) return asked;
  const { lines: wanted } = asked.value;
  return wanted === undefined ? err(problem("missing", "at least one line item", "$.line_items")) : ok({ ...asked.value, lines: wanted });
}

/** Reads the body of a change. */
export function readUpdate(body: unknown): Result<AskedSession, Problem> {
  return readSession(body);
}

/** Reads the body of a completion. */
export function readComplete(body: unknown): Result<AskedPayment, Problem> {
  const read = payment.safeParse(body);
  if (!read.success) return err(problemOf(read.error));
  const { handler_id: handlerId, instrument } = read.data.payment_data;
  return ok({ handlerId, instrumentType: instrument.type, credentialType: instrument.credential.type, token: instrument.credential.token });
}

function readSession(body: unknown): Result<AskedSession, Problem> {
  const read = session.safeParse(body);
  if (!read.success) return err(problemOf(read.error));
  const { line_items, items, currency, fulfillment_details, selected_fulfillment_options: selected = [], coupons, discounts } = read.data;
  if (line_items !== undefined && items !== undefined) return err(problem("invalid", "line_items or items, not both", "$.items"));
  const [option, ...others] = new Set(selected.map((each) => each.option_id));
  if (others.length > 0) return err(problem("unsupported", "everything is sent in one way", "$.selected_fulfillment_options"));
  const to = fulfillment_details?.address === undefined ? ok(undefined) : readAddress(fulfillment_details.address);
  if (!to.ok) return to;
  return ok({
    linesAt: items === undefined ? "line_items" : "items",
    lines: line_items ?? items,
    address: to.value,
    option,
    currency: currency?.toLowerCase(),
    hasCodes: (coupons ?? discounts?.codes ?? []).length > 0,
  });
}

/** How the parts of the shop's addresses are called here. */
const partNames: Readonly<Record<string, string>> = { line1: "line_one", line2: "line_two", region: "state" };

/** ACP wants a `state` of every address. Where it is no code of a subdivision it says nothing that the shop needs. */
function readAddress({ line_one, line_two, state = "", ...rest }: z.infer<typeof address>): Result<Address, Problem> {
  const read = addressShape.safeParse({
    ...rest,
    line1: line_one,
    ...(line_two === undefined || line_two.trim() === "" ? {} : { line2: line_two }),
    ...(/^[A-Z0-9]{1,3}$/.test(state) ? { region: state } : {}),
  });
  if (read.success) return ok(read.data);
  const name = String(read.error.issues[0]?.path[0] ?? "");
  return err(problem("invalid", "not a part of an address", `$.fulfillment_details.address.${partNames[name] ?? name}`));
}

function problemOf(error: z.ZodError): Problem {
  const [issue] = error.issues;
  const path = issue?.path.map((each) => (typeof each === "number" ? `[${each}]` : `.${String(each)}`)).join("") ?? "";
  return problem("invalid", issue?.code === "custom" || issue?.code === "too_big" ? issue.message : "not of the documented shape", `$${path}`);
}
