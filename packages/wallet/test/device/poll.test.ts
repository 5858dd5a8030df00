import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { formOf } from "../peers/browser.ts";
import { confirmDevice, deviceClients, enterCode, startDevice, type WaitingDevice } from "../peers/devices.ts";
import { Person, startWorld, type World } from "../peers/world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ clients: deviceClients });
});
afterAll(() => world.close());

async function approve(device: WaitingDevice): Promise<void> {
  const person = new Person(world);
  await confirmDevice(person, await person.register(await enterCode(person.browser, device.userCode)));
}

afterEach(() => {
  vi.useRealTimers();
});

describe("polling with a device code", () => {
  test("D03 is slowed down when it is too fast, then turned away, and heard again when it slows down", async () => {
    // The clock stands: on a slow machine a poll that is too fast would not be.
    vi.useFakeTimers({ toFake: ["Date"] });
    const device = await startDevice(world);
    expect(await device.poll()).toMatchObject({ status: 400, body: { error: "authorization_pending" } });
    for (let count = 0; count < 5; count += 1) {
      expect(await device.poll()).toMatchObject({ status: 400, body: { error: "slow_down" } });
    }
    const refused = await device.poll();
    expect(refused).toMatchObject({ status: 429, body: { error: "slow_down" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(25);
    world.clock.offsetMs += 30_000;
    expect(await device.poll()).toMatchObject({ status: 400, body: { error: "authorization_pending" } });
    world.clock.offsetMs -= 30_000;
  });

  test("D03 of 20 polls at the same time hears one", async () => {
    const device = await startDevice(world);
    const answers = await Promise.all(Array.from({ length: 20 }, () => device.poll()));
    const errors = answers.map((each) => each.body["error"]);
    expect(errors.filter((error) => error === "authorization_pending")).toHaveLength(1);
    expect(errors.filter((error) => error === "slow_down")).toHaveLength(19);
  });

  test("D03 ends with expired_token, also when nobody looks at the code any more", async () => {
    // The clock stands: a second of waiting would end what is good for one second more.
    vi.useFakeTimers({ toFake: ["Date"] });
    const device = await startDevice(world);
    world.clock.offsetMs += 599_000;
    expect(await device.poll()).toMatchObject({ body: { error: "authorization_pending" } });
    world.clock.offsetMs += 2_000;
    expect(await device.poll()).toMatchObject({ status: 400, body: { error: "expired_token" } });
    world.clock.offsetMs += 1_200_000;
    expect(await device.poll()).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    world.clock.offsetMs -= 1_801_000;
  });

  test("another client slows nobody down", async () => {
    const device = await startDevice(world);
    for (let count = 0; count < 8; count += 1) await device.poll({ client_id: "other-tv" });
    for (let count = 0; count < 8; count += 1) await device.poll({ code_verifier: "x".repeat(43) });
    expect(await device.poll()).toMatchObject({ body: { error: "authorization_pending" } });
  });

  test("D02 guesses nothing: 1,000 device codes that never were are all the same refusal", async () => {
    const device = await startDevice(world);
    const guess = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
    for (let round = 0; round < 20; round += 1) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => device.poll({ device_code: guess() })));
      expect(new Set(answers.map((each) => `${each.status} ${JSON.stringify(each.body)}`)).size).toBe(1);
      expect(answers[0]).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    }
  });
});

describe("a poll that waits (RFC 7240)", () => {
  test("is answered as soon as the person has confirmed", async () => {
    const device = await startDevice(world);
    // No timer ends: neither that of the wait nor that of reading again, only the signal.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const waiting = device.poll({}, { prefer: "wait=20" });
    await approve(device);
    const answer = await waiting;
    expect(answer).toMatchObject({ status: 200, body: { token_type: "Bearer" } });
    expect(answer.headers.get("preference-applied")).toBe("wait=20");
  });

  test("is answered as soon as the person has refused", async () => {
    const device = await startDevice(world);
    const waiting = device.poll({}, { prefer: "respond-async, wait=20" });
    const person = new Person(world);
    const login = await enterCode(person.browser, device.userCode);
    await person.browser.submit(formOf(login.html, "/cancel"));
    expect(await waiting).toMatchObject({ status: 400, body: { error: "access_denied" } });
  });

  test("ends by itself when nothing happens, and does not count as early for the next one", async () => {
    const device = await startDevice(world);
    const began = performance.now();
    expect(await device.poll({}, { prefer: "wait=1" })).toMatchObject({ status: 400, body: { error: "authorization_pending" } });
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);
    expect(await device.poll({}, { prefer: "wait=1" })).toMatchObject({ body: { error: "slow_down" } });
    world.clock.offsetMs += 10_000;
    expect(await device.poll({}, { prefer: "wait=0" })).toMatchObject({ body: { error: "authorization_pending" } });
    world.clock.offsetMs -= 10_000;
  });

  test("ends early when the wallet stops", async () => {
    const stopped = await startWorld({ clients: deviceClients });
    const device = await startDevice(stopped);
    const began = performance.now();
    // Of two at the same time one is too early, which shows that the other is counted and waits.
    const both = [device.poll({}, { prefer: "wait=25" }), device.poll({}, { prefer: "wait=25" })];
    expect(await Promise.race(both)).toMatchObject({ body: { error: "slow_down" } });
    await stopped.close();
    const errors = (await Promise.all(both)).map((each) => each.body["error"]);
    expect(new Set(errors)).toEqual(new Set(["authorization_pending", "slow_down"]));
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
