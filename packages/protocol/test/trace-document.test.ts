import { describe, expect, it } from "vitest";
import { toTraceDocument, type TracedCall } from "../src/trace-document.ts";

const call: TracedCall = {
  id: "call_2",
  parentId: "call_1",
  tool: "buy",
  origin: "widget",
  state: "failed",
  error: { code: "access_denied" },
  createdAt: 1_700_000_000_000,
  connector: { name: "Shop", url: "https://shop.example/mcp?key=s3cret", protocol: "2025-11-25" },
  steps: [{ seq: 0, at: 1_700_000_000_001, step: "token", title: "Token received", detail: { token: "s3cret", loot: "s3cret" } }],
  ladder: [{ at: 1_700_000_000_002, tool: "buy", rung: "link", outcome: "done" }],
};

describe("toTraceDocument", () => {
  it("names its version and says each call with times of the calendar, and masks once more", () => {
    expect(toTraceDocument([call], 1_700_000_000_003)).toEqual({
      schema: "countersign-trace/1",
      exportedAt: "2023-11-14T22:13:20.003Z",
      calls: [
        {
          id: "call_2",
          parentId: "call_1",
          tool: "buy",
          origin: "widget",
          state: "failed",
          error: { code: "access_denied" },
          createdAt: "2023-11-14T22:13:20.000Z",
          connector: { name: "Shop", url: "https://shop.example/mcp?key=[masked]", protocol: "2025-11-25" },
          steps: [
            {
              seq: 0,
              at: "2023-11-14T22:13:20.001Z",
              step: "token",
              title: "Token received",
              detail: { token: "[masked: text]", loot: "[masked: text]" },
              messages: [],
            },
          ],
          ladder: [{ at: "2023-11-14T22:13:20.002Z", tool: "buy", rung: "link", outcome: "done" }],
        },
      ],
    });
  });

  it("has no member for what is not known, and a time that no calendar has is the first one", () => {
    const bare = { ...call, parentId: undefined, error: undefined, createdAt: Number.NaN, connector: undefined, steps: [], ladder: [] };
    expect(toTraceDocument([bare], 0).calls[0]).toEqual({
      id: "call_2",
      tool: "buy",
      origin: "widget",
      state: "failed",
      createdAt: "1970-01-01T00:00:00.000Z",
      steps: [],
      ladder: [],
    });
  });
});
