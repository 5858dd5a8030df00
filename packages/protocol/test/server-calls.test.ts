import { describe, expect, it } from "vitest";
import type { HostProfile } from "../src/ladder.ts";
import { type CallMatter, judgeCalls } from "../src/server-calls.ts";
import { profileNames } from "../src/host-profile.ts";
import type { ProtectedCallObservation, ServerObservation, ToolObservation } from "../src/server-observation.ts";
import type { Verdict } from "../src/server-verdict.ts";
import { allEras, goodServer, listing, openTool, protectedTool } from "./seen-server.ts";

const signsIn: Verdict = { standing: "works", finding: "works", reason: "It does." };
const http: ProtectedCallObservation = { seen: "http", challenge: { status: 401, header: "bearer", scope: [] } };
const inResult: ProtectedCallObservation = { seen: "result", error: "invalid_token", described: true, scope: [] };
const linkTools: readonly ToolObservation[] = ["link_account", "await_link", "call_linked"].map((name) => ({
  ...openTool,
  name,
  visibility: ["app"],
}));

type Row = readonly [host: HostProfile, standing: string, finding: string, seen: Partial<ServerObservation>];

const either: ToolObservation = { ...protectedTool, scheme: "either" };
const scoped = (scope: string): ToolObservation => ({ ...protectedTool, name: scope, scopes: [scope] });
const knowsNoTokens: Partial<ServerObservation> = { resourceMetadata: [], badToken: { seen: "unasked" } };
const oldOnly: Partial<ServerObservation> = { eras: { ...goodServer.eras, "2026-07-28": { seen: "refused", status: 400 } } };
const behindSignIn: Partial<ServerObservation> = {
  eras: allEras({ seen: "challenged", challenge: http.challenge }),
  tools: { seen: "challenged", challenge: http.challenge },
  protectedCall: { seen: "not_called", reason: "none_declared" },
  views: [],
};

const table: Readonly<Record<CallMatter, readonly Row[]>> = {
  model_call: [
    ["countersign", "works", "reached", { protectedCall: http }],
    ["chatgpt", "dead", "wants_result", { protectedCall: http }],
    ["chatgpt", "works", "reached", { protectedCall: http, protectedCallOf: { chatgpt: inResult } }],
    ["chatgpt", "works", "reached", { protectedCall: inResult }],
    ["chatgpt", "dead", "result_lacks", { protectedCall: { ...inResult, described: false } }],
    ["claude", "works", "reached", { protectedCall: http }],
    ["claude", "dead", "wants_http_401", { protectedCall: inResult }],
    ["claude", "works", "reached", { protectedCall: inResult, protectedCallOf: { claude: http } }],
    ["vscode", "works", "reached", { protectedCall: http }],
    ["goose", "dead", "signs_in_at_connect", { protectedCall: http }],
    ["copilot", "dead", "signs_in_at_connect", { protectedCall: http }],
    ["generic", "works", "reached", { protectedCall: http }],
    ["countersign", "works", "reached", { protectedCall: { seen: "structured" } }],
    ["claude", "dead", "wants_http_401", { protectedCall: { seen: "structured" } }],
    ["vscode", "works", "elicitation", { protectedCall: { seen: "url" } }],
    ["claude", "dead", "no_elicitation", { protectedCall: { seen: "input" } }],
    ["cursor", "dead", "no_elicitation", { protectedCall: { seen: "url" } }],
    // Countersign signs in because the tool declares it; the others wait for a demand that does not come.
    ["countersign", "works", "reached", { protectedCall: { seen: "ran" } }],
    ["claude", "dead", "protected_tool_ran", { protectedCall: { seen: "ran" } }],
    ["claude", "dead", "no_challenge", { protectedCall: { seen: "refused", status: 500 } }],
    ["claude", "dead", "challenge_unreadable", { protectedCall: { seen: "unreadable_challenge", detail: "no" } }],
    ["claude", "dead", "challenge_unreadable", { protectedCall: { seen: "http", challenge: { status: 401, header: "unreadable", scope: [] } } }],
    ["claude", "unknown", "challenge_unseen", { protectedCall: { seen: "not_called", reason: "not_wanted" } }],
    ["claude", "unknown", "challenge_unseen", { protectedCall: { seen: "nothing", problem: "timeout" } }],
    ["countersign", "works", "reached", { protectedCall: { seen: "not_called", reason: "not_wanted" } }],
    ["claude", "works", "nothing_protected", { tools: listing([openTool]) }],
    ["chatgpt", "unknown", "demand_undeclared", { tools: listing([{ ...openTool, scheme: "undeclared" }]) }],
    ["chatgpt", "unknown", "demand_undeclared", { tools: listing([{ ...openTool, scheme: "undeclared" }]), resourceMetadata: [] }],
    ["chatgpt", "works", "nothing_protected", { ...knowsNoTokens, tools: listing([{ ...openTool, scheme: "undeclared" }]) }],
    ["claude", "unknown", "elicitation_unseen", { ...oldOnly, protectedCall: { seen: "url" } }],
    ["vscode", "works", "elicitation", { ...oldOnly, protectedCall: { seen: "url" } }],
    ["claude", "works", "nothing_protected", { tools: listing([{ ...protectedTool, visibility: ["app"] }]) }],
    ["cursor", "dead", "signs_in_at_connect", { tools: listing([{ ...protectedTool, visibility: ["app"] }]) }],
    ["goose", "works", "optional_sign_in", { tools: listing([either]), protectedCall: { seen: "not_called", reason: "none_declared" } }],
    ["claude", "works", "reached", behindSignIn],
    ["copilot", "works", "reached", behindSignIn],
    ["claude", "unknown", "list_unseen", { tools: { seen: "refused", status: 500 } }],
  ],
  view_call: [
    ["countersign", "works", "reached", {}],
    ["chatgpt", "dead", "view_sign_in", {}],
    ["chatgpt", "falls_back", "by_model", { protectedCallOf: { chatgpt: inResult } }],
    ["chatgpt", "falls_back", "by_link", { tools: listing([protectedTool, ...linkTools]) }],
    ["chatgpt", "dead", "view_sign_in", { tools: listing([protectedTool, ...linkTools.slice(1)]) }],
    [
      "chatgpt",
      "dead",
      "view_sign_in",
      { tools: listing([protectedTool, ...linkTools.map((tool) => ({ ...tool, visibility: ["model" as const] }))]) },
    ],
    ["claude", "falls_back", "by_model", {}],
    // The chat cannot be asked for what only views see.
    ["claude", "dead", "view_sign_in", { tools: listing([{ ...protectedTool, visibility: ["app"] }]) }],
    ["claude", "falls_back", "by_link", { tools: listing([{ ...protectedTool, visibility: ["app"] }, ...linkTools]) }],
    ["vscode", "works", "reached", { tools: listing([{ ...protectedTool, visibility: ["app"] }]) }],
    ["vscode", "works", "reached", {}],
    ["goose", "dead", "no_view_calls", { tools: listing([protectedTool, ...linkTools]) }],
    ["copilot", "dead", "view_sign_in", {}],
    ["claude", "moot", "no_views", { tools: listing([{ ...protectedTool, view: "" }].map(({ view: _view, ...tool }) => tool)) }],
    ["claude", "works", "nothing_protected", { tools: listing([openTool]) }],
    ["claude", "works", "nothing_protected", { tools: listing([openTool, { ...protectedTool, visibility: ["model"] }]) }],
    ["goose", "falls_back", "no_view_calls", { tools: listing([openTool]) }],
    ["claude", "unknown", "list_behind_sign_in", behindSignIn],
  ],
  step_up: [
    ["claude", "moot", "nothing_protected", { tools: listing([openTool]) }],
    ["claude", "moot", "one_scope", {}],
    ["claude", "works", "step_up", { tools: listing([scoped("a"), scoped("b")]) }],
    ["goose", "dead", "signs_in_at_connect", { tools: listing([scoped("a"), scoped("b")]) }],
    ["cursor", "dead", "signs_in_at_connect", { tools: listing([scoped("a"), scoped("b")]) }],
    ["chatgpt", "dead", "step_up_ignored", { tools: listing([scoped("a"), scoped("b")]) }],
    ["chatgpt", "works", "step_up", { tools: listing([scoped("a"), scoped("b")]), protectedCallOf: { chatgpt: inResult } }],
    [
      "chatgpt",
      "dead",
      "result_lacks",
      { tools: listing([scoped("a"), scoped("b")]), protectedCallOf: { chatgpt: { ...inResult, described: false } } },
    ],
    ["chatgpt", "unknown", "demand_undeclared", { tools: listing([{ ...openTool, scheme: "undeclared" }]) }],
    ["chatgpt", "moot", "one_scope", { tools: listing([scoped("a"), scoped("b")]), protectedCall: { ...inResult, scope: ["a", "b"] } }],
    ["chatgpt", "unknown", "challenge_unseen", { tools: listing([scoped("a")]), protectedCall: { seen: "not_called", reason: "not_wanted" } }],
    ["countersign", "works", "step_up", { tools: listing([scoped("a")]), protectedCall: { seen: "not_called", reason: "not_wanted" } }],
    ["claude", "unknown", "list_behind_sign_in", behindSignIn],
  ],
};

describe.each(["model_call", "view_call", "step_up"] as const)("%s", (matter) => {
  it.each(table[matter].map((row, index) => [index, ...row] as const))("row %i: at %s it is %s: %s", (_index, host, standing, finding, seen) => {
    const verdict = judgeCalls({ ...goodServer, ...seen }, host, matter, signsIn);
    expect([verdict.standing, verdict.finding]).toEqual([standing, finding]);
  });

  it("is no better than the sign-in that it needs", () => {
    const dead: Verdict = { standing: "dead", finding: "registration", reason: "No.", fix: "Yes." };
    const seen = matter === "step_up" ? { ...goodServer, tools: listing([scoped("a")]) } : goodServer;
    for (const host of profileNames) {
      expect(judgeCalls(seen, host, matter, dead)).toEqual(dead);
      expect(judgeCalls(seen, host, matter, { ...dead, standing: "unknown" }).standing).toBe("unknown");
    }
    expect(judgeCalls({ ...goodServer, tools: listing([openTool]) }, "claude", matter, dead).finding).toBe("nothing_protected");
  });

  it("tells the fact about the host on which it rests, and a fix for what is dead", () => {
    const verdicts = table[matter].map(([host, , , seen]) => judgeCalls({ ...goodServer, ...seen }, host, matter, signsIn));
    expect(verdicts.filter(({ standing, fix }) => standing === "dead" && fix === undefined)).toEqual([]);
    expect(verdicts.filter(({ finding, basis }) => ["reached", "by_link", "step_up"].includes(finding) && basis === undefined)).toEqual([]);
  });
});

describe("tools that run without sign-in too", () => {
  it("fall back to that where nobody can sign in", () => {
    const dead: Verdict = { standing: "dead", finding: "registration", reason: "No.", fix: "Yes." };
    const verdict = judgeCalls({ ...goodServer, tools: listing([either]) }, "claude", "model_call", dead);
    expect(verdict).toMatchObject({ standing: "falls_back", finding: "registration" });
  });
});
