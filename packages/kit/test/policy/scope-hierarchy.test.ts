import { assert, array, constantFrom, property } from "fast-check";
import { coversScope } from "@countersign/protocol/scope";
import { describe, expect, test } from "vitest";
import { createScopeHierarchy } from "../../src/policy/scope-hierarchy.ts";

const names = ["admin", "orders:write", "orders:read", "profile", "other"] as const;
const scopes = createScopeHierarchy({ admin: ["orders:write", "profile"], "orders:write": ["orders:read"] });

describe("scopes that imply others", () => {
  test("hold them, and what those imply in turn", () => {
    expect(scopes.holds(new Set(["orders:write"]))).toEqual(new Set(["orders:write", "orders:read"]));
    expect(scopes.holds(new Set(["admin"]))).toEqual(new Set(["admin", "orders:write", "orders:read", "profile"]));
    expect(scopes.holds(new Set(["orders:read", "other"]))).toEqual(new Set(["orders:read", "other"]));
    expect(scopes.holds(new Set())).toEqual(new Set());
  });

  test("make it needless to ask for those", () => {
    expect(scopes.least(new Set(["orders:read", "orders:write", "other"]))).toEqual(new Set(["orders:write", "other"]));
    expect(scopes.least(new Set(["orders:read", "admin"]))).toEqual(new Set(["admin"]));
  });

  test("a token with the least that is asked for covers what was demanded, and none covers more than it holds", () => {
    const some = array(constantFrom(...names), { maxLength: 5 });
    assert(
      property(some, some, (one, two) => {
        const demanded = new Set(one);
        const held = new Set(two);
        expect(coversScope(scopes.holds(scopes.least(demanded)), demanded)).toBe(true);
        expect(coversScope(scopes.holds(held), scopes.least(demanded))).toBe(coversScope(scopes.holds(held), demanded));
        expect(coversScope(scopes.holds(held), held)).toBe(true);
      }),
    );
  });

  test("without any, every scope stands for itself", () => {
    const plain = createScopeHierarchy();
    expect(plain.holds(new Set(["orders:write"]))).toEqual(new Set(["orders:write"]));
    expect(plain.least(new Set(["orders:write", "orders:read"]))).toEqual(new Set(["orders:write", "orders:read"]));
  });

  test("in a circle, or that are no scope tokens, are a programmer's mistake", () => {
    expect(() => createScopeHierarchy({ a: ["b"], b: ["c"], c: ["a"] })).toThrow(/each other/);
    expect(() => createScopeHierarchy({ a: ["a"] })).toThrow(/each other/);
    expect(() => createScopeHierarchy({ a: ["two words"] })).toThrow(/scope/);
    expect(() => createScopeHierarchy({ "": ["b"] })).toThrow(/scope/);
  });

  test("names of an object's own machinery are names like others", () => {
    const odd = createScopeHierarchy({ constructor: ["toString"] });
    expect(odd.holds(new Set(["constructor", "valueOf"]))).toEqual(new Set(["constructor", "toString", "valueOf"]));
  });
});
