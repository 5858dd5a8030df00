import { readQuestion } from "@countersign/protocol/elicitation";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packAsking, unpackAsking } from "../../src/call/asking.ts";

/** Texts near the names of secrets, with what hides in between. */
const text = fc
  .array(
    fc.constantFrom(
      "c",
      "v",
      "P",
      "In",
      "i",
      "n",
      "Card",
      "number",
      "Enter",
      "O",
      "Tp",
      " ",
      "_",
      "\ufe0f",
      "\u200b",
      "\u0001",
      "\u2028",
      "é",
      "x".repeat(60),
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(""));
const property = fc.record(
  {
    type: fc.constantFrom("string", "number", "integer", "boolean"),
    title: text,
    description: text,
    default: fc.oneof(text, fc.double(), fc.boolean()),
    enum: fc.array(text, { minLength: 1, maxLength: 3 }),
    minLength: fc.integer({ min: 0, max: 3 }),
    maximum: fc.double(),
    format: fc.constantFrom("email", "uri", "date"),
  },
  { requiredKeys: ["type"] },
);
const choices = fc.record({
  type: fc.constant("array"),
  title: text,
  minItems: fc.integer({ min: -1, max: 3 }),
  items: fc.record({ anyOf: fc.array(fc.record({ const: text, title: text }), { minLength: 1, maxLength: 3 }) }),
});

describe("a question in a call's row", () => {
  it("comes back as it was asked, whatever the server wrote: what is taken once is never refused later", () => {
    fc.assert(
      fc.property(fc.dictionary(text, fc.oneof(property, choices), { maxKeys: 4 }), text, (properties, message) => {
        const read = readQuestion("q", { mode: "form", message, requestedSchema: { type: "object", properties, required: Object.keys(properties) } });
        fc.pre(read.ok);
        const back = unpackAsking(JSON.parse(JSON.stringify(packAsking({ questions: [read.value] }))));
        expect(back.questions.map(({ kind, id }) => [kind, id])).toEqual([["form", "q"]]);
      }),
      { numRuns: 3000, seed: 7 },
    );
  });

  it.each([
    ["a name whose letters are joined for display", "PIn", {}],
    ["a title with a hidden character", "a", { title: "C\ufe0fVV" }],
    ["a text that says it is constant", "a", { title: "Password", const: "x" }],
    ["a number that says it is chosen", "a", { type: "integer", title: "Card number", enum: [1] }],
    ["a description with a hidden character", "a", { description: "Your P\u0001IN" }],
  ])("M17 is refused for a secret that the person is shown, whatever hides it from a machine: %s", (_, name, more) => {
    const ask = (field: string, schema: object): unknown =>
      readQuestion("q", { mode: "form", message: "Hi", requestedSchema: { type: "object", properties: { [field]: { type: "string", ...schema } } } });
    expect(ask("nick", { title: "Nickname" })).toMatchObject({ ok: true });
    expect(ask(name, more)).toMatchObject({ ok: false, error: { code: "secret_requested" } });
  });
});
