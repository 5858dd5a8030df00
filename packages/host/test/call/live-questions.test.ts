import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SessionServer, type SessionTool } from "../stand-in/session-server.ts";
import { World, type Browser, type WorldOptions } from "../stand-in/world.ts";

let world: World;
let server: SessionServer;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-host-"));
});
afterEach(async () => {
  await world.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function begin(tools: Record<string, SessionTool>, host: WorldOptions["host"] = {}): Promise<Browser> {
  server = await SessionServer.start(tools);
  world = await World.start({
    databaseUrl: pathToFileURL(join(folder, "host.sqlite")).href,
    host: { connectors: [{ id: "store", name: "Store", url: server.url }], ...host },
  });
  const browser = world.browser();
  await browser.open();
  return browser;
}

const nick = { message: "Who are you?", requestedSchema: { type: "object", properties: { nick: { type: "string", default: "Sam" } } } };
const visit = { mode: "url", elicitationId: "e1", url: "https://bank.example/link?t=1", message: "Link your bank" };

describe("a question in the middle of a running call (2025-11-25)", () => {
  it.each(["call", "standing"] as const)("is put to the user, whose answer goes into the same request: on the %s stream", async (on) => {
    const browser = await begin({ ask: { run: async ({ ask }) => ({ said: (await ask({ mode: "form", ...nick }, on)).result }) } });
    const asked = await browser.asked((await browser.call("ask")).id);
    expect(asked).toMatchObject({ state: "asking", asking: { style: "live", round: 1, items: [{ kind: "form", message: "Who are you?" }] } });
    await browser.answer(asked, [{ action: "accept", content: { nick: "Kim" } }]);
    expect(await browser.settled(asked.id)).toMatchObject({
      state: "completed",
      result: { structuredContent: { said: { action: "accept", content: { nick: "Kim" } } } },
    });
    expect(server.calls).toHaveLength(1);
  });

  it("announces both modes, and knows a form without a mode, as 2025-06-18 sends it", async () => {
    const browser = await begin({ ask: { run: async ({ ask }) => ({ said: (await ask(nick)).result }) } });
    const asked = await browser.asked((await browser.call("ask")).id);
    expect(server.capabilities).toMatchObject({ elicitation: { form: {}, url: {} } });
    await browser.answer(asked, [{ action: "accept" }]);
    expect(await browser.settled(asked.id)).toMatchObject({ result: { structuredContent: { said: { content: { nick: "Sam" } } } } });
  });

  it.each(["decline", "cancel"] as const)("tells the server that the user said %s, and the server ends the call", async (action) => {
    const browser = await begin({ ask: { run: async ({ ask }) => ({ said: (await ask({ mode: "form", ...nick })).result }) } });
    const asked = await browser.asked((await browser.call("ask")).id);
    await browser.answer(asked, [{ action }]);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed", result: { structuredContent: { said: { action } } } });
    expect((await browser.asked((await browser.call("ask")).id)).asking?.quiet).toBe(true);
  });

  it("M18 takes opening an address for the answer: accept means consent, not completion", async () => {
    const browser = await begin({ ask: { run: async ({ ask }) => ({ said: (await ask(visit)).result }) } });
    const asked = await browser.asked((await browser.call("ask")).id);
    expect(asked.asking?.items[0]).toMatchObject({ kind: "url", host: "bank.example", opened: false });
    expect(await browser.visit(asked)).toBe(visit.url);
    expect(await browser.settled(asked.id)).toMatchObject({ result: { structuredContent: { said: { action: "accept" } } } });
  });

  it("asks one thing after the other when the server asks several at once", async () => {
    const browser = await begin({
      ask: {
        run: async ({ ask }) => ({
          said: await Promise.all([ask({ mode: "form", ...nick, message: "One" }), ask({ mode: "form", ...nick, message: "Two" })]),
        }),
      },
    });
    const first = await browser.asked((await browser.call("ask")).id);
    expect(first.asking?.items.map((item) => item.message)).toEqual(["One"]);
    await browser.answer(first, [{ action: "accept", content: { nick: "1" } }]);
    const second = await browser.asked(first.id, 1);
    expect(second.asking?.items.map((item) => item.message)).toEqual(["Two"]);
    await browser.answer(second, [{ action: "accept", content: { nick: "2" } }]);
    expect(await browser.settled(first.id)).toMatchObject({
      result: { structuredContent: { said: [{ result: { content: { nick: "1" } } }, { result: { content: { nick: "2" } } }] } },
    });
  });

  it("X09 is refused at once when twenty wait already: a flood of questions takes up no room", async () => {
    let refused = 0;
    const browser = await begin({
      ask: {
        run: async ({ ask }) => {
          const answers = Array.from({ length: 50 }, () =>
            ask({ mode: "form", ...nick }).then(({ error }) => void (refused += error === undefined ? 0 : 1)),
          );
          await Promise.all(answers);
          return {};
        },
      },
    });
    const asked = await browser.asked((await browser.call("ask")).id);
    await expect.poll(() => refused).toBe(30);
    expect(asked.asking?.items).toHaveLength(1);
    await browser.post(`/api/calls/${asked.id}/cancel`);
    expect((await browser.settled(asked.id)).state).toBe("failed");
  });

  it("is over when the server takes it back, and when the server ends the call without the answer", async () => {
    const browser = await begin({
      back: {
        run: async ({ ask, withdraw }) => {
          void ask({ mode: "form", ...nick });
          await gate.promise;
          withdraw();
          return { went: "on" };
        },
      },
    });
    const asked = await browser.asked((await browser.call("back")).id);
    gate.resolve();
    const done = await browser.settled(asked.id);
    expect(done).toMatchObject({ state: "completed", result: { structuredContent: { went: "on" } } });
    expect(done.asking).toBeUndefined();
    expect((await browser.answer(asked, [{ action: "accept" }])).status).toBe(409);
  });
  const gate = Promise.withResolvers<void>();

  it("does not count the time of the user against the server", async () => {
    const browser = await begin(
      { ask: { run: async ({ ask }) => ({ said: (await ask({ mode: "form", ...nick })).result }) } },
      { limits: { requestTimeoutMs: 2000 } },
    );
    const asked = await browser.asked((await browser.call("ask")).id);
    // Longer than the server itself would be given.
    await browser.read(asked.id, 3);
    await browser.answer(asked, [{ action: "accept" }]);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed" });
  });

  it("V20 expires after ten minutes: the server is told that nobody answered", async () => {
    const browser = await begin({ ask: { run: async ({ ask }) => ({ said: (await ask({ mode: "form", ...nick })).result }) } });
    const asked = await browser.asked((await browser.call("ask")).id);
    world.offsetMs += 10 * 60_000 + 1000;
    expect((await browser.answer(asked, [{ action: "accept" }])).status).toBe(409);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed", result: { structuredContent: { said: { action: "cancel" } } } });
  });

  it("M17 ends the call typed when the form asks for a secret: nothing is shown, nothing is answered", async () => {
    const secret = { mode: "form", message: "Sign in", requestedSchema: { type: "object", properties: { cvv: { type: "string" } } } };
    const browser = await begin({ ask: { run: async ({ ask }) => ({ said: await ask(secret) }) } });
    const call = await browser.settled((await browser.call("ask")).id);
    expect(call).toMatchObject({ state: "failed", error: { code: "secret_requested", callId: call.id } });
    expect(call.asking).toBeUndefined();
  });

  it("refuses by the protocol what is no form of the restricted kind, and requests that were not offered", async () => {
    const nested = { mode: "form", message: "x", requestedSchema: { type: "object", properties: { a: { type: "object", properties: {} } } } };
    const browser = await begin({ ask: { run: async ({ ask }) => ({ said: await ask(nested) }) } });
    expect(await browser.settled((await browser.call("ask")).id)).toMatchObject({
      state: "completed",
      result: { structuredContent: { said: { error: { code: -32602 } } } },
    });
  });

  it("stops a server that asks without end", async () => {
    const browser = await begin({
      ask: {
        annotations: { readOnlyHint: true },
        run: async ({ ask }) => {
          for (let n = 0; n < 20; n += 1) await ask({ mode: "form", ...nick, message: `Question ${n}` });
          return { never: true };
        },
      },
    });
    let call = await browser.asked((await browser.call("ask")).id);
    for (let round = 1; round < 10; round += 1) {
      await browser.answer(call, [{ action: "accept" }]);
      call = await browser.asked(call.id, round);
    }
    await browser.answer(call, [{ action: "accept" }]);
    expect(await browser.settled(call.id)).toMatchObject({ state: "failed", error: { code: "input_limit" } });
  });
});

describe("after the host process died while the server waited for an answer", () => {
  it("a call that may have done something ends as outcome_unknown, and is not sent again", async () => {
    const browser = await begin({ ask: { run: async ({ ask }) => ({ said: (await ask({ mode: "form", ...nick })).result }) } });
    const asked = await browser.asked((await browser.call("ask")).id);
    await world.startHost();
    const ended = await browser.settled(asked.id);
    expect(ended).toMatchObject({ state: "failed", error: { code: "outcome_unknown" } });
    expect((await browser.answer(asked, [{ action: "accept" }])).status).toBe(409);
    expect(server.calls).toHaveLength(1);
  });

  it("a call that may run twice is sent once more under the same key, and the user is asked again", async () => {
    const browser = await begin({
      ask: { annotations: { idempotentHint: true }, run: async ({ ask }) => ({ said: (await ask({ mode: "form", ...nick })).result }) },
    });
    const asked = await browser.asked((await browser.call("ask")).id);
    await world.startHost();
    const again = await browser.asked(asked.id, 1);
    expect(again.asking).toMatchObject({ round: 2, again: true });
    await browser.answer(again, [{ action: "accept", content: { nick: "Kim" } }]);
    expect(await browser.settled(asked.id)).toMatchObject({
      state: "completed",
      result: { structuredContent: { said: { content: { nick: "Kim" } } } },
    });
    expect(server.calls.map((call) => call.idempotencyKey)).toEqual([asked.id, asked.id]);
  });
});

describe("notifications/elicitation/complete (2025-11-25)", () => {
  const required = (ids: readonly string[]): Record<string, unknown> => ({
    code: -32042,
    message: "visit",
    data: { elicitations: ids.map((elicitationId) => ({ ...visit, elicitationId })) },
  });

  it("makes the call go on by itself once every visit is over, and only then", async () => {
    const browser = await begin({ pay: { run: () => ({ paid: true }) } });
    let linked = false;
    server.refuseCall = () => (linked ? undefined : required(["e1", "e2"]));
    const asked = await browser.asked((await browser.call("pay")).id);
    await expect.poll(() => server.standing).toBe(true);
    server.notify("notifications/elicitation/complete", { elicitationId: "unknown" });
    server.notify("notifications/elicitation/complete", { elicitationId: "e1" });
    await browser.until(asked.id, (call) => call.asking?.items[0]?.opened === true);
    expect(server.calls).toHaveLength(1);
    linked = true;
    server.notify("notifications/elicitation/complete", { elicitationId: "e2" });
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed", result: { structuredContent: { paid: true } } });
    expect(server.calls).toHaveLength(2);
  });

  it("is not needed: a server without a standing stream is asked again when the user is back", async () => {
    const browser = await begin({ pay: { run: () => ({ paid: true }) } });
    server.offersStandingStream = false;
    let linked = false;
    server.refuseCall = () => (linked ? undefined : required(["e1"]));
    const asked = await browser.asked((await browser.call("pay")).id);
    linked = true;
    await browser.visit(asked);
    await browser.answer(asked, [{ action: "accept" }]);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed" });
  });
});
