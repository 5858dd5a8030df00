import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Browser, consoleOrigin, World } from "../stand-in/world.ts";

let world: World;
const folders: string[] = [];
afterEach(async () => {
  await world.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const viewShape = z.object({ id: z.string(), session: z.string(), state: z.string().nullable() });
type View = z.infer<typeof viewShape>;

const open = async (browser: Browser, callId?: string): Promise<View> => {
  const body = { connectorId: "store", resourceUri: "ui://shop/view.html", ...(callId === undefined ? {} : { callId }) };
  return viewShape.parse(await (await browser.post("/api/widgets", body)).json());
};
const keep = (browser: Browser, view: View, state: string): Promise<Response> =>
  browser.fetch(`/api/widgets/${view.id}/state`, {
    method: "PUT",
    headers: { origin: consoleOrigin, "content-type": "application/json" },
    body: JSON.stringify({ state }),
  });

describe("the state of a widget", () => {
  it("is the same in every view of the call's document, after a restart of the host too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "widget-state-"));
    folders.push(folder);
    world = await World.start({ databaseUrl: `file:${join(folder, "host.sqlite")}` });
    const browser = world.browser();
    await browser.open();
    const first = await open(browser, "call_1");
    expect(first.state).toBeNull();
    expect((await keep(browser, first, '{"page":2}')).status).toBe(200);
    const again = await open(browser, "call_1");
    expect([again.state, again.session]).toEqual(['{"page":2}', first.session]);
    expect((await open(browser, "call_2")).state).toBeNull();
    await world.startHost();
    expect((await open(browser, "call_1")).state).toBe('{"page":2}');
  });

  it("of two pages that write, the last one counts", async () => {
    world = await World.start();
    const browser = world.browser();
    await browser.open();
    const [left, right] = [await open(browser, "call_1"), await open(browser, "call_1")];
    await keep(browser, left, '"left"');
    await keep(browser, right, '"right"');
    expect((await open(browser, "call_1")).state).toBe('"right"');
  });

  it("V14 is kept up to 64 KB, and a larger one leaves the earlier as it was", async () => {
    world = await World.start();
    const browser = world.browser();
    await browser.open();
    const view = await open(browser, "call_1");
    const full = JSON.stringify("x".repeat(65_534));
    expect((await keep(browser, view, full)).status).toBe(200);
    for (const state of [JSON.stringify("x".repeat(65_535)), JSON.stringify("é".repeat(40_000))]) {
      const refused = await keep(browser, view, state);
      expect([400, 413]).toContain(refused.status);
    }
    expect((await open(browser, "call_1")).state).toBe(full);
  });

  it("V20 is nobody else's: another user reads and writes nothing of it", async () => {
    world = await World.start();
    const browser = world.browser();
    await browser.open();
    const view = await open(browser, "call_1");
    await keep(browser, view, '"mine"');
    const other = world.browser();
    await other.open();
    expect((await open(other, "call_1")).state).toBeNull();
    expect((await keep(other, view, '"theirs"')).status).toBe(404);
    expect((await open(browser, "call_1")).state).toBe('"mine"');
  });
});
