import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { assert, jsonValue, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { argumentsOf, type Draft, type DraftRecord, draftOf, type Field, fieldsOf, isDraftRecord, putDraft } from "../src/schema-form.ts";

const fields = (properties: JsonObject, required: readonly string[] = []): readonly Field[] => fieldsOf({ type: "object", properties, required });
const kinds = (properties: JsonObject): readonly string[] => fields(properties).map((field) => field.kind);

describe("fieldsOf", () => {
  const rows: readonly (readonly [string, JsonObject, string])[] = [
    ["text", { type: "string" }, "text"],
    ["a nullable text", { type: ["string", "null"] }, "text"],
    ["a whole number", { type: "integer" }, "number"],
    ["a number", { type: "number" }, "number"],
    ["a yes or no", { type: "boolean" }, "flag"],
    ["one of several texts", { type: "string", enum: ["a", "b"] }, "choice"],
    ["one of several numbers", { enum: [1, 2] }, "choice"],
    ["a list of texts", { type: "array", items: { type: "string" } }, "list"],
    ["a list of flat rows", { type: "array", items: { type: "object", properties: { id: { type: "string" } } } }, "list"],
    [
      "a list of rows with lists",
      { type: "array", items: { type: "object", properties: { ids: { type: "array", items: { type: "string" } } } } },
      "json",
    ],
    ["a list of anything", { type: "array" }, "json"],
    ["an object", { type: "object", properties: { a: { type: "string" } } }, "json"],
    ["two types at once", { type: ["string", "number"] }, "json"],
    ["M16 a reference, which is not followed", { $ref: "http://evil.example/schema.json" }, "json"],
    ["M16 ten thousand branches, which are not walked", { allOf: Array.from({ length: 10_000 }, () => ({})) }, "json"],
    ["no type", {}, "json"],
  ];
  it.each(rows)("makes of %s the right field", (_title, schema, kind) => {
    expect(kinds({ x: schema })).toEqual([kind]);
  });

  it("names a field by its title, else by its name in words", () => {
    expect(fields({ product_id: { type: "string" }, b: { type: "string", title: "Given" } }).map((field) => field.label)).toEqual([
      "Product id",
      "Given",
    ]);
  });

  it("M16 never runs a pattern of the schema and keeps the number of fields bounded", () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`f${index}`, { type: "string", pattern: "^(a+)+$" }]));
    const made = fields(many);
    expect(made.length).toBe(60);
    expect(argumentsOf(made, { ...draftOf(made), f0: `${"a".repeat(60)}!` }).ok).toBe(true);
  });

  it("V13 takes a property named __proto__ as a name like any other", () => {
    const properties: unknown = JSON.parse('{"__proto__": {"type": "string"}}');
    const made = fieldsOf({ properties });
    const read = argumentsOf(made, draftOf(made));
    expect(made.map((field) => field.name)).toEqual(["__proto__"]);
    expect(read.ok && Object.getPrototypeOf(read.value)).toBe(Object.prototype);
  });
});

describe("argumentsOf", () => {
  const shop = fields(
    {
      query: { type: "string", maxLength: 5 },
      category: { enum: ["mugs", "bowls"] },
      limit: { type: "integer", minimum: 1, maximum: 24, default: 12 },
      in_stock: { type: "boolean" },
      items: {
        type: "array",
        minItems: 1,
        items: {
          type: "object",
          required: ["product_id"],
          properties: { product_id: { type: "string" }, quantity: { type: "integer", default: 1 } },
        },
      },
      tags: { type: "array", items: { type: "string" } },
      extra: { type: "object" },
    },
    ["items"],
  );
  const untouched = draftOf(shop);
  const filled: DraftRecord = { ...untouched, items: [{ product_id: "mug", quantity: "2" }] };

  it("fills in defaults and as many rows as are needed", () => {
    expect(untouched).toEqual({
      query: "",
      category: "",
      limit: "12",
      in_stock: false,
      items: [{ product_id: "", quantity: "1" }],
      tags: [],
      extra: "",
    });
  });

  it("leaves empty optional fields out and keeps the types of the schema", () => {
    expect(argumentsOf(shop, filled)).toEqual({ ok: true, value: { limit: 12, items: [{ product_id: "mug", quantity: 2 }] } });
    const all = {
      query: "mug",
      category: "bowls",
      limit: "3",
      in_stock: true,
      items: [{ product_id: "a", quantity: "" }],
      tags: [{ value: "x" }, { value: "y" }],
      extra: '{"a":1}',
    };
    expect(argumentsOf(shop, all)).toEqual({
      ok: true,
      value: { query: "mug", category: "bowls", limit: 3, in_stock: true, items: [{ product_id: "a" }], tags: ["x", "y"], extra: { a: 1 } },
    });
  });

  const wrong: readonly (readonly [string, readonly (string | number)[], Draft, string])[] = [
    ["a needed field is empty", ["items", 0, "product_id"], " ", "items.0.product_id"],
    ["a list lacks its needed rows", ["items"], [], "items"],
    ["a number is no number", ["limit"], "many", "limit"],
    ["a whole number has a fraction", ["limit"], "1.5", "limit"],
    ["a number is too small", ["limit"], "0", "limit"],
    ["a number is too large", ["limit"], "25", "limit"],
    ["a text is too long", ["query"], "ceramic", "query"],
    ["JSON is not JSON", ["extra"], "{", "extra"],
  ];
  it.each(wrong)("says where and what when %s", (_title, path, value, problem) => {
    const draft = putDraft(filled, path, value);
    const read = argumentsOf(shop, isDraftRecord(draft) ? draft : {});
    expect(read.ok ? {} : Object.keys(read.problems)).toEqual([problem]);
  });

  it("takes a number of an enum back as a number", () => {
    expect(argumentsOf(fields({ size: { enum: [1, 2] } }), { size: "2" })).toEqual({ ok: true, value: { size: 2 } });
  });

  it("M16 makes a form of any JSON as a schema without throwing, and reads its untouched draft", () => {
    assert(
      property(jsonValue(), (schema) => {
        const made = fieldsOf(isJsonObject(schema) ? { properties: schema, required: Object.keys(schema) } : {});
        const read = argumentsOf(made, draftOf(made));
        expect(read.ok || Object.keys(read.problems).length > 0).toBe(true);
      }),
    );
  });
});
