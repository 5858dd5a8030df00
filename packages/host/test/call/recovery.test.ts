import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StandInTool } from "../stand-in/mcp-server.ts";
import { z } from "zod";
import { World, type Browser } from "../stand-in/world.ts";

let world: World;
let folder: string;
let release: () => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-host-"));
});
afterEach(async () => {
  release?.();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

async function begin(tools: Record<string, StandInTool>): Promise<Browser> {
  world = await World.start({ tools, databaseUrl: pathToFileURL(join(folder, "host.sqlite")).href });
  const browser = world.browser();
  await browser.open();
  return browser;
}

/** A tool whose first execution never answers until the test ends. */
function hangsFirst(annotations: StandInTool["annotations"]): StandInTool {
  const gate = Promise.withResolvers<void>();
  release = gate.resolve;
  let runs = 0;
  return {
    demands: ["orders:read"],
    ...(annotations === undefined ? {} : { annotations }),
    run: async () => {
      runs += 1;
      if (runs === 1) await gate.promise;
      return { run: runs };
    },
  };
}

describe("after the host process died", () => {
  it("a parked call resumes when its sign-in is finished at the new process", async () => {
    const browser = await begin({ list_orders: { demands: ["orders:read"] } });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    await world.startHost();
    const again = await browser.read(parked.id);
    expect(again).toMatchObject({ state: "authorizing", flow: { id: parked.flow?.id } });
    await browser.signIn(again.flow?.startUrl ?? "");
    expect(await browser.settled(parked.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.server.executions).toHaveLength(1);
  });

  it("a popup that was open across the restart still finishes", async () => {
    const browser = await begin({ list_orders: { demands: ["orders:read"] } });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    const callback = await browser.visitAuthorizationServer(parked.flow?.startUrl ?? "");
    await world.startHost();
    expect((await browser.fetch(callback)).status).toBe(200);
    expect((await browser.settled(parked.id)).state).toBe("completed");
  });

  it("a call that may have run, of a tool that may not run twice, ends as outcome_unknown and is not sent again", async () => {
    const browser = await begin({ pay: hangsFirst({}) });
    const parked = await browser.parked((await browser.call("pay")).id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    await expect.poll(() => world.server.executions.length).toBe(1);
    await world.startHost();
    expect(await browser.settled(parked.id)).toMatchObject({ state: "failed", error: { code: "outcome_unknown", retryable: false } });
    release();
    expect(await browser.read(parked.id)).toMatchObject({ state: "failed", error: { code: "outcome_unknown" } });
    expect(world.server.executions).toHaveLength(1);
  });

  it("a call of an idempotent tool is sent once more, under the same key, and completes", async () => {
    const browser = await begin({ pay: hangsFirst({ idempotentHint: true }) });
    const parked = await browser.parked((await browser.call("pay")).id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    await expect.poll(() => world.server.executions.length).toBe(1);
    await world.startHost();
    const done = await browser.settled(parked.id);
    expect(done).toMatchObject({ state: "completed", result: { structuredContent: { run: 2 } } });
    expect(world.server.executions.map((execution) => execution.idempotencyKey)).toEqual([parked.id, parked.id]);
    release();
    expect(await browser.read(parked.id)).toMatchObject({ version: done.version });
  });

  it("a flow that expired while nobody ran is told to its calls at the start", async () => {
    const browser = await begin({ list_orders: { demands: ["orders:read"] } });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    world.offsetMs += 11 * 60_000;
    await world.startHost();
    expect(await browser.settled(parked.id)).toMatchObject({ error: { code: "flow_expired" } });
  });

  it("a flow that expired long before the next start is told to its calls, though nobody reads them", async () => {
    const browser = await begin({ list_orders: { demands: ["orders:read"] } });
    await browser.parked((await browser.call("list_orders")).id);
    world.offsetMs += 50 * 60_000;
    await world.startHost();
    await expect.poll(() => world.audit.map(({ event, code }) => `${event} ${code}`)).toContain("call.failed flow_expired");
  });
});

describe("after the machine slept", () => {
  it("a flow that expired minutes ago is told to its calls at the next sweep", async () => {
    const browser = await begin({ list_orders: { demands: ["orders:read"] } });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    world.offsetMs += 14 * 60_000;
    await world.host.sweep();
    expect(await browser.settled(parked.id)).toMatchObject({ error: { code: "flow_expired" } });
  });
});

describe("a broken connection", () => {
  it("P15 is retried once for an idempotent tool under the same key, and never for another", async () => {
    let cut = 0;
    const browser = await begin({ safe: { annotations: { idempotentHint: true } }, unsafe: {} });
    world.server.intercept = async (request, method) => {
      if (method !== "tools/call") return undefined;
      cut += 1;
      if (cut === 1 || (await request.clone().text()).includes('"unsafe"')) return new Response("gone", { status: 502 });
      return undefined;
    };
    expect(await browser.settled((await browser.call("safe")).id)).toMatchObject({ state: "completed" });
    expect(cut).toBe(2);
    const lost = await browser.settled((await browser.call("unsafe")).id);
    expect(lost).toMatchObject({ state: "failed", error: { code: "outcome_unknown", retryable: false, callId: lost.id } });
    expect(cut).toBe(3);
  });

  it("a call that the user cancels after sending ends as outcome_unknown when it may not be repeated", async () => {
    const browser = await begin({ pay: { ...hangsFirst({}), demands: [] as string[], schemes: [{ type: "noauth" }] } });
    const started = await browser.call("pay");
    await expect.poll(() => world.server.executions.length).toBe(1);
    await browser.post(`/api/calls/${started.id}/cancel`);
    expect(await browser.settled(started.id)).toMatchObject({ state: "failed", error: { code: "outcome_unknown" } });
  });
});

describe("an answer that cannot be understood", () => {
  it.each([
    ["no MCP", "protocol_error", () => new Response("<html>Thank you for your order</html>", { headers: { "content-type": "text/html" } })],
    ["too long", "response_too_large", () => new Response("x".repeat(5_000_000), { headers: { "content-type": "application/json" } })],
  ])("P15 says that a tool which may not run twice may have run, and what was wrong: %s", async (_, code, answer) => {
    const browser = await begin({ safe: { annotations: { readOnlyHint: true } }, unsafe: {} });
    world.server.intercept = (_request, method) => (method === "tools/call" ? answer() : undefined);
    const unsafe = await browser.settled((await browser.call("unsafe")).id);
    expect(unsafe).toMatchObject({ state: "failed", error: { code: "outcome_unknown", retryable: false } });
    expect(JSON.stringify(unsafe.error)).toMatch(/content type|larger than/);
    expect(await browser.settled((await browser.call("safe")).id)).toMatchObject({ state: "failed", error: { code } });
    expect(world.server.methods.filter((method) => method === "tools/call")).toHaveLength(2);
  });
});

describe("a call that is cancelled while its tool is looked up", () => {
  it("is not sent afterwards", async () => {
    const held = Promise.withResolvers<void>();
    release = held.resolve;
    world = await World.start({ tools: { pay: {}, other: {} }, host: { limits: { toolsAgeMs: -1 } } });
    const browser = world.browser();
    await browser.open();
    await browser.fetch("/api/connectors/store/tools");
    let lists = 0;
    world.server.intercept = async (_request, method) => {
      if (method !== "tools/list") return undefined;
      lists += 1;
      if (lists === 2) await held.promise;
      return undefined;
    };
    const started = await browser.call("pay");
    await expect.poll(() => lists).toBe(2);
    await browser.post(`/api/calls/${started.id}/cancel`);
    expect((await browser.settled(started.id)).state).toBe("failed");
    release();
    expect(await browser.settled((await browser.call("other")).id)).toMatchObject({ state: "completed" });
    expect(world.server.executions.map(({ tool }) => tool)).toEqual(["other"]);
  });
});

describe("reading a call as it changes", () => {
  it("a read since an older version is answered at once, and one since the newest waits for the next change", async () => {
    const browser = await begin({ list_orders: { demands: ["orders:read"] } });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    const since = async (version: number): Promise<unknown> => (await browser.fetch(`/api/calls/${parked.id}?wait=25&since=${version}`)).json();
    expect(await since(parked.version - 1)).toMatchObject({ state: "authorizing", version: parked.version });
    const [changed] = await Promise.all([since(parked.version), browser.signIn(parked.flow?.startUrl ?? "")]);
    expect(z.object({ version: z.number() }).parse(changed).version).toBeGreaterThan(parked.version);
    expect((await browser.settled(parked.id)).state).toBe("completed");
  });
});
