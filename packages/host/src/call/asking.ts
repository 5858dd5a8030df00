import type { EpochMs } from "@countersign/protocol/brand";
import type { Challenge } from "@countersign/protocol/challenge";
import { hostShown, readQuestion, type ElicitAnswer, type Question } from "@countersign/protocol/elicitation";
import type { FormField } from "@countersign/protocol/form";
import { isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";
import { z } from "zod";
import { digestJson } from "../digest.ts";

/**
 * How an answer reaches the server: `retry`, the same call again (error -32042, and the structured form); `respond`, the same call with the answers and the
 * server's state (`input_required`); `live`, into the request that is still running.
 */
export type AskingStyle = "retry" | "respond" | "live";

/** What a server asks, as the dispatcher read it. */
export interface Asking {
  readonly style: AskingStyle;
  readonly questions: readonly Question[];
  readonly requestState?: string | undefined;
}

type AskingChallenge = Extract<Challenge, { readonly form: "url" | "structured" | "input" }>;

/** The three forms in which a server asks, as one. */
export function askingOf(challenge: AskingChallenge): Asking {
  switch (challenge.form) {
    case "url":
      return { style: "retry", questions: challenge.questions };
    case "structured":
      return { style: "retry", questions: [{ kind: "url", id: "authorization", url: challenge.url, message: challenge.message }] };
    case "input":
      return { style: "respond", questions: challenge.questions, requestState: challenge.requestState };
  }
}

/** The part of a call's row that speaks of its open questions; the questions themselves are sealed, because addresses and forms may name what is private. */
export interface AskingRow {
  readonly style: AskingStyle;
  /** Which round of questions this is; an answer to another one is refused. */
  readonly round: number;
  /** Of the questions: the same ones again mean that the server is not content yet. */
  readonly digest: string;
  readonly again: boolean;
  /** Asked within the time that follows a user's refusal: shown without any push. */
  readonly quiet: boolean;
  /** Which questions the user has opened, by their place in the list. */
  readonly opened: readonly number[];
  readonly expiresAt: EpochMs;
}

export const askingRowSchema: z.ZodType<AskingRow> = z.object({
  style: z.enum(["retry", "respond", "live"]),
  round: z.number().int(),
  digest: z.string(),
  again: z.boolean(),
  quiet: z.boolean(),
  opened: z.array(z.number().int()),
  expiresAt: z.number(),
});

/** One question as the console is told. `visitUrl` is a path of the host's own, which leads the user's browser on; nothing else ever fetches `url`. */
export type QuestionView =
  | {
      readonly kind: "url";
      readonly message: string;
      readonly url: string;
      readonly host: string;
      readonly visitUrl: string;
      readonly opened: boolean;
    }
  | { readonly kind: "form"; readonly message: string; readonly fields: readonly FormField[] };

/** The open questions of a call. Answers come in the order of `items`. */
export interface AskingView {
  readonly style: AskingStyle;
  readonly round: number;
  readonly expiresAt: EpochMs;
  readonly again: boolean;
  readonly quiet: boolean;
  readonly items: readonly QuestionView[];
}

/** The row of a new round of questions. */
export function askingRow(
  asking: Asking,
  facts: { readonly round: number; readonly before: string | undefined; readonly quiet: boolean; readonly expiresAt: EpochMs },
): AskingRow {
  const digest = digestJson(asking.questions.map((question) => (question.kind === "url" ? [question.url] : [question.message, question.fields])));
  return {
    style: asking.style,
    round: facts.round,
    digest,
    again: facts.before === digest,
    quiet: facts.quiet,
    opened: [],
    expiresAt: facts.expiresAt,
  };
}

/** Questions and state as they are sealed into the row. */
export function packAsking({ questions, requestState }: Pick<Asking, "questions" | "requestState">): JsonObject {
  const asked = questions.map((question) =>
    question.kind === "url"
      ? { id: question.id, params: { mode: "url", url: question.url, message: question.message } }
      : { id: question.id, params: { mode: "form", message: question.message, requestedSchema: schemaOf(question.fields) } },
  );
  return { asked, ...(requestState === undefined ? {} : { requestState }) };
}

/** Reads back what {@link packAsking} wrote. Throws on anything else. */
export function unpackAsking(packed: JsonObject): { readonly questions: readonly Question[]; readonly requestState: string | undefined } {
  const { asked, requestState } = z
    .object({ asked: z.array(z.object({ id: z.string(), params: z.unknown() })), requestState: z.string().optional() })
    .parse(packed);
  const questions = asked.map(({ id, params }) => {
    const read = readQuestion(id, params);
    if (!read.ok) throw new TypeError("a stored question cannot be read");
    return read.value;
  });
  return { questions, requestState };
}

export function toAskingView(callId: string, row: AskingRow, questions: readonly Question[]): AskingView {
  return {
    style: row.style,
    round: row.round,
    expiresAt: row.expiresAt,
    again: row.again,
    quiet: row.quiet,
    items: questions.map((question, index) =>
      question.kind === "form"
        ? { kind: "form", message: question.message, fields: question.fields }
        : {
            kind: "url",
            message: question.message,
            url: question.url,
            host: hostShown(question.url),
            visitUrl: `/calls/${callId}/visit/${row.round}/${index}`,
            opened: row.opened.includes(index),
          },
    ),
  };
}

/**
 * What goes along when the call is sent again: the answers by the server's own keys, and its state, unchanged (MCP 2026-07-28, multi round-trip requests). Empty
 * for the forms in which only the call itself is repeated.
 */
export interface Continuation {
  readonly inputResponses?: JsonObject;
  readonly requestState?: string;
}

/** The continuation that answered questions amount to. */
export function continuationOf(asking: Asking, answers: readonly ElicitAnswer[]): Continuation {
  if (asking.style !== "respond") return {};
  const responses = asking.questions.map((question, index) => [question.id, answers[index] ?? { action: "cancel" }] as const);
  return {
    ...(responses.length === 0 ? {} : { inputResponses: Object.fromEntries(responses) }),
    ...(asking.requestState === undefined ? {} : { requestState: asking.requestState }),
  };
}

/** Reads a sealed continuation back. */
export function readContinuation(packed: JsonObject): Continuation {
  const responses = member(packed, "inputResponses");
  const state = member(packed, "requestState");
  return { ...(isJsonObject(responses) ? { inputResponses: responses } : {}), ...(typeof state === "string" ? { requestState: state } : {}) };
}

const replySchema = z.object({
  round: z.number(),
  reply: z.union([
    z.object({
      action: z.literal("accept"),
      content: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).exactOptional(),
    }),
    z.object({ action: z.enum(["decline", "cancel"]) }),
  ]),
});

/** Reads the sealed answer to a question of a running request; undefined when it is not of this round. */
export function readReply(packed: JsonObject, round: number): ElicitAnswer | undefined {
  const read = replySchema.safeParse(packed);
  return read.data?.round === round ? read.data.reply : undefined;
}

/** A form's fields as the restricted schema that gives the same fields again. */
function schemaOf(fields: readonly FormField[]): JsonObject {
  const properties = Object.fromEntries(fields.map((field) => [field.name, propertyOf(field)]));
  return { type: "object", properties, required: fields.filter((field) => field.required).map((field) => field.name) };
}

function propertyOf(field: FormField): JsonObject {
  const { label: title, hint, initial } = field;
  const common = { title, ...(hint === undefined ? {} : { description: hint }), ...(initial === undefined ? {} : { default: initial }) };
  switch (field.kind) {
    case "text": {
      const { format, minLength, maxLength } = field;
      return { ...common, type: "string", format, minLength, maxLength };
    }
    case "number":
      return { ...common, type: field.integer ? "integer" : "number", minimum: field.minimum, maximum: field.maximum };
    case "flag":
      return { ...common, type: "boolean" };
    case "choice":
      return { ...common, type: "string", oneOf: titled(field.options) };
    case "choices":
      return { ...common, type: "array", minItems: field.minItems, maxItems: field.maxItems, items: { anyOf: titled(field.options) } };
  }
}

function titled(options: readonly { readonly value: string; readonly label: string }[]): readonly JsonObject[] {
  return options.map(({ value, label }) => ({ const: value, title: label }));
}
