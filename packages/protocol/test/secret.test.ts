import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Secret } from "../src/secret.ts";

describe("Secret", () => {
  const secret = new Secret("hunter2");

  it("gives its value only when asked by name", () => {
    expect(secret.reveal()).toBe("hunter2");
  });

  it.each([
    ["a concatenation", ["x", secret].join()],
    ["text", String(secret)],
    ["JSON", JSON.stringify({ secret })],
    ["an inspection", inspect({ secret })],
    ["its type name", Object.prototype.toString.call(secret)],
    ["its entries", JSON.stringify(Object.entries(secret))],
    ["its keys", Object.getOwnPropertyNames(secret).join()],
  ])("stays out of %s", (_, shown) => {
    expect(shown).not.toContain("hunter2");
  });
});
