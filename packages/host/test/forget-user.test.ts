import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { digestOfKey } from "../src/api-clients.ts";
import { listen } from "./stand-in/http-server.ts";
import { consoleOrigin, World } from "./stand-in/world.ts";

const key = "acme-0123456789abcdef0123456789abcdef";

let world: World;
afterEach(async () => world.close());

/** How many rows name a user anywhere: in their id, their keys or their value. */
async function rowsOf(userId: string): Promise<readonly string[]> {
  const { rows } = await sql<{ kind: string; id: string; value: unknown }>`select * from records`.execute(world.database.sql);
  return rows.filter((row) => JSON.stringify(row).includes(userId)).map(({ kind, id }) => `${kind} ${id}`);
}

async function userIdOf(path: string): Promise<string> {
  const { rows } = await sql<{ value: unknown }>`select * from records where id = ${path}`.execute(world.database.sql);
  return /"userId":"([^"]+)"/.exec(JSON.stringify(rows).replaceAll('\\"', '"'))?.[1] ?? "";
}

describe("a user who is deleted", () => {
  it("leaves no row, no token at the issuer and no call on its way; others keep theirs", async () => {
    world = await World.start({ host: { apiClients: [{ id: "acme", name: "Acme", keyDigest: digestOfKey(key), origins: [] }] } });
    const ada = world.product(key, "ada");
    const bob = world.product(key, "bob");
    const browser = world.browser();
    const signIn = async (product: typeof ada): Promise<string> => {
      const call = await product.parked((await product.call("list_orders")).id);
      const made = await product.post(`/api/flows/${call.flow?.id}/link`, { account: "a" });
      const { url } = z.object({ url: z.string() }).parse(await made.json());
      const opened = await browser.fetch(url);
      await browser.signIn(`${opened.headers.get("location")}/continue`);
      return (await product.settled(call.id)).id;
    };
    const adasCall = await signIn(ada);
    const bobsCall = await signIn(bob);
    await ada.post("/api/connectors", { url: `${world.server.url}?ada` });
    await ada.post("/api/widgets", { connectorId: "store", resourceUri: "ui://shop/view.html" });
    const adasId = await userIdOf(adasCall);
    const bobsId = await userIdOf(bobsCall);
    expect((await rowsOf(adasId)).length).toBeGreaterThan(3);
    const bobsRows = await rowsOf(bobsId);
    expect(world.authorizationServer.revoked).toEqual([]);
    expect((await ada.fetch("/api/user", { method: "DELETE" })).status).toBe(200);
    expect(await rowsOf(adasId)).toEqual([]);
    expect(await rowsOf(bobsId)).toEqual(bobsRows);
    expect((await ada.fetch(`/api/calls/${adasCall}`)).status).toBe(404);
    await expect.poll(() => world.authorizationServer.revoked).toHaveLength(1);
    expect((await bob.settled((await bob.call("list_orders")).id)).state).toBe("completed");
  });

  it("while a sign-in is open, gets no token from it", async () => {
    world = await World.start({ host: { apiClients: [{ id: "acme", name: "Acme", keyDigest: digestOfKey(key), origins: [] }] } });
    const ada = world.product(key, "ada");
    const call = await ada.parked((await ada.call("list_orders")).id);
    const adasId = await userIdOf(call.id);
    const browser = world.browser();
    const made = await ada.post(`/api/flows/${call.flow?.id}/link`, { account: "a" });
    const opened = await browser.fetch(z.object({ url: z.string() }).parse(await made.json()).url);
    const callback = await browser.visitAuthorizationServer(`${opened.headers.get("location")}/continue`);
    await ada.fetch("/api/user", { method: "DELETE" });
    expect((await browser.fetch(callback)).status).toBe(400);
    expect(await rowsOf(adasId)).toEqual([]);
  });

  it("of the console, loses the session too", async () => {
    world = await World.start();
    const browser = world.browser();
    const before = await browser.open();
    await browser.call("browse");
    expect((await browser.fetch("/api/user", { method: "DELETE" })).status).toBe(403);
    expect((await browser.fetch("/api/user", { method: "DELETE", headers: { origin: consoleOrigin } })).status).toBe(200);
    expect((await browser.fetch("/api/connectors")).status).toBe(401);
    expect(await rowsOf(before)).toEqual([]);
    expect(await browser.open()).not.toBe(before);
  });

  it("while the model answers, is told nothing more and keeps no conversation", async () => {
    const asked = Promise.withResolvers<void>();
    const held = Promise.withResolvers<Response>();
    const model = await listen(() => {
      asked.resolve();
      return held.promise;
    });
    try {
      world = await World.start({ host: { model: { baseUrl: `${model.origin}/v1`, model: "small" } } });
      const browser = world.browser();
      const userId = await browser.open();
      expect((await browser.post("/api/chat", { message: "Hi" })).status).toBe(202);
      await asked.promise;
      expect((await browser.fetch("/api/user", { method: "DELETE", headers: { origin: consoleOrigin } })).status).toBe(200);
      held.resolve(Response.json({ choices: [{ message: { role: "assistant", content: "Hello" } }] }));
      await world.host.sweep();
      expect(await rowsOf(userId)).toEqual([]);
    } finally {
      await model.close();
    }
  });
});
