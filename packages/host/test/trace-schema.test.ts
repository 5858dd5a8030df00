import { readFileSync } from "node:fs";
import { rungOutcomes, rungs } from "@countersign/protocol/ladder";
import { toTraceDocument, type TraceDocument } from "@countersign/protocol/trace-document";
import { traceStepNames } from "@countersign/protocol/trace-step";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const file = new URL("../../../docs/api/trace.schema.json", import.meta.url);
const schema = z.fromJSONSchema(JSON.parse(readFileSync(file, "utf8")));

const whole: TraceDocument = toTraceDocument(
  [
    {
      id: "call_1",
      parentId: "call_0",
      tool: "buy",
      origin: "widget",
      state: "failed",
      error: { code: "access_denied" },
      createdAt: 1,
      connector: { name: "Shop", url: "https://shop.example/mcp", protocol: "2025-11-25" },
      steps: traceStepNames.map((step, seq) => ({
        seq,
        at: seq,
        step,
        title: step,
        detail: { code: "access_denied" },
        messages: [{ way: "sent", line: "POST https://shop.example/mcp", headers: { accept: "a" }, body: { jsonrpc: "2.0" } }],
      })),
      ladder: rungs.flatMap((rung) => rungOutcomes.map((outcome) => ({ at: 1, tool: "buy", rung, outcome }))),
    },
  ],
  2,
);

describe("the published schema of a trace", () => {
  it("takes what is exported: every step, way and outcome, and a call of which little is known", () => {
    expect(schema.safeParse(whole).error).toBeUndefined();
    const bare = { id: "c", tool: "t", origin: "user", state: "received", steps: [], ladder: [] };
    expect(schema.safeParse({ ...whole, calls: [bare] }).error).toBeUndefined();
  });

  it("takes members that are added, and neither another name of the form nor a call without its steps", () => {
    expect(schema.safeParse({ ...whole, profile: "chatgpt" }).success).toBe(true);
    expect(schema.safeParse({ ...whole, schema: "countersign-trace/2" }).success).toBe(false);
    expect(schema.safeParse({ ...whole, calls: [{ id: "c", tool: "t", origin: "user", state: "received", ladder: [] }] }).success).toBe(false);
    expect(schema.safeParse({ ...whole, exportedAt: "yesterday" }).success).toBe(false);
  });
});
