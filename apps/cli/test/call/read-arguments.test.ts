import { describe, expect, test } from "vitest";
import { readArguments } from "../../src/call/read-arguments.ts";

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
