import { defaultProfile, profileNames } from "@countersign/protocol/host-profile";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { digestOfKey } from "../../src/api-clients.ts";
import { rates } from "../../src/limits/rates.ts";
import { Profiles } from "../../src/profiles.ts";
import { type Browser, consoleOrigin, World } from "../stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

const sessionShape = z.looseObject({ profile: z.string() });

async function profileOf(browser: Browser): Promise<string> {
  return sessionShape.parse(await (await browser.fetch("/api/session")).json()).profile;
}

function choose(browser: Browser, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: "PUT", headers: { origin: consoleOrigin, "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
  return browser.fetch("/api/settings/profile", init);
}

/** What comes on a stream until its text holds `wanted`. */
async function hear(stream: Response, wanted: string): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes(wanted)) break;
  }
  return text;
}

describe("the host that is acted out", () => {
  it.each(profileNames)("is %s for the user who chose it, over a restart, and for nobody else", async (profile) => {
    world = await World.start();
    const browser = world.browser();
    const other = world.browser();
    expect([await profileOf(browser), await profileOf(other)]).toEqual([defaultProfile, defaultProfile]);
    const answer = await choose(browser, { profile });
    expect([answer.status, await answer.json()]).toEqual([200, { profile }]);
    expect([await profileOf(browser), await profileOf(other)]).toEqual([profile, defaultProfile]);
    const again = new Profiles(world.database, Date.now);
    expect(await again.of(await browser.open())).toBe(profile);
  });

  it("is told to the user's other pages once it is another one, not to other users", async () => {
    world = await World.start();
    const browser = world.browser();
    const other = world.browser();
    await browser.open();
    await other.open();
    const stop = new AbortController();
    const mine = await browser.fetch("/api/events", { signal: stop.signal });
    const theirs = await other.fetch("/api/events", { signal: stop.signal });
    await choose(browser, { profile: defaultProfile });
    await choose(browser, { profile: "claude" });
    expect(await hear(mine, "}\n\n")).toContain('event: settings\ndata: {"profile":"claude"}\n\n');
    await choose(other, { profile: "goose" });
    const heard = await hear(theirs, "}\n\n");
    expect(heard).toContain('{"profile":"goose"}');
    expect(heard).not.toContain("claude");
    stop.abort();
  });

  it("stays as it is after a name that is none, a body that says more, another page's request or a product's", async () => {
    const key = "acme-0123456789abcdef0123456789abcdef";
    world = await World.start({ host: { apiClients: [{ id: "acme", name: "Acme", keyDigest: digestOfKey(key), origins: [] }] } });
    const browser = world.browser();
    await browser.open();
    expect((await choose(browser, { profile: "vscode" })).status).toBe(200);
    const refused: [unknown, Record<string, string>, number][] = [
      [{ profile: "netscape" }, {}, 400],
      [{ profile: "toString" }, {}, 400],
      [{ profile: "chatgpt", userId: "usr_1" }, {}, 400],
      [{}, {}, 400],
      [{ profile: ["chatgpt"] }, {}, 400],
      [{ profile: "chatgpt" }, { origin: "https://evil.example" }, 403],
      [{ profile: "chatgpt" }, { "sec-fetch-site": "cross-site" }, 403],
      [{ profile: "chatgpt" }, { "content-type": "text/plain" }, 415],
    ];
    for (const [body, headers, status] of refused) expect([body, (await choose(browser, body, headers)).status]).toEqual([body, status]);
    const product = world.product(key, "ada");
    const init = { method: "PUT", headers: { "content-type": "application/json" }, body: '{"profile":"chatgpt"}' };
    expect((await product.fetch("/api/settings/profile", init)).status).toBe(403);
    expect(await profileOf(browser)).toBe("vscode");
    expect((await choose(world.browser(), { profile: "chatgpt" })).status).toBe(401);
  });

  it("X04 is chosen no more often than servers are connected, because each choice connects them all anew", async () => {
    world = await World.start();
    const browser = world.browser();
    await browser.open();
    const statuses: number[] = [];
    for (let round = 0; round < rates.connect.user.burst + 20; round += 1) {
      statuses.push((await choose(browser, { profile: round % 2 === 0 ? "claude" : "goose" })).status);
    }
    expect(statuses[0]).toBe(200);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(10);
  });

  it("is the default again once nobody has changed it for half a year, and when this version does not know it", async () => {
    world = await World.start();
    const browser = world.browser();
    const userId = await browser.open();
    await choose(browser, { profile: "cursor" });
    expect(await new Profiles(world.database, () => Date.now() + 179 * 86_400_000).of(userId)).toBe("cursor");
    expect(await new Profiles(world.database, () => Date.now() + 181 * 86_400_000).of(userId)).toBe(defaultProfile);
    await sql`update records set value = ${JSON.stringify({ userId, profile: "netscape" })} where kind = 'settings'`.execute(world.database.sql);
    expect(await profileOf(browser)).toBe(defaultProfile);
  });
});
