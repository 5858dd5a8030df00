import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deviceClients, enterCode, startDevice } from "../peers/devices.ts";
import { Person, startWorld, type World } from "../peers/world.ts";

let world: World;

beforeEach(async () => {
  world = await startWorld({ clients: deviceClients, rateFactor: 1 });
  // A bucket that fills while a slow machine asks would let one more through.
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  return world.close();
});

describe("trying user codes", () => {
  test("D01 answers 429 to the sixth try of a session, a right one too, and says how long to wait", async () => {
    const device = await startDevice(world);
    const { browser } = new Person(world);
    for (let count = 0; count < 5; count += 1) expect((await enterCode(browser, "BBBB-BBBB")).status).toBe(403);
    const sixth = await enterCode(browser, device.userCode);
    expect(sixth.status).toBe(429);
    expect(sixth.html).toMatch(/Please wait \d+ seconds/);
    expect((await enterCode(new Person(world).browser, device.userCode)).html).toContain("/login");
  });

  test("D01 counts parallel tries too", async () => {
    const { browser } = new Person(world);
    await browser.open(`${world.url}/device`);
    const answers = await Promise.all(Array.from({ length: 12 }, () => enterCode(browser, "BBBB-BBBB")));
    expect(answers.filter((each) => each.status === 403).length).toBeLessThanOrEqual(5);
    expect(answers.filter((each) => each.status === 429 || each.status === 400).length).toBeGreaterThanOrEqual(7);
  });

  test("D01 counts by address when sessions are thrown away, and by account when somebody is signed in", async () => {
    const person = new Person(world);
    await person.signUp();
    for (let count = 0; count < 5; count += 1) expect((await enterCode(person.browser, "BBBB-BBBB")).status).toBe(403);
    expect((await enterCode(person.browser, "BBBB-BBBB")).status).toBe(429);
    let tries = 5;
    while ((await enterCode(world.newBrowser(), "BBBB-BBBB")).status === 403) tries += 1;
    expect(tries).toBe(30);
    expect((await enterCode(world.newBrowser(), "BBBB-BBBB")).status).toBe(429);
  });
});
