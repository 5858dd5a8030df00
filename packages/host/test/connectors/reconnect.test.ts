import { refuse } from "@countersign/protocol/errors";
import { parseResourceUri } from "@countersign/protocol/resource";
import { ok } from "@countersign/protocol/result";
import { afterEach, describe, expect, it } from "vitest";
import type { Connector } from "../../src/connectors.ts";
import { Reconnect, reconnectDelayMs } from "../../src/connectors/reconnect.ts";
import type { Standing } from "../../src/connectors/standing.ts";
import { World } from "../stand-in/world.ts";

const offline: Standing = { status: "failed", error: refuse("server_unreachable"), demandsSignIn: false, askedAt: 0 };
const connected: Standing = { status: "connected", demandsSignIn: false, askedAt: 0 };

/** Connectors that stand as they are told, and time that passes when it is told. */
class Stage {
  readonly standings = new Map<string, Standing>();
  readonly probed: string[] = [];
  readonly due: { readonly delayMs: number; readonly run: () => void }[] = [];
  readonly pages = new Set<string>(["alice"]);
  probe: (connectorId: string) => Promise<void> = async () => {};
  readonly reconnect: Reconnect = new Reconnect({
    connectors: {
      list: async () => [...this.standings.keys()].map(asConnector),
      find: async (_, id) => ok(asConnector(id)),
      standing: async (_, id) => this.standings.get(id) ?? connected,
      probe: async (_, { id }) => {
        this.probed.push(id);
        await this.probe(id);
      },
    },
    events: { hasPages: (userId) => this.pages.has(userId) },
    schedule: (run, delayMs) => {
      const entry = { delayMs, run };
      this.due.push(entry);
      return () => {
        if (this.due.includes(entry)) this.due.splice(this.due.indexOf(entry), 1);
      };
    },
    random: () => 0.5,
  });

  /** Lets the next timer run out; gives how long it was set to. */
  async next(): Promise<number | undefined> {
    const entry = this.due.shift();
    entry?.run();
    await new Promise((resolve) => setImmediate(resolve));
    return entry?.delayMs;
  }
}

function asConnector(id: string): Connector {
  const resource = parseResourceUri("https://shop.example/mcp");
  if (!resource.ok) throw new TypeError("the address is one");
  return { id, name: id, resource: resource.value, reach: "public", preconfigured: true };
}

describe("reconnectDelayMs", () => {
  it("grows to five minutes and stays there, each drawn from within 30 percent", () => {
    const at = (random: number): readonly number[] => [0, 1, 2, 3, 4, 5, 6, 7, 99].map((attempt) => reconnectDelayMs(attempt, random));
    expect(at(0.5)).toEqual([2000, 5000, 15_000, 30_000, 60_000, 120_000, 300_000, 300_000, 300_000]);
    expect([reconnectDelayMs(0, 0), reconnectDelayMs(0, 1)]).toEqual([1400, 2600]);
  });
});

describe("Reconnect", () => {
  it("asks a server that is offline again and again, later each time, and no more once it answers", async () => {
    const stage = new Stage();
    stage.standings.set("shop", offline);
    await stage.reconnect.check("alice", "shop");
    expect([await stage.next(), await stage.next(), await stage.next()]).toEqual([2000, 5000, 15_000]);
    stage.probe = async (id) => void stage.standings.set(id, connected);
    expect(await stage.next()).toBe(30_000);
    expect(stage.probed.length).toBe(4);
    expect(stage.due).toEqual([]);
  });

  it("has one timer for each connector, however often it is heard of", async () => {
    const stage = new Stage();
    stage.standings.set("shop", offline).set("bank", offline);
    await Promise.all([stage.reconnect.watch("alice"), stage.reconnect.watch("alice"), stage.reconnect.check("alice", "shop")]);
    expect(stage.due.length).toBe(2);
  });

  it("begins anew when a server that came back goes away again", async () => {
    const stage = new Stage();
    stage.standings.set("shop", offline);
    await stage.reconnect.check("alice", "shop");
    await stage.next();
    stage.standings.set("shop", connected);
    await stage.reconnect.check("alice", "shop");
    expect(stage.due).toEqual([]);
    stage.standings.set("shop", offline);
    await stage.reconnect.check("alice", "shop");
    expect(stage.due.map(({ delayMs }) => delayMs)).toEqual([2000]);
  });

  it("asks nothing for a user whom no page shows it to, and nothing after the end", async () => {
    const stage = new Stage();
    stage.standings.set("shop", offline);
    await stage.reconnect.check("alice", "shop");
    stage.pages.clear();
    await stage.next();
    expect([stage.probed, stage.due]).toEqual([[], []]);
    stage.pages.add("alice");
    await stage.reconnect.check("alice", "shop");
    stage.reconnect.close();
    expect(stage.due).toEqual([]);
    await stage.reconnect.check("alice", "shop");
    expect(stage.due).toEqual([]);
  });

  it.each(["protocol_error", "authorization_required", "unsafe_url"] as const)("does not ask again what %s says: it would not help", async (code) => {
    const stage = new Stage();
    stage.standings.set("shop", { ...offline, error: refuse(code) });
    await stage.reconnect.check("alice", "shop");
    expect(stage.due).toEqual([]);
  });

  it("asks 16 servers at a time: the others wait for their next turn and are no attempt older", async () => {
    const stage = new Stage();
    for (let index = 0; index < 20; index += 1) stage.standings.set(`c${index}`, offline);
    const held = Promise.withResolvers<void>();
    stage.probe = () => held.promise;
    await stage.reconnect.watch("alice");
    for (let index = 0; index < 20; index += 1) await stage.next();
    expect(stage.probed.length).toBe(16);
    expect(stage.due.map(({ delayMs }) => delayMs)).toEqual([2000, 2000, 2000, 2000]);
    held.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(stage.due.length).toBe(20);
  });
});

describe("a connector whose server was away", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.close();
    world = undefined;
  });

  it("is connected again without anybody asking, and the open page is told", async () => {
    world = await World.start();
    const { server } = world;
    server.intercept = () => new Response(null, { status: 503 });
    const browser = world.browser();
    await browser.open();
    const events = await browser.listen();
    await expect.poll(() => events.heard()).toContain('"status":"failed"');
    server.intercept = async () => undefined;
    await expect.poll(() => events.heard()).toContain('"status":"connected"');
    await events.stop();
  });
});
