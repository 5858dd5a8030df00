import type { FormField } from "@countersign/protocol/form";
import { z } from "zod";
import type { AskingView, QuestionView } from "../../call/asking.ts";
import { time } from "./flows.ts";

const options = z.array(z.strictObject({ value: z.string(), label: z.string() }));

const base = { name: z.string(), label: z.string(), hint: z.string().exactOptional(), required: z.boolean() };

const formField: z.ZodType<FormField> = z
  .discriminatedUnion("kind", [
    z.strictObject({
      ...base,
      kind: z.literal("text"),
      format: z.enum(["email", "uri", "date", "date-time"]).exactOptional(),
      minLength: z.number().exactOptional(),
      maxLength: z.number().exactOptional(),
      initial: z.string().exactOptional(),
    }),
    z.strictObject({
      ...base,
      kind: z.literal("number"),
      integer: z.boolean(),
      minimum: z.number().exactOptional(),
      maximum: z.number().exactOptional(),
      initial: z.number().exactOptional(),
    }),
    z.strictObject({ ...base, kind: z.literal("flag"), initial: z.boolean().exactOptional() }),
    z.strictObject({ ...base, kind: z.literal("choice"), options, initial: z.string().exactOptional() }),
    z.strictObject({
      ...base,
      kind: z.literal("choices"),
      options,
      minItems: z.int(),
      maxItems: z.int(),
      initial: z.array(z.string()).exactOptional(),
    }),
  ])
  .meta({ id: "FormField", description: "One field of a form. `initial` is what it answers when it is left as it is." });

const question: z.ZodType<QuestionView> = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("url"),
      message: z.string(),
      url: z.string().describe("Show it whole. Never fetch it, and open it only in the user's click."),
      host: z.string().describe("Of `url`; an internationalized name as punycode. Show it on the button."),
      visitUrl: z.string().describe("For pages of the console: leads there and counts as opened. A product uses `openQuestion`."),
      opened: z.boolean(),
    }),
    z.strictObject({ kind: z.literal("form"), message: z.string(), fields: z.array(formField) }),
  ])
  .meta({ id: "Question" });

export const askingView: z.ZodType<AskingView> = z
  .strictObject({
    style: z
      .enum(["retry", "respond", "live"])
      .describe("How the answer reaches the server: the same call again, the same call with the answers, or into the request that still runs."),
    round: z.int().describe("Counts the rounds of questions of this call. An answer names the one it belongs to."),
    expiresAt: time,
    again: z.boolean().describe("The same was asked before: the server is not content yet."),
    quiet: z.boolean().describe("The user has just refused something of this connector: do not push the question forward."),
    items: z.array(question),
  })
  .meta({
    id: "Asking",
    description: "What the server asks the user while the call waits. Texts are the server's, to be shown as plain text under its name.",
  });

/** One answer, `ElicitResult` of MCP. */
export interface NewAnswer {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: Readonly<Record<string, unknown>>;
}

/** The body of `POST /api/calls/:id/answers`. */
export interface NewAnswers {
  readonly round: number;
  readonly answers: readonly NewAnswer[];
}

const round = z.int().min(1).max(1000);

export const newAnswers: z.ZodType<NewAnswers> = z
  .strictObject({
    round,
    answers: z
      .array(z.strictObject({ action: z.enum(["accept", "decline", "cancel"]), content: z.record(z.string().max(100), z.unknown()).exactOptional() }))
      .min(1)
      .max(20)
      .describe("One for each item, in their order. `content` belongs to an accepted form; an address is accepted once it was opened."),
  })
  .meta({ id: "NewAnswers" });

/** The body of `POST /api/calls/:id/visits`. */
export interface NewVisit {
  readonly round: number;
  readonly item: number;
}

export const newVisit: z.ZodType<NewVisit> = z
  .strictObject({ round, item: z.int().min(0).max(20).describe("Its place in `items`.") })
  .meta({ id: "NewVisit" });

export const visitView: z.ZodType<{ readonly url: string }> = z.strictObject({ url: z.string() }).meta({ id: "Visit" });
