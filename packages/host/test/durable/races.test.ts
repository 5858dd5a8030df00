import * as fc from "fast-check";
import { openDatabase, type Database } from "@countersign/storage/open";
import { afterEach, describe, expect, it } from "vitest";
import { World, type Browser, type CallSeen, type WorldOptions } from "../stand-in/world.ts";
import { findBroken } from "./invariants.ts";
import { isOver, User } from "./user.ts";

let world: World;
let database: Database<unknown>;
afterEach(end);

async function end(): Promise<void> {
  await world.close();
  await database.close();
}

async function begin(options: WorldOptions = {}): Promise<User> {
  database = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
  world = await World.start({ database, tools: { list_orders: { demands: ["orders:read"] } }, ...options });
  const user = new User(world);
  await user.browser.open();
  return user;
}

/** A call that waits, with the popup just before its way back. */
async function parkedBeforeCallback(browser: Browser): Promise<{ readonly call: CallSeen; readonly callback: string }> {
  const call = await browser.parked((await browser.call("list_orders")).id);
  return { call, callback: await browser.visitAuthorizationServer(call.flow?.startUrl ?? "") };
}

describe("I3 exactly once under races", () => {
  it("O03 fifty deliveries of one answer redeem one code, and the call runs once", async () => {
    const { browser } = await begin();
    const { call, callback } = await parkedBeforeCallback(browser);
    const pages = await Promise.all(Array.from({ length: 50 }, () => browser.fetch(callback)));
    expect(pages.map((page) => page.status).toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 49 }, () => 400)]);
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.authorizationServer.tokenRequests).toHaveLength(1);
    expect(world.server.executions).toHaveLength(1);
  });

  it("fifty notices that a flow has ended resume each of its calls once", async () => {
    const { browser } = await begin();
    const calls = await Promise.all(Array.from({ length: 5 }, (_, index) => browser.call("list_orders", { index })));
    const [first] = await Promise.all(calls.map((call) => browser.parked(call.id)));
    const callback = await browser.visitAuthorizationServer(first?.flow?.startUrl ?? "");
    const answered = browser.fetch(callback);
    // Each sweep delivers what looks undelivered, at whatever moment it looks.
    await Promise.all([answered, ...Array.from({ length: 50 }, () => world.host.sweep())]);
    for (const call of calls) expect(await browser.settled(call.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.server.executions).toHaveLength(5);
  });

  it("an answer and a cancel at once end the call in one way, and nothing that was granted is kept after a cancel", async () => {
    const user = await begin();
    const ends = new Set<string>();
    for (let round = 0; round < 12; round += 1) {
      const { call, callback } = await parkedBeforeCallback(user.browser);
      const cancel = (): Promise<Response> => user.browser.post(`/api/flows/${call.flow?.id}/cancel`);
      await Promise.all(round % 2 === 0 ? [user.browser.fetch(callback), cancel()] : [cancel(), user.browser.fetch(callback)]);
      const end = await user.finish(call.id, () => Promise.resolve());
      ends.add(end.error?.code ?? end.state);
      const runs = world.server.executions.filter((execution) => execution.idempotencyKey === call.id);
      expect(runs).toHaveLength(end.state === "completed" ? 1 : 0);
      await user.browser.post("/api/connectors/store/sign-out");
      const active = [...world.authorizationServer.granted.keys()].length;
      // Whatever was granted has been given back: by the cancel that came first, or by the sign-out.
      expect(world.authorizationServer.revoked.length).toBe(active);
    }
    expect([...ends].every((end) => end === "completed" || end === "cancelled")).toBe(true);
  });

  it("two tabs that answer the same sign-in finish it once", async () => {
    const { browser } = await begin();
    const call = await browser.parked((await browser.call("list_orders")).id);
    const [left, right] = await Promise.all([1, 2].map(() => browser.visitAuthorizationServer(call.flow?.startUrl ?? "")));
    const pages = await Promise.all([browser.fetch(left ?? ""), browser.fetch(right ?? "")]);
    expect(pages.map((page) => page.status)).toContain(200);
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.server.executions).toHaveLength(1);
    // The second tab's grant, if it came so far, was given back.
    expect(world.authorizationServer.granted.size - world.authorizationServer.revoked.length).toBe(1);
  });
});

/** What may happen next, in any order, as often as it likes. */
type Move = "press" | "press again" | "open" | "answer" | "answer again" | "cancel call" | "cancel flow" | "sweep" | "crash" | "wait" | "sign out";

const moves: readonly Move[] = [
  "press",
  "press again",
  "open",
  "answer",
  "answer again",
  "cancel call",
  "cancel flow",
  "sweep",
  "crash",
  "wait",
  "sign out",
];

/** One user's tabs in any order, with a host that dies at any write. Steps that a dead host cuts are lost, as with a page whose request fails. */
class Tabs {
  readonly user: User;
  readonly calls: string[] = [];
  readonly #callbacks: string[] = [];
  #presses = 0;

  constructor(user: User) {
    this.user = user;
  }

  async make(move: Move): Promise<void> {
    const { browser } = this.user;
    const newest = this.calls.at(-1);
    const flow = newest === undefined ? undefined : (await browser.read(newest)).flow;
    if (move === "press") await this.#press((this.#presses += 1));
    if (move === "press again") await this.#press(Math.max(1, this.#presses));
    if (move === "open" && flow !== undefined) await this.#open(flow.startUrl);
    if (move === "answer") await this.#answer(this.#callbacks.pop());
    if (move === "answer again") await this.#answer(this.#callbacks.at(-1));
    if (move === "cancel call" && newest !== undefined) await browser.post(`/api/calls/${newest}/cancel`);
    if (move === "cancel flow" && flow !== undefined) await browser.post(`/api/flows/${flow.id}/cancel`);
    if (move === "sweep") await world.host.sweep();
    if (move === "wait") world.offsetMs += 40_000;
    if (move === "sign out") await browser.post("/api/connectors/store/sign-out");
  }

  async #press(count: number): Promise<void> {
    const call = await this.user.press(`000${count}`, "list_orders", { count });
    if (!this.calls.includes(call.id)) this.calls.push(call.id);
  }

  async #open(startUrl: string): Promise<void> {
    const location = (await this.user.browser.fetch(startUrl)).headers.get("location");
    if (location === null) return;
    const answered = await fetch(location, { redirect: "manual" });
    this.#callbacks.push(answered.headers.get("location") ?? "");
  }

  async #answer(callback: string | undefined): Promise<void> {
    if (callback !== undefined) await this.user.browser.fetch(callback);
  }
}

describe("any order of what can happen", () => {
  const step = fc.record({
    move: fc.constantFrom(...moves),
    beside: fc.option(fc.constantFrom(...moves), { nil: undefined }),
    dies: fc.integer({ min: 0, max: 60 }),
  });

  it("I2 I3 I4 I5 keeps every invariant, with a process that dies at any write, and ends each call", { timeout: 240_000 }, async () => {
    await begin();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        await end();
        const user = await begin();
        const tabs = new Tabs(user);
        for (const { move, beside, dies } of steps) {
          if (dies < 12) world.faults.dieAt(dies);
          if (move === "crash") world.faults.die();
          const made = [move, ...(beside === undefined ? [] : [beside])].map((each) => lost(tabs.make(each)));
          // The sweep is the host's own: when that dies nobody hears of it.
          await Promise.race([Promise.all(made), world.hasUnburied ? Promise.resolve() : world.faults.died]);
          if (world.hasUnburied) await world.survive();
        }
        world.faults.dieAt(Number.POSITIVE_INFINITY);
        for (const call of tabs.calls) expect(isOver(await user.finish(call))).toBe(true);
        const ends = ["completed", "cancelled", "outcome_unknown", "flow_expired", "call_expired"];
        expect(tabs.calls.length === 0 ? [] : await findBroken(world, user, ends)).toEqual([]);
      }),
      {
        numRuns: Number(process.env["DURABLE_RUNS"] ?? 25),
        ...(process.env["DURABLE_SEED"] === undefined ? {} : { seed: Number(process.env["DURABLE_SEED"]) }),
      },
    );
  });
});

/** A request whose host died is lost, as a page sees it. */
async function lost(made: Promise<void>): Promise<void> {
  await made.catch((error: unknown) => {
    if (!(error instanceof Error) || error.constructor.name !== "HostDied") throw error;
  });
}
