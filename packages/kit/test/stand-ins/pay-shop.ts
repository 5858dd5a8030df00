import { z } from "zod";
import { answer, refused } from "../../src/answer.ts";
import { type App, type AppOptions, createApp } from "../../src/app.ts";
import { either, oauth2 } from "../../src/auth.ts";
import type { SignedCheckout } from "../../src/payment/payee.ts";
import { requirePayment } from "../../src/payment/require-payment.ts";
import type { AppEvent } from "../../src/report.ts";
import type { TestClock } from "./clock.ts";
import { endpoint, type Era, readRpc, rpcRequest } from "./shop.ts";
import type { TestWallet } from "./wallet.ts";

/** An app whose tool `pay` is the one of the kit's guide; `buy` is the same for signed-in users only. */
export interface PayShop {
  readonly app: Pick<App, "fetch" | "close">;
  readonly events: AppEvent[];
  /** Names of the tools whose handler ran. */
  readonly ran: string[];
}

export function createPayShop(wallet: TestWallet, clock: TestClock, checkout: SignedCheckout, options: Partial<AppOptions> = {}): PayShop {
  const events: AppEvent[] = [];
  const ran: string[] = [];
  let stored: string | undefined;
  const app = createApp({
    name: "store",
    version: "1",
    resource: endpoint,
    issuer: wallet.issuer.issuer,
    payee: wallet.payee,
    clock: clock.now,
    fetch: wallet.issuer.fetch,
    report: (event) => events.push(event),
    ...options,
  });
  const input = z.object({ checkout_id: z.string(), note: z.string().optional() });
  for (const [name, auth] of [
    ["pay", either()],
    ["buy", oauth2("orders:write")],
  ] as const) {
    if (auth.mode === "required" && options.issuer === undefined && "issuer" in options) continue;
    app.tool(name, { description: "pay", input, auth }, async (_args, ctx) => {
      ran.push(name);
      const payment = await requirePayment(ctx, stored === undefined ? { checkout } : { checkout, requestId: stored });
      if (payment.outcome === "refused") return refused(payment.refusal);
      stored = payment.requestId;
      if (payment.outcome === "challenge") return payment.challenge;
      return answer({ paid: payment.approval.claims.payment_amount.amount }, "Paid.", { receipt: "r_1" });
    });
  }
  return { app, events, ran };
}

/** How a client presents itself, and what it comes back with. */
export interface Presented {
  readonly era?: Era;
  readonly elicitsUrls?: boolean;
  readonly userAgent?: string;
  readonly token?: string;
  readonly args?: Record<string, unknown>;
  readonly state?: unknown;
  readonly answers?: Record<string, unknown>;
}

type Reply = Awaited<ReturnType<typeof readRpc>> & { readonly status: number };

/** Calls a tool as such a client. A challenge by HTTP has only a status. */
export async function callAs(shop: PayShop, tool: string, client: Presented = {}): Promise<Reply> {
  const capabilities = client.elicitsUrls === true ? { "io.modelcontextprotocol/clientCapabilities": { elicitation: { url: {} } } } : {};
  const params = {
    name: tool,
    arguments: client.args ?? { checkout_id: "co_1" },
    _meta: capabilities,
    ...(client.state === undefined ? {} : { requestState: client.state }),
    ...(client.answers === undefined ? {} : { inputResponses: client.answers }),
  };
  const headers = { "user-agent": client.userAgent, authorization: client.token && `Bearer ${client.token}` };
  const response = await shop.app.fetch(rpcRequest(client.era ?? "2026-07-28", "tools/call", params, headers));
  const { status } = response;
  return status === 401 || status === 403 ? { status } : { status, ...(await readRpc(response)) };
}
