import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { World, type Browser, type CallSeen, type WorldOptions } from "../stand-in/world.ts";

let world: World;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-device-"));
});
afterEach(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const deviceShape = z.object({
  state: z.enum(["waiting", "expired"]),
  userCode: z.string(),
  verificationUri: z.string(),
  verificationUriComplete: z.string().optional(),
  expiresAt: z.number(),
});
const flowShape = z.looseObject({ id: z.string(), state: z.string(), offersDevice: z.boolean(), device: deviceShape.optional() });
type FlowShown = z.infer<typeof flowShape>;

async function begin(device: Record<string, unknown> | undefined = {}, options: WorldOptions = {}): Promise<Browser> {
  // An interval is then kept to the millisecond, however slow the machine.
  world = await World.start({ databaseUrl: pathToFileURL(join(folder, "host.sqlite")).href, stoppedClock: true, ...options });
  world.authorizationServer.behaviour.device = device;
  const browser = world.browser();
  await browser.open();
  return browser;
}

async function park(browser: Browser): Promise<CallSeen & { readonly flowId: string }> {
  const call = await browser.parked((await browser.call("list_orders")).id);
  return { ...call, flowId: call.flow?.id ?? "" };
}

async function startDevice(browser: Browser, flowId: string): Promise<FlowShown> {
  const response = await browser.post(`/api/flows/${flowId}/device`);
  expect(response.status).toBe(200);
  return flowShape.parse(await response.json());
}

async function refusalOfStart(browser: Browser, flowId: string): Promise<{ readonly status: number; readonly code: unknown }> {
  const response = await browser.post(`/api/flows/${flowId}/device`);
  return { status: response.status, code: z.object({ code: z.string() }).parse(await response.json()).code };
}

async function flowOf(browser: Browser, callId: string): Promise<FlowShown | undefined> {
  const { flow } = await browser.read(callId);
  return flow === undefined ? undefined : flowShape.parse(flow);
}

function decide(userCode: string | undefined, decision: "approved" | "denied" | "expired"): void {
  const device = world.authorizationServer.devices.get(userCode ?? "");
  if (device === undefined) throw new Error(`no such code: ${userCode}`);
  device.decision = decision;
}

const polls = (): number => world.authorizationServer.tokenRequests.length;

/** The rows of codes that are polled for, as they are stored. */
async function stored(): Promise<string> {
  const { rows } = await sql<{ value: string }>`select value from records where kind = 'device_code' order by id`.execute(world.database.sql);
  return rows.map(({ value }) => value).join();
}

/** Lets the time of one poll pass, until its answer is stored: the next interval begins with that. */
async function pass(ms: number): Promise<void> {
  const before = await stored();
  await passUnanswered(ms);
  await expect.poll(stored).not.toBe(before);
}

/** Lets the time of one poll pass, until it has come. */
async function passUnanswered(ms: number): Promise<void> {
  const before = polls();
  world.offsetMs += ms;
  await world.host.sweep();
  await expect.poll(polls).toBe(before + 1);
}

/** Lets time pass in which nothing is asked. Requests of our own, one after another, go the same way as one that should not be. */
async function passQuietly(ms: number): Promise<void> {
  const before = polls();
  world.offsetMs += ms;
  await world.host.sweep();
  for (let round = 0; round < 5; round += 1) await (await fetch(`${world.authorizationServer.origin}/.well-known/none`)).text();
  await world.host.sweep();
  expect(polls()).toBe(before);
}

describe("sign-in on another device", () => {
  it("shows code and address, polls, and ends the flow as the callback does", async () => {
    const browser = await begin();
    const call = await park(browser);
    const flow = await startDevice(browser, call.flowId);
    const { origin } = world.authorizationServer;
    expect(flow).toMatchObject({
      state: "opened",
      device: {
        state: "waiting",
        userCode: "CODE-1",
        verificationUri: `${origin}/device`,
        verificationUriComplete: `${origin}/device?user_code=CODE-1`,
      },
    });
    const [asked] = world.authorizationServer.deviceRequests;
    expect(Object.fromEntries(asked ?? [])).toMatchObject({
      client_id: "countersign-host",
      resource: world.server.url,
      scope: "orders:read",
      code_challenge_method: "S256",
    });
    await pass(5000);
    expect((await browser.read(call.id)).state).toBe("authorizing");
    decide("CODE-1", "approved");
    await pass(5000);
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.audit.map((line) => line.event)).toEqual(["device.started", "flow.granted"]);
    await passQuietly(60_000);
    expect(world.authorizationServer.revoked).toEqual([]);
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
  });

  it("D09 never begins by itself, and is offered only where the server offers it", async () => {
    const browser = await begin();
    const call = await park(browser);
    expect((await flowOf(browser, call.id))?.offersDevice).toBe(true);
    await passQuietly(10_000);
    expect(world.authorizationServer.deviceRequests).toEqual([]);
    await world.close();
    const without = await begin({}, { databaseUrl: "memory:" });
    world.authorizationServer.behaviour.metadata = { grant_types_supported: ["authorization_code", "refresh_token"] };
    const other = await park(without);
    expect((await flowOf(without, other.id))?.offersDevice).toBe(false);
    expect(await refusalOfStart(without, other.flowId)).toEqual({ status: 409, code: "device_grant_unsupported" });
    expect(world.authorizationServer.deviceRequests).toEqual([]);
    expect((await without.signIn(other.flow?.startUrl ?? "")).status).toBe(200);
    expect((await without.settled(other.id)).state).toBe("completed");
  });

  it("is the flow's own user's only, and one code however often it is asked for", async () => {
    const browser = await begin();
    const call = await park(browser);
    const stranger = world.browser();
    await stranger.open();
    const heard = await stranger.listen();
    expect((await stranger.post(`/api/flows/${call.flowId}/device`)).status).toBe(404);
    const [first, second] = await Promise.all([startDevice(browser, call.flowId), startDevice(browser, call.flowId)]);
    expect(second.device?.userCode).toBe(first.device?.userCode);
    expect((await startDevice(browser, call.flowId)).device?.userCode).toBe("CODE-1");
    expect(world.authorizationServer.deviceRequests).toHaveLength(1);
    expect(await heard.stop()).not.toContain("CODE-1");
  });

  it("X03 keeps the device code and the verifier out of rows, views, events and traces", async () => {
    const browser = await begin({ device_code: "canary-device-code" });
    const heard = await browser.listen();
    const call = await park(browser);
    const flow = await startDevice(browser, call.flowId);
    expect(flow.device?.userCode).toBe("CODE-1");
    const challenge = world.authorizationServer.deviceRequests[0]?.get("code_challenge");
    expect(challenge).toMatch(/^[\w-]{43}$/);
    await pass(5000);
    const verifier = world.authorizationServer.tokenRequests[0]?.get("code_verifier") ?? "none";
    const trace = await (await browser.fetch(`/api/calls/${call.id}/trace`)).text();
    const everything = [await heard.stop(), trace, JSON.stringify(flow), await dumpOf(world)].join("\n");
    expect(everything).toContain("CODE-1");
    expect(everything).not.toContain("canary-device-code");
    expect(everything).not.toContain(verifier);
  });
});

describe("the client of a sign-in on another device", () => {
  it("is registered for the grant, and signs in with it", async () => {
    const browser = await begin({}, { host: { clients: {} } });
    world.authorizationServer.behaviour.metadata = { registration_endpoint: `${world.authorizationServer.origin}/register` };
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    decide("CODE-1", "approved");
    await pass(5000);
    expect((await browser.settled(call.id)).state).toBe("completed");
    const grants = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"];
    expect(world.authorizationServer.registrations).toMatchObject([{ grant_types: grants }]);
    expect(world.authorizationServer.tokenRequests[0]?.get("client_id")).toBe("registered-1");
  });
});

/** All rows of the host's database as text. */
async function dumpOf(of: World): Promise<string> {
  const { sql } = await import("kysely");
  const { rows } = await sql`select * from records`.execute(of.database.sql);
  return JSON.stringify(rows);
}

describe("polling", () => {
  it("D03 keeps the interval, and slows down for good when told to", async () => {
    const browser = await begin({ interval: 7 });
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    await passQuietly(4000);
    await pass(3000);
    world.authorizationServer.behaviour.tokenResponse = () => Response.json({ error: "slow_down" }, { status: 400 });
    await pass(7000);
    world.authorizationServer.behaviour.tokenResponse = undefined;
    await passQuietly(8000);
    await pass(4000);
    await passQuietly(8000);
    decide("CODE-1", "approved");
    await pass(4000);
    expect((await browser.settled(call.id)).state).toBe("completed");
  });

  it.each([
    ["a 5xx", () => new Response("upstream died", { status: 502 })],
    ["429", () => new Response("too many", { status: 429 })],
  ])("asks again, later, after %s", async (_, answer) => {
    const browser = await begin();
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    decide("CODE-1", "approved");
    world.authorizationServer.behaviour.tokenResponse = answer;
    await pass(5000);
    world.authorizationServer.behaviour.tokenResponse = undefined;
    await passQuietly(6000);
    await pass(4000);
    expect((await browser.settled(call.id)).state).toBe("completed");
  });

  it("ends the flow as denied when the user declines on the other device", async () => {
    const browser = await begin();
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    decide("CODE-1", "denied");
    await pass(5000);
    expect(await browser.settled(call.id)).toMatchObject({ state: "failed", error: { code: "access_denied" } });
    await passQuietly(60_000);
  });

  it.each(["invalid_grant", "invalid_client", "unknown"])("ends the flow as failed on %s", async (error) => {
    const browser = await begin();
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    world.authorizationServer.behaviour.tokenResponse = () => Response.json({ error }, { status: 400 });
    await pass(5000);
    expect(await browser.settled(call.id)).toMatchObject({ error: { code: "flow_failed" } });
    await passQuietly(60_000);
  });

  it("keeps the flow when the code expires, and gives another code when asked", async () => {
    const browser = await begin();
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    decide("CODE-1", "expired");
    await pass(5000);
    await expect.poll(async () => (await flowOf(browser, call.id))?.device?.state).toBe("expired");
    await passQuietly(30_000);
    expect((await startDevice(browser, call.flowId)).device).toMatchObject({ state: "waiting", userCode: "CODE-2" });
    decide("CODE-2", "approved");
    await pass(5000);
    expect((await browser.settled(call.id)).state).toBe("completed");
  });

  it("stops by itself when the code's time is over, without asking once more", async () => {
    const browser = await begin({ expires_in: 20, interval: 15 });
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    await pass(15_000);
    await passQuietly(5000);
    await expect.poll(async () => (await flowOf(browser, call.id))?.device?.state).toBe("expired");
    await passQuietly(60_000);
    expect((await startDevice(browser, call.flowId)).device).toMatchObject({ state: "waiting", userCode: "CODE-2" });
  });

  it("stops when the user cancels, and when the flow's time is over", async () => {
    const browser = await begin();
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    await pass(5000);
    await browser.post(`/api/flows/${call.flowId}/cancel`);
    expect(await browser.settled(call.id)).toMatchObject({ error: { code: "cancelled" } });
    await passQuietly(5000);
    expect(await refusalOfStart(browser, call.flowId)).toMatchObject({ code: "cancelled" });
    const next = await park(browser);
    await startDevice(browser, next.flowId);
    await passQuietly(10 * 60_000 + 1);
    expect(await browser.settled(next.id)).toMatchObject({ error: { code: "flow_expired" } });
    await passQuietly(5000);
  });
});

describe("window and device side by side", () => {
  it("the window may win: the device's polling stops", async () => {
    const browser = await begin();
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    expect((await browser.signIn(call.flow?.startUrl ?? "")).status).toBe(200);
    expect((await browser.settled(call.id)).state).toBe("completed");
    expect(polls()).toBe(1);
    decide("CODE-1", "approved");
    await passQuietly(5000);
  });

  it("what the device is granted after the window has won is given back", async () => {
    const browser = await begin();
    const call = await park(browser);
    const callback = await browser.visitAuthorizationServer(call.flow?.startUrl ?? "");
    await startDevice(browser, call.flowId);
    decide("CODE-1", "approved");
    const { promise, resolve } = Promise.withResolvers<void>();
    world.authorizationServer.behaviour.hold = promise;
    await passUnanswered(5000);
    world.authorizationServer.behaviour.hold = undefined;
    world.authorizationServer.behaviour.tokens = ["of-the-window", "of-the-device"];
    await browser.fetch(callback);
    expect((await browser.settled(call.id)).state).toBe("completed");
    resolve();
    await expect.poll(() => world.authorizationServer.revoked.length).toBe(1);
    expect(world.server.executions.map((each) => each.token)).toEqual(["of-the-window"]);
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
    expect(world.server.executions[1]?.token).toBe("of-the-window");
  });

  it("the device may win: a callback that comes later gives nothing", async () => {
    const browser = await begin();
    const call = await park(browser);
    const callback = await browser.visitAuthorizationServer(call.flow?.startUrl ?? "");
    await startDevice(browser, call.flowId);
    decide("CODE-1", "approved");
    await pass(5000);
    expect((await browser.settled(call.id)).state).toBe("completed");
    expect((await browser.fetch(callback)).status).toBe(400);
    expect(polls()).toBe(1);
  });
});

describe("after the host process died", () => {
  it("the next process goes on polling, the first one never again", async () => {
    const browser = await begin();
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    const first = world.host;
    await world.startHost();
    expect((await flowOf(browser, call.id))?.device).toMatchObject({ state: "waiting", userCode: "CODE-1" });
    decide("CODE-1", "approved");
    world.offsetMs += 5000;
    await first.sweep();
    expect(polls()).toBe(0);
    await world.host.sweep();
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(polls()).toBe(1);
    expect(world.server.executions).toHaveLength(1);
  });

  it("an answer that died with it ends in a typed error, not in silence", async () => {
    const browser = await begin();
    const call = await park(browser);
    await startDevice(browser, call.flowId);
    decide("CODE-1", "approved");
    const { promise, resolve } = Promise.withResolvers<void>();
    world.authorizationServer.behaviour.hold = promise;
    await passUnanswered(5000);
    await world.startHost();
    world.authorizationServer.behaviour.hold = undefined;
    world.authorizationServer.behaviour.tokenResponse = () => Response.json({ error: "invalid_grant" }, { status: 400 });
    await pass(0);
    expect(await browser.settled(call.id)).toMatchObject({ error: { code: "flow_failed", retryable: true } });
    world.authorizationServer.behaviour.tokenResponse = undefined;
    resolve();
    await expect.poll(() => world.authorizationServer.revoked.length).toBe(1);
  });
});

describe("a device authorization response that cannot be used", () => {
  it.each([
    ["javascript:", { verification_uri: "javascript:alert(1)" }, "unsafe_url"],
    ["plain http elsewhere", { verification_uri: "http://wallet.example/device" }, "unsafe_url"],
    ["an endless code", { user_code: "A".repeat(100) }, "invalid_metadata"],
    ["markup as the code", { user_code: "<img src=x>" }, "invalid_metadata"],
    ["no device code", { device_code: "" }, "flow_failed"],
  ])("M10 is refused and leaves the flow as it was: %s", async (_, device, code) => {
    const browser = await begin(device);
    const call = await park(browser);
    expect(await refusalOfStart(browser, call.flowId)).toMatchObject({ code });
    expect(await flowOf(browser, call.id)).toMatchObject({ state: "ready" });
    expect(await flowOf(browser, call.id)).not.toHaveProperty("device");
    expect(world.audit.at(-1)).toMatchObject({ event: "device.refused", code });
    await passQuietly(60_000);
    expect((await browser.signIn(call.flow?.startUrl ?? "")).status).toBe(200);
    expect((await browser.settled(call.id)).state).toBe("completed");
  });

  it("gives no more than ten codes for one flow", async () => {
    const browser = await begin({ expires_in: 1 });
    const call = await park(browser);
    for (let round = 0; round < 10; round += 1) {
      await startDevice(browser, call.flowId);
      world.offsetMs += 1000;
    }
    expect(await refusalOfStart(browser, call.flowId)).toEqual({ status: 429, code: "rate_limited" });
    expect(world.authorizationServer.deviceRequests).toHaveLength(10);
  });
});
