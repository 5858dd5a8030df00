import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Trace } from "../src/trace.ts";
import { type Browser, World, type WorldOptions } from "./stand-in/world.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function begin(options: WorldOptions = {}): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return browser;
}

const message = z.object({ way: z.string(), line: z.string(), headers: z.record(z.string(), z.string()), body: z.unknown().optional() });
const traceShape = z.object({
  steps: z.array(
    z.object({ step: z.string(), title: z.string(), detail: z.record(z.string(), z.unknown()), messages: z.array(message).default([]) }),
  ),
  ladder: z.array(z.object({ at: z.number(), tool: z.string(), rung: z.string(), outcome: z.string() })),
});
type Read = z.infer<typeof traceShape>;

async function readTrace(browser: Browser, id: string): Promise<Read> {
  return traceShape.parse(await (await browser.fetch(`/api/calls/${id}/trace`)).json());
}

describe("Trace", () => {
  it("masks a detail whose name is not on the list, and takes over the steps of a flow as they are", () => {
    const told: unknown[] = [];
    const trace = new Trace(
      [],
      () => 5,
      (step) => told.push(step),
    );
    trace.record("token", "Token received", { token: "[masked]", loot: "canary" });
    trace.adopt([{ seq: 7, at: 3, step: "discovery", title: "Document found", detail: {}, messages: [{ way: "sent", line: "GET x", headers: {} }] }]);
    expect(trace.steps).toEqual(told);
    expect(trace.steps).toEqual([
      { seq: 0, at: 5, step: "token", title: "Token received", detail: { token: "[masked]", loot: "[masked: text]" } },
      { seq: 1, at: 3, step: "discovery", title: "Document found", detail: {}, messages: [{ way: "sent", line: "GET x", headers: {} }] },
    ]);
  });

  it("keeps 200 steps, and the messages of the first 40 that have any", () => {
    const trace = new Trace(
      [],
      () => 0,
      () => {},
    );
    for (let round = 0; round < 300; round += 1) trace.record("request", "Sent", {}, [{ way: "sent", line: `POST ${round}`, headers: {} }]);
    expect(trace.steps.length).toBe(200);
    expect(trace.steps.filter((step) => step.messages !== undefined).length).toBe(40);
  });
});

describe("the messages of a call", () => {
  it("are told with the step that they led to: the challenge, the documents, the token, the result, each masked", async () => {
    const browser = await begin();
    const parked = await browser.parked((await browser.call("list_orders", { secret: "argument-canary" })).id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    await browser.settled(parked.id);
    const { steps } = await readTrace(browser, parked.id);
    const messagesOf = (step: string, title: string): Read["steps"][number]["messages"] =>
      steps.find((each) => each.step === step && each.title === title)?.messages ?? [];
    const [asked, document] = messagesOf("discovery", "Document found");
    expect(asked?.line).toMatch(/^GET http:.*\/\.well-known\/oauth-protected-resource/);
    expect(document).toMatchObject({ way: "received", line: "HTTP 200", body: { resource: world?.server.url } });
    const [redeemed, granted] = messagesOf("token", "Token received and stored");
    expect(redeemed?.line).toMatch(/^POST http/);
    expect(redeemed?.body).toMatchObject({ grant_type: "authorization_code", code: "[masked: text]", code_verifier: "[masked: text]" });
    expect(granted?.body).toMatchObject({ access_token: "[masked: text]", scope: "orders:read" });
    const [sent, answered] = messagesOf("result", "The tool answered");
    expect(sent).toMatchObject({
      way: "sent",
      headers: { authorization: "Bearer [masked]", "idempotency-key": parked.id },
      body: { method: "tools/call", params: { name: "list_orders", arguments: { secret: "[masked: text]" } } },
    });
    expect(answered).toMatchObject({ way: "received", line: "HTTP 200", body: { result: { content: [{ type: "text", text: "[masked: text]" }] } } });
  });
});

describe("what a view says of its calls", () => {
  const note = { tool: "buy", rung: "link", outcome: "begun" };

  it("is kept with the call whose card shows it, over a reload of the page, the newest 50", async () => {
    const browser = await begin();
    const { id } = await browser.settled((await browser.call("browse")).id);
    for (let round = 0; round < 52; round += 1) await browser.post(`/api/calls/${id}/ladder`, { ...note, tool: `buy_${round}` });
    const { ladder, steps } = await readTrace(browser, id);
    expect(ladder.length).toBe(50);
    expect(ladder[0]?.tool).toBe("buy_2");
    expect(ladder.at(-1)).toMatchObject({ tool: "buy_51", rung: "link", outcome: "begun" });
    expect(steps.some(({ title }) => title.includes("buy"))).toBe(false);
  });

  it("changes nothing of the call, and is refused when it says anything else", async () => {
    const browser = await begin();
    const before = await browser.settled((await browser.call("browse")).id);
    expect((await browser.post(`/api/calls/${before.id}/ladder`, note)).status).toBe(200);
    for (const wrong of [{ ...note, rung: "admin" }, { ...note, outcome: "approved" }, { ...note, tool: "" }, { ...note, token: "x" }, {}])
      expect((await browser.post(`/api/calls/${before.id}/ladder`, wrong)).status).toBe(400);
    const { version: _before, ...was } = before;
    const { version: _after, ...is } = await browser.settled(before.id);
    expect(is).toEqual(was);
    expect((await readTrace(browser, before.id)).ladder).toEqual([{ ...note, at: expect.any(Number) }]);
  });

  it("said at the same time is kept in full", async () => {
    const browser = await begin();
    const { id } = await browser.settled((await browser.call("browse")).id);
    await Promise.all(["a", "b", "c"].map((tool) => browser.post(`/api/calls/${id}/ladder`, { ...note, tool })));
    expect((await readTrace(browser, id)).ladder.map(({ tool }) => tool).toSorted()).toEqual(["a", "b", "c"]);
  });
});
