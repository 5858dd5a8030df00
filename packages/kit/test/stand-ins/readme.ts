import type { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { answer, refused } from "@countersign/kit/answer";
import { type App, createApp } from "@countersign/kit/app";
import { either, oauth2 } from "@countersign/kit/auth";
import { createPayee, type PaymentApproval, type SignedCheckout } from "@countersign/kit/payment/payee";
import { requirePayment } from "@countersign/kit/payment/require-payment";
import { generateSigningKey } from "@countersign/kit/payment/signing-key";
import { protect, type ProtectedServer } from "@countersign/kit/protect";

// The code of packages/kit/README.md stands here, so that it is compiled and run.

interface StoredCheckout {
  readonly signed: SignedCheckout;
  /** What `rememberRequest` stored. */
  readonly stored: { readonly requestId?: string };
}

/** What an app has of its own. */
export interface Own {
  readonly html: string;
  readonly search: (query: string | undefined) => Promise<readonly string[]>;
  readonly ordersOf: (subject: string | undefined) => Promise<readonly string[]>;
  readonly load: (id: string) => Promise<StoredCheckout>;
  readonly rememberRequest: (checkout: StoredCheckout, requestId: string) => Promise<void>;
  readonly complete: (checkout: StoredCheckout, approval: PaymentApproval) => Promise<Record<string, unknown>>;
}

/** The app of the README's first and last block. */
export async function serveStore({ html, search, ordersOf, load, rememberRequest, complete }: Own): Promise<App> {
  const signingKey = await generateSigningKey();
  const payee = createPayee({ wallet: "http://localhost:4200", clientId: "store", signingKey });
  const app = createApp({ name: "store", version: "1.0.0", resource: "http://127.0.0.1:4300/mcp", issuer: "http://localhost:4200", payee });

  app.ui("shop", { html });
  app.tool(
    "browse_products",
    { description: "Products", input: z.object({ query: z.string().max(100).optional() }), auth: either(), ui: "shop" },
    async (args) => answer({ products: await search(args.query) }, "3 products"),
  );
  app.tool("list_orders", { description: "My orders", input: z.object({}), auth: oauth2("orders:read"), ui: "shop" }, async (_args, ctx) =>
    answer({ orders: await ordersOf(ctx.subject) }),
  );

  app.tool(
    "pay",
    { description: "Pay a checkout", input: z.object({ checkout_id: z.string().max(64) }), auth: either(), ui: "shop" },
    async (args, ctx) => {
      const checkout = await load(args.checkout_id);
      const payment = await requirePayment(ctx, { checkout: checkout.signed, ...checkout.stored });
      if (payment.outcome === "refused") return refused(payment.refusal);
      if (payment.outcome === "challenge") {
        await rememberRequest(checkout, payment.requestId); // then start watchPayment, so that the order completes without the client
        return payment.challenge;
      }
      return answer(await complete(checkout, payment.approval), "Paid.");
    },
  );
  return app;
}

/** The server of the block in between. */
export function protectStore(createMyServer: () => McpServer): ProtectedServer {
  const server = protect(() => createMyServer(), {
    name: "store",
    resource: "http://127.0.0.1:4300/mcp",
    issuer: "http://localhost:4200",
    tools: { browse: either(), orders: oauth2("orders:read") },
  });
  return server;
}
