import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { digestOfKey } from "../../src/api-clients.ts";
import { consoleOrigin, World, type Browser, type CallSeen, type Product } from "../stand-in/world.ts";

const key = "acme-0123456789abcdef0123456789abcdef";
const otherKey = "birch-0123456789abcdef0123456789abcde";

let world: World;
afterEach(async () => world.close());

interface Waiting {
  readonly product: Product;
  readonly call: CallSeen;
  readonly flowId: string;
}

async function begin(user = "ada"): Promise<Waiting> {
  world ??= await World.start();
  const product = world.product(key, user);
  const call = await product.parked((await product.call("list_orders")).id);
  return { product, call, flowId: call.flow?.id ?? "" };
}

async function start(): Promise<Waiting> {
  world = await World.start({
    host: {
      apiClients: [
        { id: "acme", name: "Acme <Chat>", keyDigest: digestOfKey(key), origins: [] },
        { id: "birch", name: "Birch", keyDigest: digestOfKey(otherKey), origins: [] },
      ],
    },
  });
  return begin();
}

async function linkOf({ product, flowId }: Waiting, account = "ada@acme.example"): Promise<string> {
  const made = await product.post(`/api/flows/${flowId}/link`, { account });
  return z.object({ url: z.string() }).parse(await made.json()).url;
}

/** Opens the link in a browser and gives the page that it leads to. */
async function openLink(browser: Browser, link: string): Promise<{ readonly path: string; readonly page: string }> {
  const opened = await browser.fetch(link, { headers: { "sec-fetch-site": "cross-site" } });
  expect(opened.status).toBe(303);
  const path = opened.headers.get("location") ?? "";
  const page = await browser.fetch(path);
  expect(page.status).toBe(200);
  return { path, page: await page.text() };
}

const tokensHeld = async (product: Product): Promise<number> => {
  const shape = z.object({ connectors: z.array(z.object({ token: z.unknown().optional() })) });
  return shape.parse(await (await product.fetch("/api/connectors")).json()).connectors.filter(({ token }) => token !== undefined).length;
};

describe("a link to sign in", () => {
  it("names product, account and server, goes on by a click, and completes the call without a session", async () => {
    const waiting = await start();
    const browser = world.browser();
    const { path, page } = await openLink(browser, await linkOf(waiting));
    expect(page).toContain("ada@acme.example");
    expect(page).toContain("Acme &lt;Chat&gt;");
    expect(page).toContain(new URL(world.authorizationServer.origin).host);
    expect(page).not.toMatch(/http-equiv|location/);
    const ended = await browser.signIn(`${path}/continue`);
    expect(ended.status).toBe(200);
    expect((await waiting.product.settled(waiting.call.id)).state).toBe("completed");
    expect(await tokensHeld(waiting.product)).toBe(1);
    expect([...browser.cookies.keys()]).toEqual(["cs_browser"]);
  });

  it("O09 sent to somebody else, shows them whose account it is, and does nothing by being opened", async () => {
    const waiting = await start();
    const link = await linkOf(waiting, "mallory@acme.example");
    const victim = world.browser();
    await victim.open();
    const { page } = await openLink(victim, link);
    expect(page).toContain("mallory@acme.example");
    expect(page).toContain("do not continue");
    expect((await waiting.product.parked(waiting.call.id)).flow?.state).toBe("ready");
    expect(await tokensHeld(waiting.product)).toBe(0);
  });

  it("O09 declined by them, ends the flow and the call", async () => {
    const waiting = await start();
    const victim = world.browser();
    const { path } = await openLink(victim, await linkOf(waiting));
    expect((await victim.fetch(`${path}/decline`, { headers: { "sec-fetch-site": "same-origin" } })).status).toBe(200);
    expect((await waiting.product.settled(waiting.call.id)).error?.code).toBe("access_denied");
  });

  it("O09 ends only in the browser that opened it: another one's callback is 403 and both vaults are unchanged", async () => {
    const waiting = await start();
    const attacker = world.browser();
    const { path } = await openLink(attacker, await linkOf(waiting));
    const callback = await attacker.visitAuthorizationServer(`${path}/continue`);
    for (const victim of [world.browser(), world.browser()]) {
      if (victim.cookies.size === 0) await victim.open();
      expect((await victim.fetch(callback)).status).toBe(403);
    }
    // A browser that has signed in here before brings another binding.
    const known = world.browser();
    await known.open();
    await known.signInBy("list_orders");
    expect((await known.fetch(callback)).status).toBe(403);
    expect(await tokensHeld(waiting.product)).toBe(0);
    expect(world.audit.some(({ event, reason }) => event === "callback.refused" && reason?.includes("browser"))).toBe(true);
    expect((await attacker.fetch(callback)).status).toBe(200);
    expect(await tokensHeld(waiting.product)).toBe(1);
  });

  it("O09 a visit is only of the browser that opened the link", async () => {
    const waiting = await start();
    const first = world.browser();
    const { path } = await openLink(first, await linkOf(waiting));
    const second = world.browser();
    await second.open();
    for (const step of ["", "/continue", "/decline"]) expect((await second.fetch(`${path}${step}`)).status).toBe(403);
    expect((await first.fetch(path)).status).toBe(200);
    expect((await waiting.product.parked(waiting.call.id)).flow?.state).toBe("ready");
  });

  it("is spent by its first opening: a second one is 400, of ten at once one opens", async () => {
    const waiting = await start();
    const link = await linkOf(waiting);
    await openLink(world.browser(), link);
    expect((await world.browser().fetch(link)).status).toBe(400);
    const raced = await linkOf(waiting);
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await world.browser().fetch(raced)).status));
    expect([statuses.filter((status) => status === 303).length, statuses.filter((status) => status === 400).length]).toEqual([1, 9]);
  });

  it("is over after a minute, and with its flow", async () => {
    const waiting = await start();
    const late = await linkOf(waiting);
    world.offsetMs += 61_000;
    expect((await world.browser().fetch(late)).status).toBe(400);
    const orphan = await linkOf(waiting);
    await waiting.product.post(`/api/flows/${waiting.flowId}/cancel`);
    expect((await world.browser().fetch(orphan)).status).toBe(409);
    expect((await waiting.product.post(`/api/flows/${waiting.flowId}/link`, { account: "ada" })).status).toBe(408);
  });

  it.each([
    ["a prefetch", { method: "GET", headers: { "sec-purpose": "prefetch" } }],
    ["a look at its head", { method: "HEAD" }],
  ])("is not spent by %s", async (_, init) => {
    const waiting = await start();
    const link = await linkOf(waiting);
    expect((await world.browser().fetch(link, init)).status).toBe(400);
    await openLink(world.browser(), link);
  });

  it("goes on only from the page that names the account, and is framed nowhere", async () => {
    const waiting = await start();
    const browser = world.browser();
    const { path } = await openLink(browser, await linkOf(waiting));
    for (const site of ["cross-site", "same-site", "none"]) {
      expect((await browser.fetch(`${path}/continue`, { headers: { "sec-fetch-site": site } })).status).toBe(403);
    }
    const page = await browser.fetch(path);
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(page.headers.get("referrer-policy")).toBe("no-referrer");
    expect((await waiting.product.parked(waiting.call.id)).flow?.state).toBe("ready");
    expect((await browser.fetch(`${path}/continue`, { headers: { "sec-fetch-site": "same-origin" } })).status).toBe(303);
  });

  it("is made for the flow's own user by their product only, with a name that people can read", async () => {
    const waiting = await start();
    const path = `/api/flows/${waiting.flowId}/link`;
    expect((await world.product(key, "bob").post(path, { account: "bob" })).status).toBe(404);
    expect((await world.product(otherKey, "ada").post(path, { account: "ada" })).status).toBe(404);
    const page = world.browser();
    await page.open();
    expect((await page.post(path, { account: "ada" })).status).toBe(403);
    for (const account of ["", "x".repeat(101), "ada\u202eexample", "a\nb", "a\u200bb"]) {
      expect([account, (await waiting.product.post(path, { account })).status]).toEqual([account, 400]);
    }
    expect((await waiting.product.post(path, { account: "Ada Ö. 王" })).status).toBe(201);
  });

  it("signs in to a server that answers nothing without, and its tools appear", async () => {
    await start();
    world.server.intercept = (request, method) => {
      const token = request.headers.get("authorization")?.replace(/^Bearer /, "");
      if (method === "prm" || (token !== undefined && world.authorizationServer.granted.get(token)?.active === true)) return undefined;
      return new Response(null, { status: 401, headers: { "www-authenticate": world.server.challengeText(undefined, ["tools:use"]) } });
    };
    const carol = world.product(key, "carol");
    const connector = z.looseObject({ status: z.string() });
    const standing = async (): Promise<string> => connector.parse(await (await carol.fetch("/api/connectors/store")).json()).status;
    await carol.fetch("/api/connectors");
    await expect.poll(standing).toBe("sign_in_required");
    const begun = await carol.post("/api/connectors/store/sign-in");
    const flowId = z.object({ id: z.string() }).parse(await begun.json()).id;
    const browser = world.browser();
    const { path } = await openLink(browser, await linkOf({ product: carol, call: { id: "", tool: "", state: "", rounds: 0, version: 0 }, flowId }));
    expect((await browser.signIn(`${path}/continue`)).status).toBe(200);
    await expect.poll(standing).toBe("connected");
    expect((await carol.fetch("/api/connectors/store/tools")).status).toBe(200);
  });

  it("a session of the console begins no flow of a product's user", async () => {
    const waiting = await start();
    const page = world.browser();
    await page.open();
    expect((await page.fetch(`/flows/${waiting.flowId}/start`)).status).toBe(404);
    expect((await world.host.fetch(new Request(`${consoleOrigin}/flows/${waiting.flowId}/start`))).status).toBe(403);
  });
});
