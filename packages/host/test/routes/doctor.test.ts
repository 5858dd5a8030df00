import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { examineSteps } from "../../src/doctor/examine.ts";
import { examinationLine, type ExaminationLine } from "../../src/routes/schemas/doctor.ts";
import { listen, type RunningServer } from "../stand-in/http-server.ts";
import { type Browser, consoleOrigin, World, type WorldOptions } from "../stand-in/world.ts";

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

describe("an examination told as it goes", () => {
  const follow = (browser: Browser, url: string, signal?: AbortSignal): Promise<Response> =>
    browser.fetch("/api/doctor", {
      method: "POST",
      headers: { origin: consoleOrigin, "content-type": "application/json", accept: "application/x-ndjson, application/json" },
      body: JSON.stringify({ url, call: true }),
      ...(signal === undefined ? {} : { signal }),
    });
  const linesIn = (text: string): readonly ExaminationLine[] =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => examinationLine.parse(JSON.parse(line)));

  /** A server that keeps every request until the one who asks leaves. */
  async function listenHolding(): Promise<{ readonly asked: () => number; readonly url: string }> {
    let asked = 0;
    server = await listen(async (request) => {
      asked += 1;
      await new Promise<void>((resolve) => request.signal.addEventListener("abort", () => resolve(), { once: true }));
      return new Response(null, { status: 404 });
    });
    return { asked: () => asked, url: `${server.origin}/mcp` };
  }

  it("has a line for each step in its order, and the same report at the end", async () => {
    const browser = await begin();
    const url = world?.server.url ?? "";
    const answer = await follow(browser, url);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    const lines = linesIn(await answer.text());
    expect(lines.slice(0, -1)).toEqual(examineSteps.map((step, at) => ({ step, number: at + 1, of: examineSteps.length })));
    expect(lines.at(-1)).toEqual({ report: await (await examine(browser, url)).json() });
  });

  it("is refused with a status before there is a line", async () => {
    const browser = await begin();
    const answer = await follow(browser, "file:///etc/passwd");
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: "invalid_request" })]);
  });

  it("leaves out what a silent server cannot be asked, and counts on", async () => {
    const browser = await begin();
    server = await listen(() => new Response(null, { status: 404 }));
    const lines = linesIn(await (await follow(browser, `${server.origin}/mcp`)).text());
    expect(lines.slice(0, -1).map((line) => "step" in line && [line.step, line.number])).toEqual([
      ["revisions", 1],
      ["metadata", 6],
      ["cross_origin", 7],
    ]);
  });

  it.each([
    ["stops reading", async (answer: Response): Promise<void> => answer.body?.cancel(), undefined],
    ["gives its request up", async (_: Response, leave: AbortController): Promise<void> => leave.abort(), new AbortController()],
  ])("ends when its page %s: nothing more is asked of the server, and the next one may be examined", async (_how, go, leave) => {
    const held = await listenHolding();
    const browser = await begin();
    const answer = await follow(browser, held.url, leave?.signal);
    await expect.poll(held.asked).toBe(1);
    expect((await examine(browser, held.url)).status).toBe(429);
    await go(answer, leave ?? new AbortController());
    await expect.poll(async () => (await examine(browser, "https://10.0.0.1/mcp")).status).toBe(200);
    expect(held.asked()).toBe(1);
  });
});
