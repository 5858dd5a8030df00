import { ok } from "@countersign/protocol/result";
import { describe, expect, it } from "vitest";
import { createAnswers } from "../src/answers.ts";
import type { Asking } from "../src/asking.ts";
import { createStore } from "../src/store.ts";
import type { Call } from "../src/wire.ts";
import { aCall } from "./fixtures.ts";

function anAsking(fields: Partial<Asking> = {}): Asking {
  const item = {
    kind: "url",
    message: "Link",
    url: "https://bank.example/",
    host: "bank.example",
    visitUrl: "/calls/call_1/visit/1/0",
    opened: false,
  } as const;
  return { style: "retry", round: 1, expiresAt: undefined, again: false, quiet: false, items: [item], ...fields };
}

function begin(
  asking: Asking,
  window = true,
): { answers: ReturnType<typeof createAnswers>; call: Call; put: (next: Asking) => void; log: string[]; pass: (ms: number) => void } {
  const store = createStore();
  const log: string[] = [];
  let now = 1000;
  const call = aCall({ state: "authorizing", asking });
  store.dispatch({ type: "call_started", call, arguments: {} });
  const answers = createAnswers({
    store,
    openWindow: () => (window ? { navigate: (url) => log.push(`open ${url}`), close: () => log.push("close") } : undefined),
    answerCall: async (callId, round, given) => {
      log.push(`answer ${callId} ${round} ${given.map((one) => one.action).join(",")}`);
      return ok(aCall({ state: "dispatched" }));
    },
    cancelCall: async (callId) => log.push(`cancel ${callId}`),
    now: () => now,
    origin: "http://127.0.0.1:4100",
  });
  return { answers, call, log, put: (next) => store.dispatch({ type: "call", call: { ...call, asking: next } }), pass: (ms) => (now += ms) };
}

const opened = (asking: Asking): Asking => ({
  ...asking,
  items: asking.items.map((item) => (item.kind === "url" ? { ...item, opened: true } : item)),
});

describe("answers to what servers ask", () => {
  it("M18 opens nothing by itself, and only the host's own path in a click", () => {
    const { answers, call, log } = begin(anAsking());
    answers.returned();
    expect(log).toEqual([]);
    expect(answers.open(call, 0)).toBe(true);
    expect(log).toEqual(["open http://127.0.0.1:4100/calls/call_1/visit/1/0"]);
    expect(answers.open(call, 1)).toBe(false);
  });

  it("says when the browser gave no window", () => {
    const { answers, call, log } = begin(anAsking(), false);
    expect(answers.open(call, 0)).toBe(false);
    expect(log).toEqual([]);
  });

  it("goes on once when the user comes back from a page that was opened here", () => {
    const { answers, call, log, put, pass } = begin(anAsking());
    answers.open(call, 0);
    answers.returned();
    put(opened(anAsking()));
    answers.returned();
    expect(log).toHaveLength(1);
    pass(5000);
    answers.returned();
    answers.returned();
    expect(log.slice(1)).toEqual(["answer call_1 1 accept"]);
  });

  it.each([
    ["nothing was opened here", anAsking(), false],
    ["the same was asked before", anAsking({ again: true }), true],
    ["the server waits in the running request", anAsking({ style: "live" }), true],
    ["there is a form beside it", anAsking({ items: [...anAsking().items, { kind: "form", message: "m", fields: [] }] }), true],
  ])("leaves it to the user when %s", (_, asking, opens) => {
    const { answers, call, log, put, pass } = begin(asking);
    if (opens) answers.open(call, 0);
    put(opened(asking));
    pass(5000);
    answers.returned();
    expect(log.filter((line) => line.startsWith("answer"))).toEqual([]);
  });
});
