import { describe, expect, it } from "vitest";
import { toTraceDocument, type TracedCall } from "../src/trace-document.ts";
import type { TraceStep } from "../src/trace-step.ts";
import { escapeText, traceToMermaid } from "../src/trace-to-mermaid.ts";

const connector = { name: "Shop", url: "https://shop.example/mcp", protocol: "2025-11-25" };
const step = (seq: number, name: TraceStep["step"], title: string, detail: TraceStep["detail"] = {}): TraceStep => ({
  seq,
  at: seq,
  step: name,
  title,
  detail,
});
const aCall = (more: Partial<TracedCall> = {}): TracedCall => ({
  id: "call_1",
  parentId: undefined,
  tool: "buy",
  origin: "widget",
  state: "completed",
  error: undefined,
  createdAt: 0,
  connector,
  steps: [],
  ladder: [],
  ...more,
});

const signIn: readonly TraceStep[] = [
  step(0, "received", "Call of buy"),
  step(1, "decision", "the tool needs sign-in", { action: "authorize" }),
  step(2, "discovery", "Document found", { url: "https://shop.example/.well-known/oauth-protected-resource/mcp" }),
  step(3, "discovery", "Document found", { url: "https://as.example/.well-known/oauth-authorization-server" }),
  step(4, "authorization", "Sign-in is ready to open", { issuer: "https://as.example", scope: "orders" }),
  step(5, "authorization", "The sign-in service answered with a code", { issuer: "https://as.example", code: "[masked]" }),
  step(6, "token", "Token received and stored", { token: "[masked]", scope: ["orders", "profile"] }),
  step(7, "request", "Sent to the server", { method: "tools/call", authorization: "Bearer [masked]" }),
  step(8, "result", "The tool answered"),
];

describe("traceToMermaid", () => {
  it("draws a sign-in from a view: who said what to whom, in its order", () => {
    const ladder = [{ at: 1, tool: "buy", rung: "host_resumes", outcome: "begun" }] as const;
    expect(traceToMermaid(toTraceDocument([aCall({ steps: signIn, ladder })], 0)).split("\n")).toEqual([
      "sequenceDiagram",
      "  autonumber",
      "  participant View1 as View of Shop",
      "  participant Host1 as Countersign",
      "  participant Server1 as Shop",
      "  participant Issuer1 as Sign-in at as.example",
      "  actor User1 as User",
      "  Note over View1,Host1: buy, call_1",
      "  View1->>Host1: Call of buy",
      "  Note over Host1: the tool needs sign-in (authorize)",
      "  Note over View1: The view#58; buy by host_resumes, begun",
      "  Host1->>Server1: GET /.well-known/oauth-protected-resource/mcp",
      "  Server1-->>Host1: Document found",
      "  Host1->>Issuer1: GET /.well-known/oauth-authorization-server",
      "  Issuer1-->>Host1: Document found",
      "  Host1->>User1: Sign-in is ready to open (scope orders)",
      "  Issuer1-->>Host1: The sign-in service answered with a code",
      "  Issuer1-->>Host1: Token received and stored (scope orders profile)",
      "  Host1->>Server1: Sent to the server (tools/call, Bearer #91;masked#93;)",
      "  Server1-->>Host1: The tool answered",
      "  Host1-->>View1: result",
    ]);
  });

  it("ends a failed call with its code, and one that goes on not at all", () => {
    const drawn = (more: Partial<TracedCall>): string | undefined =>
      traceToMermaid(toTraceDocument([aCall({ origin: "user", ...more })], 0))
        .split("\n")
        .at(-1);
    expect(drawn({ state: "failed", error: { code: "server_unreachable" } })).toBe("  Host1--xUser1: server_unreachable");
    expect(drawn({ state: "authorizing" })).toBe("  Note over User1,Host1: buy, call_1");
  });
});

describe("escapeText", () => {
  it.each([
    ["a; b", "a#59; b"],
    ["#35;", "#35;35#59;"],
    ["<b>%%{x}", "#60;b#62;#37;#37;#123;x#125;"],
    ["one\ntwo\u202e", "one two "],
    ["Café 🛒", "Caf#233; #128722;"],
  ])("writes %j as %j", (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  it("cuts by signs, so that none is halved", () => {
    expect(escapeText("🛒🛒🛒", 2)).toBe("#128722;#8230;");
  });
});
