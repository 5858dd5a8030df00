import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { anonymous, either, oauth2, type ToolAuth } from "../../src/auth.ts";
import { type AccessDecision, type Demand, decideAccess, decideBatch, demandOf, type TokenState } from "../../src/policy/decide-access.ts";

const tokens = {
  none: { state: "none" },
  invalid: { state: "invalid" },
  unverifiable: { state: "unverifiable" },
  "without scopes": { state: "valid", scope: new Set() },
  "orders:read": { state: "valid", scope: new Set(["orders:read"]) },
  "both scopes": { state: "valid", scope: new Set(["orders:read", "orders:write"]) },
} as const satisfies Record<string, TokenState>;

const demands = {
  open: { kind: "open" },
  "unknown method": { kind: "unknown_method" },
  "unknown tool": { kind: "unknown_tool" },
  "anonymous()": { kind: "tool", auth: anonymous() },
  "either()": { kind: "tool", auth: either() },
  "either(orders:read)": { kind: "tool", auth: either("orders:read") },
  "oauth2()": { kind: "tool", auth: oauth2() },
  "oauth2(orders:read)": { kind: "tool", auth: oauth2("orders:read") },
  "oauth2(both)": { kind: "tool", auth: oauth2("orders:read", "orders:write") },
} as const satisfies Record<string, Demand>;

/** One line a demand, one word a token, in the order of `tokens`: pass, refuse, 401, 403, bad (401 invalid_token), 503. */
const table: Readonly<Record<keyof typeof demands, string>> = {
  open: "pass bad 503 pass pass pass",
  "unknown method": "refuse bad 503 refuse refuse refuse",
  "unknown tool": "refuse bad 503 refuse refuse refuse",
  "anonymous()": "pass bad 503 pass pass pass",
  "either()": "pass bad 503 pass pass pass",
  "either(orders:read)": "pass bad 503 pass pass pass",
  "oauth2()": "401 bad 503 pass pass pass",
  "oauth2(orders:read)": "401 bad 503 403 pass pass",
  "oauth2(both)": "401 bad 503 403 403 pass",
};

function word(decision: AccessDecision): string {
  if (decision.action === "challenge") return decision.code === "invalid_token" ? "bad" : String(decision.status);
  return decision.action === "unavailable" ? "503" : decision.action;
}

describe("the policy table", () => {
  for (const [name, demand] of Object.entries(demands)) {
    test(`${name} has one decision for each token`, () => {
      const words = Object.values(tokens).map((token) => word(decideAccess(demand, token)));
      expect(words.join(" ")).toBe(Object.entries(table).find(([row]) => row === name)?.[1]);
    });
  }

  test("O25 a bad token is refused with 401 by every row", () => {
    for (const demand of Object.values(demands)) {
      expect(decideAccess(demand, { state: "invalid" })).toMatchObject({ action: "challenge", status: 401, code: "invalid_token" });
    }
  });

  test("O26 a step-up names every scope of the tool, not only the missing ones", () => {
    const decision = decideAccess(demands["oauth2(both)"], tokens["orders:read"]);
    expect(decision).toEqual({ action: "challenge", status: 403, code: "insufficient_scope", scope: new Set(["orders:read", "orders:write"]) });
  });
});

describe("demands", () => {
  const authOf = (name: string): ToolAuth | undefined => (name === "pay" ? oauth2("pay") : undefined);

  test("listed methods, notifications and responses are open", () => {
    const open = [
      "initialize",
      "ping",
      "server/discover",
      "tools/list",
      "prompts/list",
      "resources/list",
      "resources/templates/list",
      "resources/read",
      "subscriptions/listen",
      "notifications/initialized",
      undefined,
    ];
    for (const method of open) expect(demandOf(method, undefined, authOf)).toEqual({ kind: "open" });
  });

  test("M08 methods that are not listed do not exist, however close their name is", () => {
    for (const method of [
      "tasks/get",
      "tasks/result",
      "tools/Call",
      "Tools/call",
      "tools/call ",
      "notifications",
      "prompts/get",
      "",
      "rpc.discover",
    ]) {
      expect(demandOf(method, "pay", authOf)).toEqual({ kind: "unknown_method" });
    }
  });

  test("M08 tool names are compared exactly", () => {
    expect(demandOf("tools/call", "pay", authOf).kind).toBe("tool");
    for (const name of ["Pay", "pay ", " pay", "pay\u0000", "\uff50\uff41\uff59", "pa\u0443", "toString", "__proto__", "constructor", undefined]) {
      expect(demandOf("tools/call", name, authOf)).toEqual({ kind: "unknown_tool" });
    }
  });
});

describe("batches", () => {
  const someDemand = constantFrom<Demand>(...Object.values(demands));
  const someToken = constantFrom<TokenState>(...Object.values(tokens));

  test("a batch passes only when each of its messages passes", () => {
    assert(
      property(array(someDemand, { minLength: 1, maxLength: 6 }), someToken, (batch, token) => {
        const whole = decideBatch(batch, token);
        const each = batch.map((demand) => decideAccess(demand, token).action);
        expect(whole.action === "pass").toBe(each.every((action) => action === "pass"));
      }),
    );
  });

  test("a batch's challenge names the scopes of every challenge in it", () => {
    const decision = decideBatch([demands.open, demands["oauth2(orders:read)"], { kind: "tool", auth: oauth2("profile") }], tokens.none);
    expect(decision).toMatchObject({ action: "challenge", status: 401, scope: new Set(["orders:read", "profile"]) });
  });
});
