import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createRotatingSealer, createSealer } from "@countersign/storage/sealed";
import { Secret } from "@countersign/protocol/secret";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSigningKey } from "../src/signing-key.ts";
import { record } from "./stand-ins/record.ts";
import { createTown, storeUrl, type Town } from "./stand-ins/town.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(async () => {
  await town.close();
});

async function connected(): Promise<Client> {
  const client = new Client({ name: "official", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(new URL(`${storeUrl}/mcp`), {
    fetch: (input, init) => town.store.fetch(new Request(input, init)),
  });
  await client.connect(transport);
  return client;
}

describe("what the store offers", () => {
  test("is listed to the official client with security, visibility and the view", async () => {
    const client = await connected();
    const { tools } = await client.listTools();
    const facts = tools.map((tool) => {
      const meta = record(tool._meta);
      const ui = record(meta["ui"]);
      const schemes = meta["securitySchemes"];
      return [tool.name, JSON.stringify(schemes), JSON.stringify(ui["visibility"]), typeof ui["resourceUri"]];
    });
    const both = '["model","app"]';
    const either = '[{"type":"noauth"},{"type":"oauth2","scopes":[]}]';
    const signedIn = '[{"type":"oauth2","scopes":["orders:read"]}]';
    expect(facts).toEqual([
      ["browse_products", either, both, "string"],
      ["get_product", either, both, "string"],
      ["create_checkout", either, both, "string"],
      ["get_checkout", either, both, "undefined"],
      ["update_checkout", either, both, "string"],
      ["cancel_checkout", either, both, "string"],
      ["pay", either, both, "string"],
      ["complete_checkout", either, both, "string"],
      ["list_orders", signedIn, both, "string"],
      ["get_order", '[{"type":"noauth"},{"type":"oauth2","scopes":["orders:read"]}]', both, "undefined"],
      ["refund_order", '[{"type":"oauth2","scopes":["orders:write"]}]', both, "string"],
      ["whoami", either, both, "undefined"],
      ["link_status", either, both, "undefined"],
      ...["link_account", "await_link", "call_linked", "unlink_account", "await_approval"].map((name) => [
        name,
        '[{"type":"noauth"}]',
        '["app"]',
        "undefined",
      ]),
    ]);
    await client.close();
  });

  test("one view, named by its content, without any origin to reach", async () => {
    const client = await connected();
    const { resources } = await client.listResources();
    const uri = resources[0]?.uri ?? "";
    const { contents } = await client.readResource({ uri });
    expect(resources).toHaveLength(1);
    expect(uri).toMatch(/^ui:\/\/store\/shop-[0-9a-f]{16}\.html$/);
    expect(contents[0]).toMatchObject({
      mimeType: "text/html;profile=mcp-app",
      text: "<!doctype html><title>shop</title>",
      _meta: { ui: { csp: {} } },
    });
    await client.close();
  });

  test("the official client browses without a token and gets structured products", async () => {
    const client = await connected();
    const result = await client.callTool({ name: "browse_products", arguments: { query: "mug" } });
    expect(record(result.structuredContent)).toMatchObject({
      total: 1,
      products: [{ id: "stoneware-mug", price: { amount: 1890, currency: "EUR" }, image: "stoneware-mug.svg", category: "kitchen", stock: 48 }],
    });
    expect(result.content).toEqual([{ type: "text", text: "1 product matches: Stoneware mug (stoneware-mug), 18.90 EUR." }]);
    await client.close();
  });
});

describe("tools", () => {
  test("give one product or a typed refusal", async () => {
    expect((await town.call("get_product", { product_id: "wall-clock" })).structured["product"]).toMatchObject({
      title: "Quiet wall clock",
      stock: 6,
    });
    expect(await town.call("get_product", { product_id: "nothing" })).toMatchObject({ isError: true, code: "not_found" });
  });

  test.each([
    ["get_product", { product_id: "x".repeat(65) }],
    ["browse_products", { limit: 0 }],
    ["browse_products", { limit: 25 }],
    ["browse_products", { category: "cars" }],
    ["browse_products", { query: "x".repeat(101) }],
    ["create_checkout", { items: [] }],
    ["create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 0 }] }],
    ["create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 1e300 }] }],
    ["create_checkout", { items: Array.from({ length: 21 }, () => ({ product_id: "stoneware-mug", quantity: 1 })) }],
    ["pay", { checkout_id: "chk_1" }],
    ["pay", {}],
    ["pay", { checkout_id: ["chk_1"] }],
  ])("P03 %s refuses %j", async (tool, args) => {
    expect(await town.call(tool, args)).toMatchObject({ isError: true, code: "invalid_arguments" });
    expect(await town.db.sql.selectFrom("checkouts").selectAll().execute()).toEqual([]);
  });

  test("P01 a price in the arguments changes nothing", async () => {
    const answer = await town.call("create_checkout", {
      items: [{ product_id: "stoneware-mug", quantity: 1, price: 1, amount: 1 }],
      total: { amount: 1 },
    });
    expect(record(answer.structured["checkout"])["total"]).toEqual({ amount: 1890, currency: "EUR" });
  });

  test("an unknown checkout is not found, on every tool that takes one", async () => {
    const checkout_id = `chk_${"A".repeat(22)}`;
    for (const tool of ["get_checkout", "pay", "complete_checkout", "cancel_checkout"])
      expect(await town.call(tool, { checkout_id })).toMatchObject({ isError: true, code: "not_found" });
  });

  test("L06 list_orders demands sign-in by 401 and serves it with the scope; a bad token is 401 on an anonymous tool too", async () => {
    expect(await town.call("list_orders", {})).toMatchObject({ status: 401, scope: "orders:read" });
    expect(await town.call("list_orders", {}, await town.wallet.token("usr_1", "other"))).toMatchObject({ status: 403, scope: "orders:read" });
    expect((await town.call("list_orders", {}, await town.wallet.token("usr_1", "orders:read"))).structured).toEqual({ orders: [] });
    expect((await town.call("browse_products", {}, "not-a-token")).status).toBe(401);
    expect((await town.call("browse_products", {}, await town.wallet.token("usr_1", "orders:read", "https://other.test/mcp"))).status).toBe(401);
  });

  test("orders come newest first, page by page, and one by one with the same receipt", async () => {
    const ids: string[] = [];
    for (const product of ["field-notebook", "linen-towel", "steel-flask"]) {
      town.clock.advance(60_000);
      const made = await town.call("create_checkout", { items: [{ product_id: product, quantity: 1 }] });
      const checkout_id = String(record(made.structured["checkout"])["id"]);
      const request = /payment:(\S+)/.exec((await town.call("pay", { checkout_id })).scope ?? "")?.[1] ?? "";
      await town.wallet.approve(request, "usr_1");
      const paid = await town.call("pay", { checkout_id }, await town.wallet.token("usr_1", `payment:${request}`));
      ids.unshift(String(record(paid.structured["order"])["id"]));
    }
    const token = await town.wallet.token("usr_1", "orders:read");
    const first = await town.call("list_orders", { limit: 2 }, token);
    const second = await town.call("list_orders", { limit: 2, cursor: first.structured["nextCursor"] }, token);
    const seen = [first, second]
      .flatMap((page) => (Array.isArray(page.structured["orders"]) ? page.structured["orders"] : []))
      .map((order) => record(order)["id"]);
    expect(seen).toEqual(ids);
    expect(second.structured["nextCursor"]).toBeUndefined();
    expect((await town.call("get_order", { order_id: ids[0] }, token)).structured["receipt"]).toMatchObject({
      number: ids[0],
      payee: "Harbour Goods",
    });
    expect(await town.call("get_order", { order_id: ids[0] }, await town.wallet.token("usr_2", "orders:read"))).toMatchObject({ code: "not_found" });
    expect(await town.call("list_orders", { cursor: ids[0] }, await town.wallet.token("usr_2", "orders:read"))).toMatchObject({
      code: "invalid_arguments",
    });
  });
});

describe("the signing key", () => {
  test("is published without its private part and survives a restart", async () => {
    const read = async (): Promise<Record<string, unknown>> =>
      record(await (await town.store.fetch(new Request(`${storeUrl}/.well-known/jwks.json`))).json());
    const before = await read();
    await town.restart();
    expect(await read()).toEqual(before);
    expect(JSON.stringify(before)).not.toContain('"d"');
    expect(before["keys"]).toMatchObject([{ kty: "EC", crv: "P-256", alg: "ES256" }]);
  });

  test("lies sealed in the database, made once by many at a time, and another sealing key does not open it", async () => {
    const row = await town.db.records({ name: "signing-key", parse: (json) => record(json) }).get("payee", 0);
    expect(String(row?.value["sealed"])).toMatch(/^s1\.k1\./);
    const sealer = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 7).toString("base64url")) } });
    const opened = await Promise.all(Array.from({ length: 5 }, () => openSigningKey(town.db, sealer)));
    expect(new Set(opened.map((key) => key.kid)).size).toBe(1);
    const other = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 8).toString("base64url")) } });
    await expect(openSigningKey(town.db, other)).rejects.toThrow("cannot be opened");
  });

  test("X02 is sealed anew under a new sealing key, and then the old one is not needed", async () => {
    const [old, next] = [7, 9].map((byte) => new Secret(Buffer.alloc(32, byte).toString("base64url")));
    if (old === undefined || next === undefined) throw new TypeError("two keys");
    const before = await openSigningKey(town.db, createRotatingSealer(old));
    const both = createRotatingSealer(next, [old]);
    expect((await Promise.all([openSigningKey(town.db, both), openSigningKey(town.db, both)])).map((key) => key.kid)).toEqual([
      before.kid,
      before.kid,
    ]);
    expect((await openSigningKey(town.db, createRotatingSealer(next))).kid).toBe(before.kid);
    await expect(openSigningKey(town.db, createRotatingSealer(old))).rejects.toThrow("cannot be opened");
  });
});
