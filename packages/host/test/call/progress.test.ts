import { afterEach, describe, expect, it } from "vitest";
import type { Execution } from "../stand-in/mcp-server.ts";
import { SessionServer } from "../stand-in/session-server.ts";
import { type Browser, type CallSeen, consoleOrigin, World, type WorldOptions } from "../stand-in/world.ts";

let world: World;
let sessionServer: SessionServer | undefined;
afterEach(async () => {
  await world.close();
  await sessionServer?.close();
  sessionServer = undefined;
});

type Tell = (progress: Record<string, unknown>) => Promise<void>;
type Run = (tell: Tell, meta: Record<string, unknown>) => Promise<Record<string, unknown>>;
const eras = ["2025-11-25", "2026-07-28"] as const;

/** A world with the tool `work` at a server of this revision. */
async function begin(era: (typeof eras)[number], run: Run, host: WorldOptions["host"] = {}): Promise<Browser> {
  if (era === "2026-07-28") {
    const work = { run: (execution: Execution, tell: Tell) => run(tell, execution.meta), demands: ["orders:read"] };
    world = await World.start({ host, tools: { work, list_orders: { demands: ["orders:read"] } } });
  } else {
    sessionServer = await SessionServer.start({ work: { run: ({ tell }) => run(tell, {}) }, list_orders: { run: () => ({}) } });
    world = await World.start({ host: { connectors: [{ id: "store", name: "Store", url: sessionServer.url }], ...host } });
  }
  const browser = world.browser();
  await browser.open();
  return browser;
}

/** The call once its server has said how far it is. */
async function speaking(browser: Browser, id: string): Promise<CallSeen> {
  await expect.poll(async () => (await browser.read(id)).progress, { timeout: 15_000 }).toBeDefined();
  return browser.read(id);
}

describe.each(eras)("what a server of %s says of its progress", (era) => {
  it("stands with the call and is told to its user's pages, cleaned and cut, until the call is over", async () => {
    const { promise, resolve: release } = Promise.withResolvers<Record<string, unknown>>();
    const browser = await begin(era, async (tell) => {
      await tell({ progress: 2, total: 5, message: `Two \u001b[2Jof\nfive${"!".repeat(500)}` });
      return promise;
    });
    if (era === "2026-07-28") await browser.signInBy("list_orders");
    const events = await browser.listen();
    const { id } = await browser.call("work");
    const running = await speaking(browser, id);
    const said = { progress: 2, total: 5, message: `Two [2Jof five${"!".repeat(200)}`.slice(0, 200) };
    expect(running).toMatchObject({ state: "dispatched", progress: said });
    await expect.poll(() => events.heard(), { timeout: 15_000 }).toContain(`event: progress\ndata: ${JSON.stringify({ callId: id, ...said })}\n\n`);
    release({ done: true });
    const over = await browser.settled(id);
    expect(over).toMatchObject({ state: "completed", result: { structuredContent: { done: true } } });
    expect(over.progress).toBeUndefined();
    await events.stop();
  });

  it("is no change of the call however often it speaks: thousands of words write no row, and a page is told a few times a second", async () => {
    const words = era === "2025-11-25" ? 20_000 : 2000;
    const run: Run = async (tell) => {
      for (let progress = 1; progress <= words; progress += 1) await tell({ progress });
      return { said: words };
    };
    const browser = await begin(era, run, { limits: { resultBytesMax: 64 * 1024 * 1024, requestTimeoutMs: 180_000 } });
    if (era === "2026-07-28") await browser.signInBy("list_orders");
    const quiet = await browser.settled((await browser.call("list_orders")).id);
    const events = await browser.listen();
    const begunAt = performance.now();
    const loud = await browser.settled((await browser.call("work")).id);
    const elapsedMs = performance.now() - begunAt;
    expect(loud).toMatchObject({ state: "completed", result: { structuredContent: { said: words } }, version: quiet.version });
    const told = (await events.stop()).split("event: progress\n").length - 1;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual(elapsedMs / 250 + 2);
  }, 180_000);
});

it("a token that a server repeats in its progress is in no view and no event", async () => {
  const { promise, resolve: release } = Promise.withResolvers<Record<string, unknown>>();
  let token = "none";
  const browser = await begin("2026-07-28", async (tell) => {
    [token = "none"] = world.authorizationServer.granted.keys();
    await tell({ progress: 1, message: `with ${token}` });
    return promise;
  });
  await browser.signInBy("list_orders");
  const events = await browser.listen();
  const { id } = await browser.call("work");
  const running = await speaking(browser, id);
  await expect.poll(() => events.heard(), { timeout: 15_000 }).toContain("event: progress");
  release({});
  await browser.settled(id);
  expect(running.progress?.message).toMatch(/^with /);
  expect([token, JSON.stringify(running)]).not.toEqual(["none", expect.stringContaining(token)]);
  expect(await events.stop()).not.toContain(token);
});

it("is asked for by this host alone: of others it is not known", async () => {
  const tokens: unknown[] = [];
  const browser = await begin("2026-07-28", async (_tell, meta) => {
    tokens.push(typeof meta["progressToken"]);
    return {};
  });
  await browser.signInBy("list_orders");
  await browser.settled((await browser.call("work")).id);
  const headers = { "content-type": "application/json", origin: consoleOrigin };
  const chosen = await browser.fetch("/api/settings/profile", { method: "PUT", headers, body: JSON.stringify({ profile: "generic" }) });
  expect(chosen.status).toBe(200);
  const acted = await browser.call("work");
  await browser.settled((acted.flow === undefined ? acted : await browser.signInBy("work")).id);
  expect(tokens).toEqual(["number", "undefined"]);
});
