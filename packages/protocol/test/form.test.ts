import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultsOf, judgeForm, parseForm, type FormField } from "../src/form.ts";

function fieldsOf(properties: Record<string, unknown>, required: readonly string[] = []): readonly FormField[] {
  const parsed = parseForm({ type: "object", properties, required });
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

describe("parseForm", () => {
  it.each([
    ["a text", { type: "string" }, { kind: "text" }],
    ["a text with a format", { type: "string", format: "email" }, { kind: "text", format: "email" }],
    ["a text with an unknown format", { type: "string", format: "phone" }, { kind: "text" }],
    ["lengths", { type: "string", minLength: 2, maxLength: 5 }, { kind: "text", minLength: 2, maxLength: 5 }],
    [
      "a number",
      { type: "number", minimum: 0, maximum: 9.5, default: 1.5 },
      { kind: "number", integer: false, minimum: 0, maximum: 9.5, initial: 1.5 },
    ],
    ["a whole number", { type: "integer" }, { kind: "number", integer: true }],
    ["yes or no", { type: "boolean", default: false }, { kind: "flag", initial: false }],
    [
      "an enum",
      { type: "string", enum: ["a", "b"] },
      {
        kind: "choice",
        options: [
          { value: "a", label: "a" },
          { value: "b", label: "b" },
        ],
      },
    ],
    [
      "an enum with names",
      { type: "string", enum: ["a", "b"], enumNames: ["Ay", "Bee"], default: "b" },
      {
        kind: "choice",
        options: [
          { value: "a", label: "Ay" },
          { value: "b", label: "Bee" },
        ],
        initial: "b",
      },
    ],
    ["oneOf with titles", { type: "string", oneOf: [{ const: "a", title: "Ay" }] }, { kind: "choice", options: [{ value: "a", label: "Ay" }] }],
    [
      "several choices",
      { type: "array", items: { type: "string", enum: ["a", "b"] }, minItems: 1, maxItems: 9, default: ["a"] },
      {
        kind: "choices",
        options: [
          { value: "a", label: "a" },
          { value: "b", label: "b" },
        ],
        minItems: 1,
        maxItems: 2,
        initial: ["a"],
      },
    ],
    [
      "several choices with titles",
      { type: "array", items: { anyOf: [{ const: "a", title: "Ay" }] } },
      { kind: "choices", options: [{ value: "a", label: "Ay" }], minItems: 0, maxItems: 1 },
    ],
  ])("reads %s", (_, schema, expected) => {
    expect(fieldsOf({ firstName: schema })).toEqual([{ name: "firstName", label: "First name", required: false, ...expected }]);
  });

  it("reads titles, descriptions and what is required, without characters that nobody sees", () => {
    expect(fieldsOf({ a: { type: "string", title: "Your\u202e name", description: "As on\u200b the door" } }, ["a"])).toEqual([
      { kind: "text", name: "a", label: "Your name", hint: "As on the door", required: true },
    ]);
  });

  it.each([
    ["of the wrong type", { type: "integer", default: "3" }],
    ["outside its range", { type: "integer", maximum: 2, default: 3 }],
    ["that is no choice", { type: "string", enum: ["a"], default: "b" }],
    ["with a broken format", { type: "string", format: "email", default: "nobody" }],
  ])("leaves out a default %s", (_, schema) => {
    expect(fieldsOf({ a: schema })[0]).not.toHaveProperty("initial");
  });

  it.each([
    ["no schema", undefined],
    ["a list", []],
    ["another type", { type: "array", properties: {} }],
    ["no properties", { type: "object" }],
    ["a nested object", { type: "object", properties: { a: { type: "object", properties: {} } } }],
    ["a list of objects", { type: "object", properties: { a: { type: "array", items: { type: "object" } } } }],
    ["a reference", { type: "object", properties: { a: { $ref: "https://evil.example/schema" } } }],
    ["31 fields", { type: "object", properties: Object.fromEntries(Array.from({ length: 31 }, (_, n) => [`f${n}`, { type: "string" }])) }],
    ["201 options", { type: "object", properties: { a: { type: "string", enum: Array.from({ length: 201 }, String) } } }],
    ["no option", { type: "object", properties: { a: { type: "string", enum: [] } } }],
    ["an option that is no text", { type: "object", properties: { a: { type: "string", enum: [5] } } }],
    ["a name that reaches the prototype", JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}')],
    ["a very long name", { type: "object", properties: { ["n".repeat(101)]: { type: "string" } } }],
  ])("M16 refuses %s", (_, schema) => {
    expect(parseForm({ type: "object", properties: { a: { type: "string" } } }).ok).toBe(true);
    expect(parseForm(schema)).toMatchObject({ ok: false, error: { code: "protocol_error" } });
  });

  it("M17 refuses a form with one field that asks for a secret", () => {
    expect(parseForm({ type: "object", properties: { name: { type: "string" }, cvv: { type: "string" } } })).toMatchObject({
      ok: false,
      error: { code: "secret_requested" },
    });
  });
});

describe("judgeForm", () => {
  const email = { type: "string", format: "email" };
  it.each([
    ["a text", { type: "string" }, "x"],
    ["letters counted as people count them", { type: "string", maxLength: 2 }, "👍👍"],
    ["an e-mail address", email, "a@b.example"],
    ["an address", { type: "string", format: "uri" }, "https://a.example/?q=1"],
    ["a leap day", { type: "string", format: "date" }, "2028-02-29"],
    ["a moment", { type: "string", format: "date-time" }, "2026-07-28T12:00:00.5+02:00"],
    ["a number at its limit", { type: "number", minimum: 1, maximum: 1 }, 1],
    ["a choice", { type: "string", enum: ["a"] }, "a"],
    ["choices", { type: "array", items: { enum: ["a", "b"] }, minItems: 1 }, ["b"]],
    ["no", { type: "boolean" }, false],
  ])("accepts %s", (_, schema, value) => {
    expect(judgeForm(fieldsOf({ a: schema }), { a: value })).toEqual({ ok: true, value: { a: value } });
  });

  it.each([
    ["a number for a text", { type: "string" }, 5],
    ["a text too short", { type: "string", minLength: 2 }, "x"],
    ["a text too long", { type: "string", maxLength: 2 }, "xyz"],
    ["a text beyond any form", { type: "string" }, "x".repeat(10_001)],
    ["no e-mail address", email, "a b@c"],
    ["no address", { type: "string", format: "uri" }, "not a url"],
    ["a day that does not exist", { type: "string", format: "date" }, "2027-02-29"],
    ["a month that does not exist", { type: "string", format: "date" }, "2027-13-01"],
    ["a moment without a zone", { type: "string", format: "date-time" }, "2026-07-28T12:00:00"],
    ["a text for a number", { type: "number" }, "5"],
    ["infinity", { type: "number" }, Number.POSITIVE_INFINITY],
    ["a fraction", { type: "integer" }, 1.5],
    ["too small", { type: "number", minimum: 1 }, 0],
    ["too large", { type: "number", maximum: 1 }, 2],
    ["another choice", { type: "string", enum: ["a"] }, "b"],
    ["one choice twice", { type: "array", items: { enum: ["a", "b"] } }, ["a", "a"]],
    ["too few choices", { type: "array", items: { enum: ["a", "b"] }, minItems: 1 }, []],
    ["too many choices", { type: "array", items: { enum: ["a", "b"] }, maxItems: 1 }, ["a", "b"]],
    ["a text for yes or no", { type: "boolean" }, "true"],
  ])("refuses %s", (_, schema, value) => {
    expect(judgeForm(fieldsOf({ a: schema }), { a: value })).toMatchObject({ ok: false, error: { a: expect.any(String) } });
  });

  it("refuses a missing required field, an empty one, and one that the form does not have", () => {
    const fields = fieldsOf({ a: { type: "string" } }, ["a"]);
    expect(judgeForm(fields, { a: "x" }).ok).toBe(true);
    for (const content of [{}, { a: null }, { a: " " }, { a: "x", b: 1 }]) expect(judgeForm(fields, content).ok).toBe(false);
  });

  it("fills in the defaults of what was left out (SEP-1034)", () => {
    const fields = fieldsOf({
      a: { type: "string", default: "x" },
      b: { type: "integer", default: 3 },
      c: { type: "boolean", default: true },
      d: { type: "string" },
    });
    expect(judgeForm(fields, { b: 4 })).toEqual({ ok: true, value: { a: "x", b: 4, c: true } });
    expect(defaultsOf(fields)).toEqual({ a: "x", b: 3, c: true });
  });

  it("V13 takes any JSON without a throw and without touching a prototype", () => {
    const fields = fieldsOf({ a: { type: "string" }, b: { type: "array", items: { enum: ["x"] } } });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (content, schema) => {
        judgeForm(fields, content);
        parseForm(schema);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });
});
