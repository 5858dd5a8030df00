import { describe, expect, test } from "vitest";
import { readArguments, unnamedArguments } from "../../src/call/read-arguments.ts";

const schema = {
  type: "object",
  properties: {
    name: { type: "string" },
    count: { type: "integer" },
    price: { anyOf: [{ type: "number" }, { type: "null" }] },
    gift: { type: "boolean" },
    tags: { type: "array" },
    note: { type: ["string", "null"] },
    any: {},
  },
};

describe("arguments on a command line", () => {
  test.each([
    [[], {}],
    [['{"a":[1,{"b":null}]}'], { a: [1, { b: null }] }],
    [["name=12", "count=12", "price=1.5", "gift=true"], { name: "12", count: 12, price: 1.5, gift: true }],
    [['tags=["a"]', "name="], { tags: ["a"], name: "" }],
    [["note=null", "any=1", "other=a=b"], { note: null, any: "1", other: "a=b" }],
    [["note=12", "price=null"], { note: "12", price: null }],
    [["__proto__=1"], JSON.parse('{"__proto__":"1"}')],
  ])("%j are read by the types of the tool's schema", (words, args) => {
    const read = readArguments(words, schema);
    expect(read).toEqual({ ok: true, value: args });
    expect(read.ok && Object.getPrototypeOf(read.value) === Object.prototype).toBe(true);
  });

  test.each([
    [["count=many"], "count is integer, written as JSON."],
    [["price=much"], "price is number or null, written as JSON."],
    [["name"], "“name” is not name=value, nor a JSON object."],
    [["=1"], "“=1” is not name=value, nor a JSON object."],
    [["name=a", "name=b"], "name is given twice."],
    [["{a"], "the arguments are not a JSON object."],
    [["{}", "name=a"], "one JSON object is all, or name=value words."],
    [[`{"a":"${"x".repeat(1024 * 1024)}"}`], "the arguments are too long."],
  ])("%j are refused in a sentence", (words, error) => {
    expect(readArguments(words, schema)).toEqual({ ok: false, error });
  });

  test("a name that a closed schema does not have is refused with the one that was meant", () => {
    const closed = { ...schema, additionalProperties: false };
    expect(readArguments(["conut=1"], closed)).toEqual({ ok: false, error: "the tool has no argument conut. Did you mean count?" });
    expect(readArguments(["count=1"], closed)).toEqual({ ok: true, value: { count: 1 } });
  });
});

describe("an argument that the tool's schema does not name", () => {
  const slip = "the tool names no argument conut; did you mean count? Sent as";

  test.each([
    [["conut=1"], { conut: "1" }, [`${slip} text.`]],
    [['{"conut":1}'], { conut: 1 }, [`${slip} it is.`]],
    [["-"], { conut: 1 }, [`${slip} it is.`]],
    [["zzzzzz=1"], { zzzzzz: "1" }, ["the tool names no argument zzzzzz. Sent as text."]],
    [["count=1"], { count: 1 }, []],
    [[], {}, []],
  ])("is told with the nearest name: %j", (words, args, sentences) => {
    expect(unnamedArguments(words, args, schema)).toEqual(sentences);
  });

  test.each([
    ["names none", { type: "object" }],
    ["names an empty list", { type: "object", properties: {} }],
    ["lets others in", { ...schema, additionalProperties: true }],
    ["has a schema for others", { ...schema, additionalProperties: { type: "string" } }],
    ["names patterns", { ...schema, patternProperties: { "^x-": {} } }],
    ["is put together", { ...schema, allOf: [{ properties: { conut: {} } }] }],
    ["depends on others", { ...schema, if: { required: ["name"] } }],
  ])("is the server's to judge where the schema %s", (_, open) => {
    expect(unnamedArguments(["conut=1"], { conut: "1" }, open)).toEqual([]);
  });

  test("is told of an object although the schema is closed, which words never get past", () => {
    expect(unnamedArguments(["-"], { conut: 1 }, { ...schema, additionalProperties: false })).toEqual([`${slip} it is.`]);
  });

  test("is told five times and counted from there on", () => {
    const args = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`unheard${at}`, 1]));
    const sentences = unnamedArguments(["-"], args, schema);
    expect([sentences.length, sentences.at(-1)]).toEqual([6, "and 995 more that it does not name."]);
  });

  test("has no sign that a terminal would obey, whoever wrote the names", () => {
    const hostile = { type: "object", properties: { "count\u001bc": {} } };
    expect(unnamedArguments(["count=1"], { count: "1" }, hostile)).toEqual(["the tool names no argument count; did you mean countc? Sent as text."]);
    expect(readArguments(["count=1"], { ...hostile, additionalProperties: false })).toEqual({
      ok: false,
      error: "the tool has no argument count. Did you mean countc?",
    });
  });
});
