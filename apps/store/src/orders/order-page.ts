import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatMinorUnits, type Money } from "@countersign/protocol/money";
import type { Sealer } from "@countersign/storage/sealed";
import { html } from "hono/html";
import type { Shop } from "../shop.ts";
import { billOf } from "../checkout/bill.ts";
import { type Order, receiptOf } from "./order.ts";
import { readAnyOrder } from "./order-rows.ts";

/** Below this path each order has a page of its own. */
export const orderPagesPath = "/orders/";

const lookPath = `${orderPagesPath}look.css`;
const sealName = "store:order-page";
const look = readFileSync(fileURLToPath(import.meta.resolve("@countersign/look/look.css")), "utf8");
/** No script, no other site, never framed, and the address, which is the right to read, goes to nobody. */
const headers = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex",
};

/**
 * The address of an order's page. Whoever has it can read what was bought, not where it went: it is for the agent who sold the order to hand to the buyer, and
 * no handle of a receipt.
 */
export function orderPageUrl(shop: Pick<Shop, "url" | "sealer">, orderId: string): string {
  return `${shop.url}${orderPagesPath}${shop.sealer.seal(orderId, sealName)}`;
}

/** Serves the pages below {@link orderPagesPath}. */
export async function serveOrderPage(shop: Shop, request: Request): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  const { pathname } = new URL(request.url);
  if (pathname === lookPath) return new Response(look, { headers: { ...headers, "content-type": "text/css", "cache-control": "max-age=3600" } });
  const id = openHandle(shop.sealer, pathname.slice(orderPagesPath.length));
  const order = id === undefined ? undefined : await readAnyOrder(shop.db, id);
  if (order === undefined) return new Response(await notFound(shop.name), { status: 404, headers });
  return new Response(await orderPage(order, shop.name), { headers });
}

function openHandle(sealer: Sealer, handle: string): string | undefined {
  const opened = handle.length > 300 ? undefined : sealer.open(handle, sealName);
  return opened?.ok === true ? opened.value : undefined;
}

type Markup = ReturnType<typeof html>;

function orderPage(order: Order, shopName: string): Promise<string> {
  const { total, paid_at } = receiptOf(order, shopName);
  // Whoever knew the checkout may have this address, and where it went is nobody's to read once it is paid.
  const items = billOf(order, (title) => title);
  const rows = items.map(
    ({
      name,
      quantity,
      amount,
    }) => html`<li><div class="grow"><bdi>${name}</bdi>${quantity === 1 ? "" : html` <span class="quiet">× ${quantity}</span>`}</div>
<span class="nums">${money(amount)}</span></li>`,
  );
  const refunded =
    order.refunded === 0
      ? ""
      : html`<li><span class="grow">Refunded</span><span class="nums">${money({ ...total, amount: order.refunded })}</span></li>`;
  const tax = order.tax?.included === true && order.tax.amount.amount > 0 ? `Includes ${order.tax.name} of ${money(order.tax.amount)}.` : "";
  return render(
    `Your order at ${shopName}`,
    html`<p class="quiet">Order <span class="mono">${order.id}</span>, paid on <time datetime="${paid_at}">${paid_at.slice(0, 10)}</time></p>
<section class="card card-flush"><ul class="list list-inset">${rows}<li><span class="strong grow">Total paid</span><span class="nums strong">${money(total)}</span></li>${refunded}</ul></section>
<p class="small quiet">${tax} The receipt with the account it was paid from is in your wallet and at the shop, after you sign in.</p>`,
  );
}

function notFound(shopName: string): Promise<string> {
  return render("There is no such order", html`<p>Please check the address, or ask ${shopName} with the number of your order.</p>`);
}

async function render(heading: string, body: Markup): Promise<string> {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${heading}</title>
<link rel="stylesheet" href="${lookPath}">
</head>
<body>
<main class="page stack">
<h1>${heading}</h1>
${body}
</main>
</body>
</html>
`;
  return String(await page);
}

function money(amount: Money): string {
  return `${formatMinorUnits(amount)} ${amount.currency}`;
}
