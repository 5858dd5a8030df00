import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { type ClockSources, steadyClock } from "../src/steady-clock.ts";
import { World } from "./stand-in/world.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const began = 1_800_000_000_000;

/** Time that a test lets pass, and a wall clock that it steps. */
class Time implements ClockSources {
  #passed = 0;
  stepped = 0;

  wall(): number {
    return began + this.#passed + this.stepped;
  }

  elapsed(): number {
    return this.#passed;
  }

  pass(ms: number): void {
    this.#passed += ms;
  }
}

describe("the clock of deadlines", () => {
  it("shows the wall clock's time while nobody steps it, also after days", () => {
    const time = new Time();
    const clock = steadyClock(time);
    for (let hour = 0; hour < 100; hour += 1) {
      expect(clock()).toBe(time.wall());
      time.pass(hourMs);
    }
  });

  it("never runs backwards and never leaves real time by more than a twentieth, whatever steps the wall clock takes", () => {
    const move = fc.record({
      passes: fc.integer({ min: 0, max: hourMs }),
      steps: fc.constantFrom(0, 0, -hourMs, hourMs, -30_000, 30_000, 5 * minuteMs),
    });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        const time = new Time();
        const clock = steadyClock(time);
        let before = clock();
        for (const { passes, steps } of moves) {
          time.stepped += steps;
          time.pass(passes);
          const now = clock();
          expect(now).toBeGreaterThanOrEqual(before);
          expect(Math.abs(now - before - passes)).toBeLessThanOrEqual(passes * 0.05 + 1);
          before = now;
        }
      }),
    );
  });

  it("is back at the wall clock's time twenty times later than the step was long", () => {
    const time = new Time();
    const clock = steadyClock(time);
    time.stepped = hourMs;
    for (let minutes = 0; minutes < 20 * 60 + 1; minutes += 1) {
      time.pass(minuteMs);
      clock();
    }
    expect(clock()).toBe(time.wall());
  });
});

describe("a host whose wall clock is stepped", () => {
  let world: World;
  afterEach(async () => world.close());

  it.each([hourMs, -hourMs])("neither ends nor keeps what waits for a sign-in (%i ms)", async (step) => {
    const time = new Time();
    world = await World.start({ host: { clock: steadyClock(time) } });
    const browser = world.browser();
    await browser.open();
    const [first, second] = [await browser.call("list_orders", { index: 1 }), await browser.call("list_orders", { index: 2 })];
    const parked = await browser.parked(first.id);
    time.stepped = step;
    await world.host.sweep();
    expect(await browser.parked(first.id)).toMatchObject({ state: "authorizing", flow: { state: "ready" } });
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect(await browser.settled(first.id)).toMatchObject({ state: "completed" });
    expect(await browser.settled(second.id)).toMatchObject({ state: "completed" });
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "completed", rounds: 0 });
    expect(world.authorizationServer.tokenRequests.map((form) => form.get("grant_type"))).toEqual(["authorization_code"]);
    await browser.post("/api/connectors/store/sign-out");
    const late = await browser.parked((await browser.call("list_orders")).id);
    time.pass(11 * minuteMs);
    await world.host.sweep();
    expect(await browser.settled(late.id)).toMatchObject({ state: "failed", error: { code: "flow_expired" } });
    time.stepped -= hourMs;
    expect((await browser.fetch(late.flow?.startUrl ?? "")).status).toBe(409);
    expect(await browser.settled(late.id)).toMatchObject({ state: "failed", error: { code: "flow_expired" } });
  });
});
