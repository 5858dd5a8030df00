import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  coversScope,
  formatScope,
  isScopeToken,
  parseScope,
  paymentRequestIdOf,
  paymentScope,
  unionScopes,
  withoutTransactionScopes,
  selectScope,
} from "../src/scope.ts";

const token = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,20}$/);
const scopeSet = fc.uniqueArray(token, { maxLength: 20 }).map((tokens) => new Set(tokens));

describe("parseScope", () => {
  it.each([
    ["", []],
    [" ", []],
    ["orders:read", ["orders:read"]],
    ["a b  c ", ["a", "b", "c"]],
    ["a a", ["a"]],
  ])("reads %j", (text, tokens) => {
    expect(parseScope(text)).toEqual({ ok: true, value: new Set(tokens) });
  });

  it.each([
    ["a quote", 'a"b'],
    ["a backslash", "a\\b"],
    ["a tab", "a\tb"],
    ["a letter outside ASCII", "é"],
    ["4097 characters", "a".repeat(4097)],
    ["101 tokens", Array.from({ length: 101 }, (_, index) => `s${index}`).join(" ")],
  ])("refuses %s", (_, text) => {
    expect(parseScope(text)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  });

  it("accepts exactly 4096 characters and exactly 100 tokens", () => {
    expect(parseScope("a".repeat(4096)).ok).toBe(true);
    expect(parseScope(Array.from({ length: 100 }, (_, index) => `s${index}`).join(" ")).ok).toBe(true);
  });

  it("reads back what formatScope writes", () => {
    fc.assert(
      fc.property(scopeSet, (scope) => {
        expect(parseScope(formatScope(scope))).toEqual({ ok: true, value: scope });
      }),
    );
  });
});

describe("scope sets", () => {
  it("are written sorted, whatever the order of insertion", () => {
    expect(formatScope(new Set(["b", "a", "C"]))).toBe("C a b");
  });

  it("cover their own parts, and a union covers each of its parts", () => {
    fc.assert(
      fc.property(scopeSet, scopeSet, (left, right) => {
        const union = unionScopes(left, right);
        expect(coversScope(union, left) && coversScope(union, right)).toBe(true);
        expect(union.size).toBeLessThanOrEqual(left.size + right.size);
        expect(coversScope(left, right)).toBe([...right].every((element) => left.has(element)));
      }),
    );
  });

  it("cover nothing that they lack", () => {
    expect(coversScope(new Set(["a"]), new Set(["a", "b"]))).toBe(false);
    expect(coversScope(new Set(), new Set())).toBe(true);
  });
});

describe("transaction scopes", () => {
  it("name their payment request", () => {
    expect(paymentScope("pr_Ab-_9")).toBe("payment:pr_Ab-_9");
    expect(paymentRequestIdOf("payment:pr_Ab-_9")).toBe("pr_Ab-_9");
  });

  it.each(["", "abc", "pr_", "pr_a b", 'pr_"', `pr_${"a".repeat(65)}`])("are never made from the id %j", (id) => {
    expect(() => paymentScope(id)).toThrow(RangeError);
    expect(paymentRequestIdOf(`payment:${id}`)).toBeUndefined();
  });

  it("are not confused with an ordinary scope that begins alike", () => {
    expect(paymentRequestIdOf("payment:read")).toBeUndefined();
    expect(paymentRequestIdOf("orders:read")).toBeUndefined();
    expect(withoutTransactionScopes(new Set(["payment:read", "orders:read", "payment:pr_1"]))).toEqual(new Set(["payment:read", "orders:read"]));
  });
});

describe("isScopeToken", () => {
  it("refuses the empty text and a space", () => {
    expect(isScopeToken("a")).toBe(true);
    expect(isScopeToken("")).toBe(false);
    expect(isScopeToken("a b")).toBe(false);
    expect(isScopeToken("a".repeat(4097))).toBe(false);
  });
});

describe("selectScope", () => {
  const set = (text: string): ReadonlySet<string> => new Set(text.split(" ").filter((token) => token !== ""));

  it.each([
    ["a demand is what is asked for, whatever the metadata lists", { demanded: "a", resourceSupported: "a b c" }, "a"],
    ["without a demand, everything that the resource supports", { demanded: "", resourceSupported: "b a" }, "a b"],
    ["without either, nothing, which leaves the choice to the server", { demanded: "" }, ""],
    ["what the user fixed takes the place of the metadata", { demanded: "", fixed: "x", resourceSupported: "a b" }, "x"],
    ["and goes beside a demand", { demanded: "a", fixed: "x", resourceSupported: "a b" }, "a x"],
    ["offline_access is added where the server lists it", { demanded: "a", serverSupported: "a offline_access" }, "a offline_access"],
    ["and not where it does not", { demanded: "a", serverSupported: "a b" }, "a"],
    ["nor alone, which would take the server's choice away", { demanded: "", serverSupported: "offline_access" }, ""],
    ["what the server supports is never asked for by itself", { demanded: "", serverSupported: "openid profile" }, ""],
  ])("%s", (_, sources, expected) => {
    const { demanded, fixed, resourceSupported, serverSupported }: Readonly<Record<string, string>> = sources;
    const read = (text: string | undefined): ReadonlySet<string> | undefined => (text === undefined ? undefined : set(text));
    const chosen = selectScope({
      demanded: set(demanded ?? ""),
      fixed: read(fixed),
      resourceSupported: read(resourceSupported),
      serverSupported: read(serverSupported),
    });
    expect(formatScope(chosen)).toBe(expected);
  });
});
