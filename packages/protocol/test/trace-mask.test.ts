import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskJson, maskUrl } from "../src/trace-mask.ts";

describe("maskJson", () => {
  it("shows what is on the list and, of everything else, what kind of thing it is", () => {
    const value = { name: "buy", secret: "s3cret", count: 4, list: [1, 2], inner: { a: 1 }, none: null, yes: true };
    expect(maskJson(value, { members: { name: "shown" } })).toEqual({
      name: "buy",
      secret: "[masked: text]",
      count: "[masked: number]",
      list: "[masked: list of 2]",
      inner: "[masked: object of 1]",
      none: "[masked: null]",
      yes: "[masked: boolean]",
    });
  });

  it("shows of a list what is shown of its items, and of a text with a form only a text of that form", () => {
    const shown = { members: { items: { each: { members: { type: "shown" } } }, code: { matches: /^[a-z]+$/ } } } as const;
    expect(maskJson({ items: [{ type: "text", text: "private" }, "loose"], code: "denied" }, shown)).toEqual({
      items: [{ type: "text", text: "[masked: text]" }, "[masked: text]"],
      code: "denied",
    });
    expect(maskJson({ items: "no list", code: "Spl1tSecret" }, shown)).toEqual({ items: "[masked: text]", code: "[masked: text]" });
  });

  it("keeps no object where a plain value is on the list, and no name that is a value in disguise", () => {
    expect(maskJson({ name: { token: "s3cret" } }, { members: { name: "shown" } })).toEqual({ name: "[masked: object of 1]" });
    expect(maskJson({ "eyJhbGciOiJFUzI1NiJ9 x": 1, ["k".repeat(65)]: 1, __proto__x: 1 }, { members: {} })).toEqual({
      __proto__x: "[masked: number]",
    });
  });

  it("bounds what is shown", () => {
    const long = maskJson(
      { name: "x".repeat(5000), scopes: Array.from({ length: 500 }, () => "s") },
      { members: { name: "shown", scopes: "shown" } },
    );
    expect(JSON.stringify(long).length).toBeLessThan(2500);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`m${index}`, 1]));
    expect(Object.keys(Object(maskJson(many, { members: {} }))).length).toBe(60);
  });

  it("never lets a text through that is not on the list, wherever it lies", () => {
    const canary = "canary-7f3a";
    const tree = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, fc.constant(canary), fc.nat(9), fc.array(tie("value"), { maxLength: 3 }), tie("object")),
      object: fc.dictionary(fc.constantFrom("params", "arguments", "result", "content", "text", "x"), tie("value"), { maxKeys: 4 }),
    })).object;
    const shown = {
      members: {
        params: { members: { arguments: { members: {} } } },
        result: { members: { content: { each: { members: { x: { members: {} } } } } } },
      },
    };
    fc.assert(
      fc.property(tree, (value) => {
        expect(JSON.stringify(maskJson(value, shown))).not.toContain(canary);
      }),
    );
  });
});

describe("maskUrl", () => {
  it.each([
    ["https://shop.example/mcp", "https://shop.example/mcp"],
    ["https://user:pass@shop.example:8443/mcp#frag", "https://shop.example:8443/mcp"],
    ["https://shop.example/mcp?key=abc&scope=a%20b", "https://shop.example/mcp?key=[masked]&scope=a%20b"],
    ["https://mcp.example/s/4f9cA71b22ee4f9cA71b22ee/mcp", "https://mcp.example/s/[masked]/mcp"],
    ["https://as.example/.well-known/oauth-authorization-server/tenant", "https://as.example/.well-known/oauth-authorization-server/tenant"],
    ["data:text/plain,secret", "data:[masked]"],
    ["no address", "[masked: text]"],
  ])("shows %s as %s", (url, shown) => {
    expect(maskUrl(url)).toBe(shown);
  });
});
