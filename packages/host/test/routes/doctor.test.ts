import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { listen, type RunningServer } from "../stand-in/http-server.ts";
import { type Browser, World, type WorldOptions } from "../stand-in/world.ts";

let world: World | undefined;
let server: RunningServer | undefined;
afterEach(async () => {
  await world?.close();
  await server?.close();
  world = undefined;
  server = undefined;
});

async function begin(options: WorldOptions = {}): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return browser;
}

const report = z.looseObject({
  exit: z.number(),
  hosts: z.array(
    z.looseObject({
      host: z.string(),
      verdicts: z.record(z.string(), z.looseObject({ standing: z.string(), finding: z.string(), reason: z.string() })),
    }),
  ),
});

const examine = (browser: Browser, url: string, call = true): Promise<Response> => browser.post("/api/doctor", { url, call });

describe("an examination asked by the console", () => {
  it("tells how the server fares in each host, and signs nobody in", async () => {
    const browser = await begin();
    const answer = await examine(browser, world?.server.url ?? "");
    expect(answer.status).toBe(200);
    const { exit, hosts } = report.parse(await answer.json());
    expect(exit).toBe(1);
    expect(hosts).toHaveLength(8);
    expect(hosts[0]).toMatchObject({ host: "countersign", verdicts: { connect: { standing: "works" }, list: { standing: "works" } } });
    expect(world?.authorizationServer.granted.size).toBe(0);
  });

  it("needs a session, and the console's own page", async () => {
    const browser = await begin();
    const url = world?.server.url ?? "";
    const stranger = world?.browser();
    expect((await stranger?.post("/api/doctor", { url, call: true }))?.status).toBe(401);
    const foreign = await browser.fetch("/api/doctor", {
      method: "POST",
      headers: { origin: "https://evil.example", "content-type": "application/json" },
      body: JSON.stringify({ url, call: true }),
    });
    expect(await foreign.json()).toMatchObject({ code: "forbidden_origin" });
  });

  it.each([
    ["not an address", "no"],
    ["another scheme", "file:///etc/passwd"],
    ["credentials", "https://user:hunter2@shop.example/mcp"],
  ])("refuses %s, and repeats none of it", async (_name, url) => {
    const browser = await begin();
    const answer = await examine(browser, url);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ code: "invalid_request" });
    expect(text).not.toContain("hunter2");
  });

  it.each([
    [{ url: "https://shop.example/mcp" }],
    [{ url: `https://shop.example/${"a".repeat(3000)}`, call: true }],
    [{ url: "https://shop.example/mcp", call: true, hosts: ["claude"] }],
  ])("refuses a body of another shape", async (body) => {
    const browser = await begin();
    expect(await (await browser.post("/api/doctor", body)).json()).toMatchObject({ code: "invalid_request" });
  });

  it("M09 reaches nothing on this machine for a host that is not on it, and no private network ever", async () => {
    let reached = 0;
    server = await listen(() => {
      reached += 1;
      return new Response(null, { status: 404 });
    });
    const near = await begin();
    expect(report.parse(await (await examine(near, `${server.origin}/mcp`)).json()).exit).toBe(1);
    expect(reached).toBeGreaterThan(0);
    reached = 0;
    for (const url of ["https://169.254.169.254/mcp", "https://10.0.0.1/mcp"]) {
      const { exit, hosts } = report.parse(await (await examine(near, url)).json());
      // Not merely silent: nothing was sent there.
      expect([exit, hosts[0]?.verdicts["connect"]?.reason]).toEqual([3, expect.stringContaining("not called from here")]);
    }
    await world?.close();
    world = await World.start({ host: { publicUrl: "https://console.example" } });
    const opened = await world.host.fetch(new Request("https://console.example/api/session"));
    const cookie = (opened.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    const far = await world.host.fetch(
      new Request("https://console.example/api/doctor", {
        method: "POST",
        headers: { cookie, origin: "https://console.example", "content-type": "application/json" },
        body: JSON.stringify({ url: `${server.origin}/mcp`, call: true }),
      }),
    );
    expect(await far.json()).toMatchObject({ code: "unsafe_url" });
    expect(reached).toBe(0);
  });

  it("is one at a time for each user, and at a bounded rate", async () => {
    const held: (() => void)[] = [];
    server = await listen(async () => {
      await new Promise<void>((resolve) => held.push(resolve));
      return new Response(null, { status: 404 });
    });
    const browser = await begin();
    const slow = examine(browser, `${server.origin}/mcp`);
    await expect.poll(() => held.length).toBe(1);
    const second = await examine(browser, `${server.origin}/mcp`);
    expect([second.status, second.headers.get("retry-after")]).toEqual([429, "5"]);
    await server.close();
    expect((await slow).status).toBe(200);
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) statuses.push((await examine(browser, "https://10.0.0.1/mcp")).status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
  });
});
