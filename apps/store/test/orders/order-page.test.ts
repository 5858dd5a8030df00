import { afterEach, beforeEach, expect, test } from "vitest";
import { record } from "../stand-ins/record.ts";
import { createTown, storeUrl, type Town } from "../stand-ins/town.ts";
import { overRest } from "../ucp/platform.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown({ name: "Harbour <Goods>" });
});
afterEach(async () => {
  await town.close();
});

async function buy(): Promise<{ readonly id: string; readonly url: string }> {
  const call = overRest(town);
  const destination = {
    first_name: "A.",
    last_name: "Buyer",
    street_address: "<b>Broadway</b> 1",
    postal_code: "94607",
    address_locality: "Oakland",
    address_region: "CA",
    address_country: "US",
  };
  const fulfillment = { methods: [{ type: "shipping", destinations: [destination] }] };
  const made = await call("create", { body: { line_items: [{ item: { id: "stoneware-mug" }, quantity: 2 }], fulfillment } });
  const id = String(made.body["id"]);
  const asked = await call("complete", { id, key: "k".repeat(30), body: {} });
  await town.wallet.approve(String(asked.body["continue_url"]).split("/").at(-1) ?? "", "usr_1");
  const done = record((await call("complete", { id, key: "l".repeat(30), body: {} })).body["order"]);
  return { id: String(done["id"]), url: String(done["permalink_url"]) };
}

const open = (url: string, method = "GET"): Promise<Response> => town.store.fetch(new Request(url, { method }));

test("shows what was bought to whoever was given its address, and neither who paid, nor from what, nor where it went", async () => {
  const { id, url } = await buy();
  const page = await open(url);
  const text = await page.text();
  expect(page.status).toBe(200);
  for (const part of [id, "Stoneware mug", "62.49 EUR", "Sales tax 7.25 %", "Harbour &lt;Goods&gt;"]) expect(text).toContain(part);
  for (const secret of ["usr_1", "Account 4821", "Broadway", "94607", "Oakland", "<Goods>", "<script"]) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/eyJ[\w-]{10,}\.[\w-]/);
});

test("says what was refunded", async () => {
  const { id, url } = await buy();
  expect(await (await open(url)).text()).not.toContain("Refunded");
  const token = await town.wallet.token("usr_1", "orders:read orders:write");
  expect((await town.call("refund_order", { order_id: id, amount_minor: 1890 }, token)).isError).toBe(false);
  expect(await (await open(url)).text()).toMatch(/Refunded<\/span><span class="nums">18\.90 EUR/);
});

test("goes to nobody else: no referrer, no cache, no frame, no script, no index", async () => {
  const { url } = await buy();
  const { headers } = await open(url);
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("x-robots-tag")).toBe("noindex");
  expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
});

test("is not there for an order's number, a handle of another use, a changed one, or none; and is only read", async () => {
  const { id, url } = await buy();
  const handle = url.split("/").at(-1) ?? "";
  const receipt = "s1.k1.AAAA";
  const changed = `${handle.slice(0, -2)}${handle.endsWith("AA") ? "BB" : "AA"}`;
  for (const other of [id, receipt, changed, "", `${handle}/x`, "x".repeat(400), "../mcp"]) {
    const page = await open(`${storeUrl}/orders/${other}`);
    expect([other, page.status === 404 || page.status === 405]).toEqual([other, true]);
    expect(await page.text()).not.toContain(id);
  }
  expect((await open(url, "POST")).status).toBe(405);
});

test("its address reads no receipt", async () => {
  const { id, url } = await buy();
  const handle = url.split("/").at(-1);
  const told = await town.call("get_order", { order_id: id, receipt_handle: handle });
  expect(told).toMatchObject({ isError: true, code: "not_found" });
});

test("has the shop's style and nothing of another site", async () => {
  const { url } = await buy();
  const text = await (await open(url)).text();
  const links = [...text.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1]);
  expect(links).toEqual(["/orders/look.css"]);
  const style = await open(`${storeUrl}/orders/look.css`);
  expect([style.status, style.headers.get("content-type")]).toEqual([200, "text/css"]);
});
