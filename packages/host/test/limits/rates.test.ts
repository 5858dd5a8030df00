import { readFileSync } from "node:fs";
import type { RateBound } from "@countersign/protocol/rate";
import { afterEach, describe, expect, it } from "vitest";
import { digestOfKey } from "../../src/api-clients.ts";
import { Places } from "@countersign/service/places";
import { pollPlaces, streamPlaces } from "../../src/limits/places.ts";
import { addressRates, Rates, rates, type RateName } from "../../src/limits/rates.ts";
import { operations } from "../../src/routes/operations.ts";
import { consoleOrigin, World } from "../stand-in/world.ts";

const key = "acme-0123456789abcdef0123456789abcdef";

let world: World;
const opened: World[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function begin(rateFactor = 1): Promise<void> {
  // A bucket that fills while a slow machine asks would let more through.
  world = await World.start({
    stoppedClock: true,
    host: { apiClients: [{ id: "acme", name: "Acme", keyDigest: digestOfKey(key), origins: ["https://acme.example"] }], limits: { rateFactor } },
  });
  opened.push(world);
}

/** Asks until it is refused; gives how often it was let in, and the refusal. */
async function flood(ask: () => Promise<Response>, timesMax = 700): Promise<{ readonly through: number; readonly refused: Response | undefined }> {
  for (let through = 0; through < timesMax; through += 1) {
    const response = await ask();
    if (response.status === 429) return { through, refused: response };
    await response.body?.cancel();
  }
  return { through: timesMax, refused: undefined };
}

describe("how often a user may ask", () => {
  it("X04 is bounded, told with the time to wait, and does not touch other users", async () => {
    await begin();
    const [ada, bob] = [world.product(key, "ada"), world.product(key, "bob")];
    const bound = rates.read.user;
    const { through, refused } = await flood(() => ada.fetch("/api/flows/none"));
    expect(through).toBeGreaterThanOrEqual(bound.burst);
    expect(through).toBeLessThan(bound.burst + 200);
    expect(refused?.headers.get("retry-after")).toBe("1");
    expect(await refused?.json()).toMatchObject({ code: "rate_limited", retryable: true });
    expect((await bob.fetch("/api/flows/none")).status).toBe(404);
    world.offsetMs += 1000;
    expect((await ada.fetch("/api/flows/none")).status).toBe(404);
  });

  it("counts each thing by itself: a flood of calls keeps nobody from reading or cancelling", async () => {
    await begin(0.1);
    const ada = world.product(key, "ada");
    const call = { connectorId: "none", tool: "browse", arguments: {}, origin: "user" };
    expect((await flood(() => ada.post("/api/calls", call))).through).toBeGreaterThanOrEqual(20);
    expect((await ada.fetch("/api/connectors")).status).toBe(200);
    expect((await ada.post("/api/calls/none/cancel")).status).toBe(404);
  });

  it("bounds all users of a product together", async () => {
    await begin(0.001);
    let user = 0;
    const { through } = await flood(() => world.product(key, `user-${(user += 1)}`).fetch("/api/flows/none"));
    expect(through).toBeGreaterThanOrEqual(rates.read.client.burst * 0.001);
    expect(through).toBeLessThan(100);
    const browser = world.browser();
    await browser.open();
    expect((await browser.fetch("/api/flows/none")).status).toBe(404);
  });

  it.each(["read", "write", "call", "connect", "view", "signIn"] satisfies RateName[])("bounds what counts as %s", (name) => {
    const of = operations.filter((operation) => (operation.rate ?? (operation.method === "GET" ? "read" : "write")) === name);
    expect(of.length).toBeGreaterThan(0);
    expect(rates[name].client.burst).toBeGreaterThan(rates[name].user.burst);
  });
});

describe("the guide", () => {
  it("names the bounds that hold", () => {
    const guide = readFileSync(new URL("../../../../docs/guides/embed.md", import.meta.url), "utf8");
    const words = ({ burst, perMinute }: RateBound): string => `${burst.toLocaleString("en")} at once, ${perMinute.toLocaleString("en")} a minute`;
    for (const [name, { user, client }] of Object.entries(rates)) {
      const row = guide.split("\n").find((line) => line.startsWith("|") && line.includes(`\`${name}\``));
      expect([name, row]).toEqual([name, expect.stringContaining(words(user))]);
      expect([name, row]).toEqual([name, expect.stringContaining(words(client))]);
    }
    const { session, link, refusedKey } = addressRates;
    expect(guide).toContain(
      `begin ${session.perMinute} sessions of the console a minute, open ${link.perMinute} links and try ${refusedKey.perMinute} wrong keys`,
    );
    expect(guide).toContain(`| ${streamPlaces.user} of each | ${streamPlaces.client.toLocaleString("en")} of each |`);
    expect(pollPlaces).toEqual(streamPlaces);
  });
});

describe("how often an address may ask", () => {
  const from = (address: string, path = "/api/session", headers: Record<string, string> = {}): Promise<Response> =>
    world.host.fetch(new Request(`${consoleOrigin}${path}`, { headers: { "countersign-client-address": address, ...headers } }));

  it("X04 for new sessions is bounded, and leaves room for others and for those who have one", async () => {
    await begin();
    const browser = world.browser();
    await browser.open();
    const { through, refused } = await flood(() => from("192.0.2.1"));
    expect(through).toBeGreaterThanOrEqual(addressRates.session.burst);
    expect(through).toBeLessThan(addressRates.session.burst + 30);
    expect(refused?.headers.get("retry-after")).toBe("1");
    expect((await from("192.0.2.2")).status).toBe(200);
    expect((await browser.fetch("/api/session")).status).toBe(200);
    expect((await from("2001:db8::1")).status).toBe(200);
  });

  it("X04 with wrong keys is bounded, and the right key goes in from the same address", async () => {
    await begin();
    const guess = { authorization: `Bearer ${"x".repeat(40)}`, "countersign-user": "ada" };
    const { through, refused } = await flood(() => from("192.0.2.1", "/api/connectors", guess));
    expect(through).toBeLessThan(addressRates.refusedKey.burst + 10);
    expect(refused?.headers.get("retry-after")).toMatch(/^\d+$/);
    const good = { authorization: `Bearer ${key}`, "countersign-user": "ada" };
    expect((await from("192.0.2.1", "/api/connectors", good)).status).toBe(200);
  });

  it("X04 for links is bounded, without spending one", async () => {
    await begin();
    const link = `/flows/link/${"A".repeat(43)}`;
    const { through } = await flood(() => from("192.0.2.1", link));
    expect(through).toBeLessThan(addressRates.link.burst + 10);
    expect((await from("192.0.2.2", link)).status).toBe(400);
  });
});

describe("what may be open at once", () => {
  it("X09 is bounded for a user, a product and the process, and freed once", () => {
    const places = new Places({ user: 2, client: 3, total: 4 });
    const [one, two] = [places.take("a", "x"), places.take("a", "x")];
    expect([one, two, places.take("b", "x")].every((free) => free !== undefined)).toBe(true);
    expect(places.take("a", "x")).toBeUndefined();
    expect(places.take("c", "x")).toBeUndefined();
    expect(places.take("c", "y")).toBeDefined();
    expect(places.take("d", undefined)).toBeUndefined();
    one?.();
    one?.();
    expect(places.take("d", undefined)).toBeDefined();
    expect(places.take("e", undefined)).toBeUndefined();
    two?.();
    expect(places.take("a", "x")).toBeDefined();
  });

  it("X09 reads that wait and streams are told to come back, and a place that is left is free", async () => {
    await begin();
    const ada = world.product(key, "ada");
    const call = await ada.parked((await ada.call("list_orders")).id);
    const leave = new AbortController();
    const waiting = Array.from({ length: 20 }, () => ada.fetch(`/api/calls/${call.id}?wait=25`, { signal: leave.signal }));
    const streams = await Promise.all(Array.from({ length: 20 }, () => ada.fetch("/api/events", { signal: leave.signal })));
    expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    for (const path of [`/api/calls/${call.id}?wait=25`, "/api/events"]) {
      const refused = await ada.fetch(path);
      expect([path, refused.status, refused.headers.get("retry-after")]).toEqual([path, 429, "1"]);
    }
    expect((await ada.fetch(`/api/calls/${call.id}`)).status).toBe(200);
    leave.abort();
    await Promise.all(waiting);
    const again = new AbortController();
    expect((await ada.fetch("/api/events", { signal: again.signal })).status).toBe(200);
    again.abort();
  });
});

describe("the table of rates", () => {
  it("X09 forgets who was here longest ago, never who asks now", () => {
    const table = new Rates(() => 0);
    const bound = { burst: 1, perMinute: 1 };
    expect(table.take("first", bound).ok).toBe(true);
    expect(table.take("flooder", bound).ok).toBe(true);
    for (let index = 0; index < 99_999; index += 1) table.take(`key ${index}`, bound);
    expect(table.take("flooder", bound)).toEqual({ ok: false, error: 60 });
    expect(table.take("first", bound).ok).toBe(true);
  });
});
