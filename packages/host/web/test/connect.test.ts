import { appsProtocolVersion, bridgeMethods, maxInFlight } from "@countersign/protocol/bridge";
import { profileNames } from "@countersign/protocol/host-profile";
import { hostViews } from "@countersign/protocol/host-profile-view";
import type { HostProfile } from "@countersign/protocol/ladder";
import { bridgeSurfaceOf, frameRightsOf, hostNameOf } from "@countersign/protocol/profile-view";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { connectWidget, type WidgetLink } from "../src/bridge/connect.ts";
import type { ToolInput } from "../src/bridge/tell-call.ts";
import type { FrameMessage } from "../src/bridge/transport.ts";
import type { WidgetHost } from "../src/bridge/widget-host.ts";
import type { Call } from "../src/wire.ts";
import { aCall, aHost, aResult, aView } from "./fixtures.ts";

const origin = "http://abc.localhost:4101";

interface Bench {
  readonly sent: unknown[];
  readonly asked: string[];
  readonly finish: (call: Call) => Promise<void>;
  readonly receive: (data: unknown) => Promise<void>;
  readonly ready: () => number;
  readonly anew: () => number;
  readonly link: WidgetLink;
}

/** Lets everything that is ready run. */
const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

async function bench(
  parts: Partial<WidgetHost> = {},
  profile: HostProfile = "countersign",
  input: ToolInput = { arguments: {}, whole: true },
): Promise<Bench> {
  const listeners = new Set<(event: FrameMessage) => void>();
  const sent: unknown[] = [];
  const asked: string[] = [];
  const running: ((call: Call) => void)[] = [];
  let ready = 0;
  let anew = 0;
  const host = aHost({
    callTool: (name) => {
      asked.push(name);
      return new Promise((resolve) => void running.push(resolve));
    },
    ...parts,
  });
  const frame = { postMessage: (message: unknown) => void sent.push(message) };
  const link = await connectWidget({
    page: {
      addEventListener: (_type, listener) => void listeners.add(listener),
      removeEventListener: (_type, listener) => void listeners.delete(listener),
    },
    frame,
    view: aView({ frameUrl: `${origin}/frame/x`, profile }),
    html: "<p>",
    input,
    ending: undefined,
    context: {},
    host,
    onReady: () => void (ready += 1),
    onAnew: () => void (anew += 1),
  });
  return {
    sent,
    asked,
    finish: async (call) => {
      for (const resolve of running) resolve(call);
      await turn();
    },
    receive: async (data) => {
      for (const listener of listeners) listener({ data, origin, source: frame });
      await turn();
    },
    ready: () => ready,
    anew: () => anew,
    link,
  };
}

const gone = { ok: false, error: { code: "not_found", message: "Nothing is here.", retryable: false } } as const;

const answerShape = z.object({
  result: z.object({
    hostInfo: z.object({ name: z.string() }),
    hostCapabilities: z.looseObject({ experimental: z.record(z.string(), z.unknown()).default({}), sandbox: z.unknown() }),
  }),
});

const call = (id: number): object => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: `tool_${id}`, arguments: {} } });

describe("connectWidget", () => {
  it("keeps what a view says of its calls' ways, and takes nothing else for it", async () => {
    const notes: unknown[] = [];
    const view = await bench({ noteLadder: (step) => void notes.push(step) });
    const say = (logger: string, data: unknown): Promise<void> =>
      view.receive({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", logger, data } });
    const step = { tool: "list_orders", rung: "link", outcome: "begun" };
    await say("countersign/ladder", { ...step, handle: "lnk_secret" });
    await say("countersign/ladder", { ...step, rung: "sideways" });
    await say("another", step);
    expect(notes).toEqual([step]);
  });

  it("sends the document once the frame's page says that it is ready, and tells so", async () => {
    const view = await bench();
    expect(view.ready()).toBe(0);
    await view.receive({ jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready", params: {} });
    expect(view.ready()).toBe(1);
    expect(view.sent).toMatchObject([{ method: "ui/notifications/sandbox-resource-ready", params: { sandbox: "allow-scripts" } }]);
  });

  it("ends when the frame's page loads once more: its new document gets nothing that was meant for the one before", async () => {
    const page = await bench();
    const proxyReady = { jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready", params: {} };
    await page.receive(proxyReady);
    await page.receive({ jsonrpc: "2.0", id: 7, method: "openai/callTool", params: { name: "list_orders", arguments: {} } });
    expect([page.asked, page.ready(), page.anew()]).toEqual([["list_orders"], 1, 0]);
    const before = page.sent.length;
    await page.receive(proxyReady);
    expect([page.ready(), page.anew()]).toEqual([1, 1]);
    await page.finish(aCall({ result: aResult() }));
    expect(page.sent.length).toBe(before);
  });

  it("tells the host which call the view wants no more", async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const view = await bench({
      callTool: (_name, _args, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    await view.receive(call(1));
    await view.receive(call(2));
    expect(signals.map((signal) => signal?.aborted)).toEqual([false, false]);
    await view.receive({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 2 } });
    expect(signals.map((signal) => signal?.aborted)).toEqual([false, true]);
  });

  it("tells a view its input as it grows, once when it is whole, and then the result", async () => {
    const view = await bench({}, "countersign", { arguments: { q: "m" }, whole: false });
    await view.receive({
      jsonrpc: "2.0",
      id: 1,
      method: "ui/initialize",
      params: { protocolVersion: "2026-01-26", appInfo: { name: "view", version: "1" }, appCapabilities: {} },
    });
    await view.receive({ jsonrpc: "2.0", method: "ui/notifications/initialized", params: {} });
    view.link.input({ arguments: { q: "mug" }, whole: false });
    const whole = { q: "mugs" };
    view.link.input({ arguments: whole, whole: true });
    view.link.input({ arguments: whole, whole: true });
    view.link.input({ arguments: { q: "late" }, whole: false });
    view.link.end({ kind: "result", result: aResult() });
    await turn();
    const told = view.sent.filter((message) => JSON.stringify(message).includes("ui/notifications/tool-"));
    expect(told).toMatchObject([
      { method: "ui/notifications/tool-input-partial", params: { arguments: { q: "m" } } },
      { method: "ui/notifications/tool-input-partial", params: { arguments: { q: "mug" } } },
      { method: "ui/notifications/tool-input", params: { arguments: { q: "mugs" } } },
      { method: "ui/notifications/tool-result" },
    ]);
  });

  it("V14 counts calls that the view cancelled for as long as they run, and takes more after that", async () => {
    const view = await bench();
    for (let id = 1; id <= maxInFlight; id += 1) {
      await view.receive(call(id));
      await view.receive({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } });
    }
    await view.receive(call(20));
    expect(view.asked.length).toBe(maxInFlight);
    await view.finish(aCall({ state: "completed", result: aResult() }));
    await view.receive(call(21));
    expect(view.asked.at(-1)).toBe("tool_21");
  });
});

describe.each(profileNames)("a view under %s", (profile) => {
  const full: Partial<WidgetHost> = { setContext: () => {}, sample: () => Promise.resolve(gone), openAuthPopup: () => Promise.resolve(gone) };
  const ask = {
    jsonrpc: "2.0",
    id: 1,
    method: "ui/initialize",
    params: { protocolVersion: appsProtocolVersion, appInfo: { name: "a", version: "1" }, appCapabilities: {} },
  };

  it("hears the name and the capabilities of its row", async () => {
    const view = await bench(full, profile);
    await view.receive(ask);
    const told = answerShape.parse(view.sent.at(-1)).result;
    expect(told.hostInfo.name).toBe(hostNameOf(profile));
    const { experimental, sandbox, ...capabilities } = told.hostCapabilities;
    expect(sandbox).toBeDefined();
    expect([...Object.keys(capabilities), ...Object.keys(experimental)].toSorted()).toEqual(hostViews[profile].capabilities.value.toSorted());
  });

  it("V13: is told of each method that its host lacks that there is none, and nothing is asked of the host", async () => {
    const view = await bench(full, profile);
    await view.receive(ask);
    const { requests } = bridgeSurfaceOf(profile);
    const missing = bridgeMethods.view.requests.filter((method) => !requests.includes(method));
    for (const [index, method] of missing.entries()) {
      await view.receive({ jsonrpc: "2.0", id: 100 + index, method, params: { name: "list_orders", arguments: {} } });
      expect(view.sent.at(-1)).toEqual({ jsonrpc: "2.0", id: 100 + index, error: { code: -32601, message: "Method not found" } });
    }
    expect(view.asked).toEqual([]);
    await view.receive(call(1));
    expect(view.asked).toEqual(requests.includes("tools/call") ? ["tool_1"] : []);
  });

  it("gets a frame of its row", async () => {
    const view = await bench({}, profile);
    await view.receive({ jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready", params: {} });
    expect(view.sent).toMatchObject([{ params: { sandbox: frameRightsOf(profile).flags } }]);
  });
});
