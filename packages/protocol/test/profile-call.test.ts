import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Challenge } from "../src/challenge.ts";
import { challengeFromError, challengeFromHttp, challengeFromResult } from "../src/challenge.ts";
import { hostNames, readProfile } from "../src/host-profile.ts";
import { hostViews } from "../src/host-profile-view.ts";
import type { HostProfile } from "../src/ladder.ts";
import { type ChallengeFacts, decideUnder, elicitationModes, judgeChallenge, limitsUnder, visibilityUnder } from "../src/profile-call.ts";
import type { CallFacts, CallOrigin, SecurityScheme, TokenState } from "../src/security.ts";
import { decideCall } from "../src/security.ts";

const profiles = Object.keys(hostNames).flatMap((name) => readProfile(name) ?? []);
const orders: readonly SecurityScheme[] = [{ type: "oauth2", scopes: new Set(["orders:read"]) }];
const either: readonly SecurityScheme[] = [{ type: "noauth" }, ...orders];
const none: TokenState = { state: "none" };
const held: TokenState = { state: "held", scope: new Set(["orders:read"]) };
const lacking: TokenState = { state: "held", scope: new Set(["profile"]) };
const stale: TokenState = { state: "expired", refreshable: true, scope: new Set(["orders:read"]) };
const dead: TokenState = { ...stale, refreshable: false };
const facts: CallFacts = {
  mode: "mixed",
  origin: "widget",
  sameConnector: true,
  visibility: new Set(["model", "app"]),
  schemes: orders,
  token: none,
};

function challenge(read: ReturnType<typeof challengeFromHttp>): Challenge {
  if (!read.ok || read.value === undefined) throw new Error("no challenge");
  return read.value;
}

const header = 'Bearer error="invalid_token", error_description="Sign in", scope="orders:read"';
const inResult = (value: string): Challenge => challenge(challengeFromResult({ isError: true, _meta: { "mcp/www_authenticate": [value] } }));
const unauthorized = challenge(challengeFromHttp(401, [header]));
const insufficient = challenge(challengeFromHttp(403, ['Bearer error="insufficient_scope", scope="orders:write"']));
const address = { elicitationId: "e1", mode: "url", url: "https://wallet.example/approve", message: "Approve" };
const visit = challenge(challengeFromError({ code: -32042, data: { elicitations: [address] } }));
const structured = challenge(
  challengeFromResult({ structuredContent: { requires_authorization: true, authorization_endpoint: "https://wallet.example/authorize" } }),
);

describe("decideUnder", () => {
  const anyFacts = fc.record({
    mode: fc.constantFrom("mixed" as const, "full" as const),
    origin: fc.constantFrom<CallOrigin>("model", "widget", "user"),
    sameConnector: fc.boolean(),
    visibility: fc.subarray(["model", "app"] as const).map((names) => new Set(names)),
    schemes: fc.constantFrom(undefined, orders, either, [{ type: "noauth" }] as const),
    token: fc.constantFrom(none, held, lacking, stale, dead),
  });

  it("is the table of the product itself under countersign", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        expect(decideUnder("countersign", given)).toEqual(decideCall(given));
      }),
    );
  });

  it("M26: answers under chatgpt a view's call of a protected tool with 400 and {}, and calls nothing", () => {
    expect(decideUnder("countersign", facts)).toMatchObject({ action: "authorize" });
    expect(decideUnder("chatgpt", facts)).toMatchObject({ action: "answer", status: 400, body: "{}" });
    expect(decideUnder("chatgpt", { ...facts, token: dead })).toMatchObject({ action: "answer", status: 400, body: "{}" });
  });

  it.each<[string, Partial<CallFacts>, object]>([
    ["sends the model's call, for the server to challenge", { origin: "model" }, { action: "call", token: "omit" }],
    ["sends the user's call as the model's", { origin: "user" }, { action: "call", token: "omit" }],
    ["sends a view's call with the token that is held", { token: held }, { action: "call", token: "attach" }],
    ["renews a token for a view's call", { token: stale }, { action: "call", token: "refresh" }],
    ["sends a view's call of an anonymous tool", { schemes: either }, { action: "call", token: "omit" }],
    ["sends a view's call of a tool that declares nothing", { schemes: undefined }, { action: "call", token: "omit" }],
    ["signs in for a full connector", { mode: "full" }, { action: "authorize" }],
    ["signs in anew for a full connector whose token is dead", { mode: "full", token: dead }, { action: "authorize" }],
    ["sends a view's call with too narrow a token of a full connector", { mode: "full", token: lacking }, { action: "call", token: "attach" }],
    ["refuses a view of another connector", { sameConnector: false }, { action: "refuse", code: "tool_not_visible" }],
  ])("under chatgpt %s", (_, changed, expected) => {
    expect(decideUnder("chatgpt", { ...facts, ...changed })).toMatchObject(expected);
  });

  it("lets no host but countersign sign in before the call of a mixed connector", () => {
    for (const profile of profiles) {
      for (const origin of ["model", "widget", "user"] as const) {
        const { action } = decideUnder(profile, { ...facts, origin });
        expect(action === "authorize", `${profile} ${origin}`).toBe(profile === "countersign");
      }
    }
  });

  it("names the fact by which the model sees a tool for views only", () => {
    const hidden: CallFacts = { ...facts, origin: "model", visibility: new Set(["app"]), schemes: undefined };
    const { certainty, source } = hostViews.cursor.enforcesVisibility;
    expect(decideUnder("claude", hidden)).toMatchObject({ action: "refuse", code: "tool_not_visible" });
    expect(decideUnder("cursor", hidden)).toMatchObject({ action: "call", basis: { certainty, source } });
    expect(decideUnder("cursor", { ...hidden, origin: "widget" })).toEqual(decideCall({ ...hidden, origin: "widget" }));
    expect(decideUnder("cursor", { ...hidden, visibility: new Set() })).toMatchObject({ action: "refuse", code: "tool_not_visible" });
  });

  it("never refreshes at a host that does not renew tokens", () => {
    for (const profile of ["vscode", "goose"] as const) {
      expect(decideUnder(profile, { ...facts, token: stale })).toMatchObject({ action: "call", token: "omit" });
    }
    expect(decideUnder("vscode", { ...facts, mode: "full", token: stale })).toMatchObject({ action: "authorize" });
    expect(decideUnder("goose", { ...facts, mode: "full", token: stale })).toMatchObject({ action: "call", token: "omit" });
  });

  it("V15: refuses a view at every host what the product refuses it", () => {
    const refused = anyFacts.filter((given) => given.origin === "widget" && decideCall(given).action === "refuse");
    fc.assert(
      fc.property(fc.constantFrom(...profiles), refused, (profile, given) => {
        expect(decideUnder(profile, given)).toEqual(decideCall(given));
      }),
    );
  });

  it("sends no token that is not held, and none to a tool that needs none", () => {
    fc.assert(
      fc.property(fc.constantFrom(...profiles), anyFacts, (profile, given) => {
        const decision = decideUnder(profile, given);
        const attached = decision.action === "call" && decision.token === "attach";
        expect(attached && given.token.state !== "held").toBe(false);
        const own = decideCall(given);
        const isAnonymous = own.action === "call" && own.token === "omit";
        expect(isAnonymous && (decision.action !== "call" || decision.token !== "omit")).toBe(false);
      }),
    );
  });
});

describe("judgeChallenge", () => {
  type Row = readonly [HostProfile, string, Challenge, Partial<ChallengeFacts>, "honour" | "pass_on" | "answer"];
  const model: Partial<ChallengeFacts> = { origin: "model" };
  const view: Partial<ChallengeFacts> = { origin: "widget" };

  it.each<Row>([
    ["countersign", "401 to a view", unauthorized, view, "honour"],
    ["countersign", "a result to a view", inResult(header), view, "honour"],
    ["countersign", "an address to a view", visit, view, "honour"],
    ["countersign", "a structured demand", structured, view, "honour"],
    ["chatgpt", "401 to the model", unauthorized, model, "pass_on"],
    ["chatgpt", "401 to the model's token", unauthorized, { ...model, token: held }, "honour"],
    ["chatgpt", "403 to the model", insufficient, { ...model, token: lacking }, "pass_on"],
    ["chatgpt", "a result to the model", inResult(header), model, "honour"],
    ["chatgpt", "a result to the user", inResult(header), { origin: "user" }, "honour"],
    ["chatgpt", "a result of an undeclared tool", inResult(header), { ...model, schemes: undefined }, "pass_on"],
    ["chatgpt", "a result without a description", inResult('Bearer error="invalid_token"'), model, "pass_on"],
    ["chatgpt", "a result without an error", inResult('Bearer error_description="Sign in", scope="orders:read"'), model, "pass_on"],
    ["chatgpt", "a result to a view", inResult(header), view, "answer"],
    ["chatgpt", "401 to a view", unauthorized, view, "answer"],
    ["chatgpt", "a result to a view of a full connector", inResult(header), { ...view, mode: "full" }, "pass_on"],
    ["chatgpt", "an address", visit, model, "pass_on"],
    ["chatgpt", "a structured demand", structured, model, "pass_on"],
    ["claude", "401 to the model", unauthorized, model, "honour"],
    ["claude", "403 to the model", insufficient, model, "honour"],
    ["claude", "a result to the model", inResult(header), model, "pass_on"],
    ["claude", "an address", visit, model, "pass_on"],
    ["claude", "401 to a view", unauthorized, view, "pass_on"],
    ["vscode", "401 to a view", unauthorized, view, "honour"],
    ["vscode", "a result to a view", inResult(header), view, "pass_on"],
    ["vscode", "an address to a view", visit, view, "honour"],
    ["cursor", "401 to the model", unauthorized, model, "pass_on"],
    ["cursor", "an address", visit, model, "pass_on"],
    ["goose", "401 to the model's token", unauthorized, { ...model, token: dead }, "pass_on"],
    ["copilot", "401 to the model", unauthorized, model, "pass_on"],
    ["generic", "401 to the model", unauthorized, model, "honour"],
    ["generic", "a result to the model", inResult(header), model, "pass_on"],
    ["generic", "401 to a view", unauthorized, view, "pass_on"],
  ])("decides under %s on %s", (profile, _, demand, changed, action) => {
    const given: ChallengeFacts = { mode: "mixed", origin: "model", schemes: orders, token: none, ...changed, challenge: demand };
    expect(judgeChallenge(profile, given)).toMatchObject({ action });
  });

  it("puts a form to the user where forms are offered, and a round without questions everywhere", () => {
    const form = {
      method: "elicitation/create",
      params: { requestedSchema: { type: "object", properties: { size: { type: "string" } } }, message: "Size?" },
    };
    const asks = challenge(challengeFromResult({ resultType: "input_required", inputRequests: { a: form }, requestState: "s" }));
    const waits = challenge(challengeFromResult({ resultType: "input_required", requestState: "s" }));
    const verdict = (profile: HostProfile, demand: Challenge): string => judgeChallenge(profile, { ...facts, challenge: demand }).action;
    expect(profiles.filter((profile) => verdict(profile, asks) === "honour")).toEqual(["countersign", "vscode", "cursor", "goose", "generic"]);
    expect(profiles.filter((profile) => verdict(profile, waits) === "honour")).toEqual(profiles);
  });
});

describe("elicitationModes", () => {
  it.each<[HostProfile, readonly string[]]>([
    ["countersign", ["form", "url"]],
    ["vscode", ["form", "url"]],
    ["cursor", ["form"]],
    ["goose", ["form"]],
    ["chatgpt", []],
    ["claude", []],
  ])("offers at %s %j", (profile, modes) => {
    expect(elicitationModes(profile)).toEqual(modes);
  });
});

describe("visibilityUnder", () => {
  it("shows tools for views to the model only where the host does not keep them from it, and tools for nobody to nobody", () => {
    const app = new Set(["app"] as const);
    expect(profiles.filter((profile) => visibilityUnder(profile, app).has("model"))).toEqual(["cursor"]);
    for (const profile of profiles) {
      expect(visibilityUnder(profile, new Set(["model"] as const))).toEqual(new Set(["model"]));
      expect(visibilityUnder(profile, new Set()).size).toBe(0);
    }
  });
});

describe("limitsUnder", () => {
  it("shortens what is known to be shorter, and lengthens nothing", () => {
    const own = { requestMs: 90_000, tokenMs: 30_000 };
    expect(limitsUnder("claude", own)).toEqual({ requestMs: 90_000, tokenMs: 10_000 });
    expect(limitsUnder("chatgpt", own)).toEqual(own);
    for (const profile of profiles) expect(limitsUnder(profile, { requestMs: 1, tokenMs: 2 })).toEqual({ requestMs: 1, tokenMs: 2 });
  });
});
