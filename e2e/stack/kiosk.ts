import { randomUUID } from "node:crypto";
import { answer, refused, type ToolAnswer } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { anonymous, either, oauth2 } from "@countersign/kit/auth";
import type { ToolContext } from "@countersign/kit/context";
import { createPayee } from "@countersign/kit/payment/payee";
import { requirePayment } from "@countersign/kit/payment/require-payment";
import { generateSigningKey } from "@countersign/kit/payment/signing-key";
import { handled, protect } from "@countersign/kit/protect";
import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { createSales, type Reservation, type Sales } from "../../examples/payment/sales.ts";
import type { ExamplePlace } from "./run-example.ts";

/** What its `countersign.json` would say. */
export const kioskDescription = {
  name: "kiosk",
  title: "Kiosk",
  resource: "http://127.0.0.1:1/mcp",
  issuer: "http://localhost:4200",
  scopes: { "orders:read": "See your orders", "orders:write": "Change your orders" },
  payee: "kiosk",
};

interface Counter {
  readonly sales: Sales;
  readonly reservations: Map<string, Reservation>;
}

/** A server of the official SDK that was there before the kit, with the kit's policy in front. Its tool `ledger`, which gives secrets away, is not in the policy. */
export async function makeKiosk({ resource, issuer, bank, payee: clientId }: ExamplePlace): Promise<Pick<App, "fetch" | "close">> {
  const payee = createPayee({ wallet: issuer, clientId, signingKey: await generateSigningKey() });
  const closing = new AbortController();
  const counter: Counter = { sales: createSales({ payee, bank, resource, signal: closing.signal }), reservations: new Map() };
  const server = protect(() => createKiosk(counter), {
    name: "Kiosk",
    resource,
    issuer,
    payee,
    tools: {
      browse: either("orders:read"),
      reserve: anonymous(),
      pay: either(),
      orders: oauth2("orders:read"),
      rename_order: oauth2("orders:read", "orders:write"),
    },
    resources: { "orders://*": oauth2("orders:read") },
    prompts: { greet: anonymous(), summary: oauth2("orders:read") },
  });
  return {
    fetch: server.fetch,
    async close() {
      closing.abort();
      await server.close();
    },
  };
}

function createKiosk(counter: Counter): McpServer {
  const server = new McpServer({ name: "kiosk", version: "1.0.0" });
  const { reservations } = counter;
  const inputSchema = z.object({ id: z.string().max(40).optional() });
  const own = (subject: string | undefined): readonly { readonly id: string }[] =>
    [...reservations.values()].filter((each) => each.owner === subject).map(({ id }) => ({ id }));
  const add = (name: string, handler: Parameters<typeof handled<{ readonly id?: string | undefined }>>[0]): void =>
    void server.registerTool(name, { description: name, inputSchema }, handled(handler));

  add("browse", (_args, ctx) => answer({ shows: ["Macbeth"], knowsYou: ctx.scope.has("orders:read") }));
  add("reserve", () => {
    const id = randomUUID();
    reservations.set(id, { id, show: "Macbeth" });
    return answer({ id });
  });
  add("pay", async ({ id }, ctx) => await pay(counter, id, ctx));
  add("orders", (_args, ctx) => answer({ orders: own(ctx.subject) }));
  add("rename_order", (_args, ctx) => answer({ renamed: own(ctx.subject).length }));
  add("ledger", () => answer({ secret: "takings" }));
  server.registerResource("recent", "orders://recent", {}, ({ href }, { http }) => {
    return { contents: [{ uri: href, text: `orders of ${String(http?.authInfo?.extra?.["subject"])}` }] };
  });
  for (const name of ["greet", "summary"]) {
    server.registerPrompt(name, {}, () => ({ messages: [{ role: "user", content: { type: "text", text: name } }] }));
  }
  return server;
}

async function pay({ sales, reservations }: Counter, id: string | undefined, ctx: ToolContext): Promise<ToolAnswer> {
  const reservation = reservations.get(id ?? "");
  if (reservation === undefined) return refused({ code: "not_found" });
  const payment = await requirePayment(ctx, { checkout: await sales.checkoutOf(reservation) });
  if (payment.outcome === "refused") return refused(payment.refusal);
  if (payment.outcome === "challenge") return payment.challenge;
  const outcome = await sales.settle(reservation, payment.approval);
  return outcome === "captured" ? answer({ order: { id: reservation.id } }) : refused({ code: "payment_declined" });
}
