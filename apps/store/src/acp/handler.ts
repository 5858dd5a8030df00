import { walletHandler } from "../payment/wallet-handler.ts";

/** What its credential names: the session that the buyer approves. It is no secret, for what authorizes is the approval. */
export const credentialType = "checkout_session";

const base = "/acp/handlers/wallet";
const configSchemaPath = `${base}/config.schema.json`;
const instrumentSchemaPath = `${base}/instrument.schema.json`;

/** One of `capabilities.payment.handlers` (ACP payment handlers, section 5.1). */
export interface PaymentHandler {
  readonly id: string;
  readonly name: string;
  readonly display_name: string;
  readonly version: string;
  readonly spec: string;
  readonly requires_delegate_payment: boolean;
  readonly requires_pci_compliance: boolean;
  readonly psp: string;
  readonly config_schema: string;
  readonly instrument_schemas: readonly string[];
  readonly config: { readonly wallet: string; readonly payee: string };
}

/** The wallet as a payment handler that the store declares itself: nothing is delegated, because the buyer approves exactly this session at the wallet. */
export function declareHandler(store: string, wallet: string, payee: string): PaymentHandler {
  return {
    id: walletHandler.id,
    name: walletHandler.name,
    display_name: "Wallet",
    version: walletHandler.version,
    spec: `${store}${base}`,
    requires_delegate_payment: false,
    requires_pci_compliance: false,
    psp: "countersign",
    config_schema: `${store}${configSchemaPath}`,
    instrument_schemas: [`${store}${instrumentSchemaPath}`],
    config: { wallet, payee },
  };
}

const dialect = "https://json-schema.org/draft/2020-12/schema";

const configSchema = {
  $schema: dialect,
  title: "Where the buyer approves",
  type: "object",
  additionalProperties: false,
  required: ["wallet", "payee"],
  properties: {
    wallet: { type: "string", format: "uri", description: "Issuer of the wallet" },
    payee: { type: "string", description: "The payee that the buyer sees and approves" },
  },
};

const instrumentSchema = {
  $schema: dialect,
  title: "The buyer's approval of one session",
  type: "object",
  required: ["type", "credential"],
  properties: {
    type: { const: walletHandler.instrument },
    credential: {
      type: "object",
      required: ["type", "token"],
      properties: { type: { const: credentialType }, token: { type: "string", description: "Id of the session; no secret" } },
    },
  },
};

const specification = `Payment by wallet, version ${walletHandler.version}

The buyer approves payee, items and total with a passkey on a page of their wallet. The agent holds no credential and sees none.

1. Complete the session with payment_data:
   {"handler_id": "${walletHandler.id}", "instrument": {"type": "${walletHandler.instrument}", "credential": {"type": "${credentialType}", "token": "<id of the session>"}}}
2. The answer is requires_escalation with a message approval_required, resolution requires_buyer_review, and continue_url. Show that address to the buyer.
   It may be opened on any device, until the time that expires_at tells.
3. The order completes by itself once the buyer has approved. Read the session, or complete it again under a new Idempotency-Key: the answer is completed with the
   order, complete_in_progress while the bank has not answered, or ready_for_payment with payment_declined.

However often a session is completed, it is charged at most once.
`;

/** What the handler's addresses show. */
export function readHandlerDocument(pathname: string): Response | undefined {
  switch (pathname) {
    case base:
      return new Response(specification, { headers: { ...headers, "content-type": "text/plain; charset=utf-8" } });
    case configSchemaPath:
      return Response.json(configSchema, { headers });
    case instrumentSchemaPath:
      return Response.json(instrumentSchema, { headers });
    default:
      return undefined;
  }
}

const headers = { "cache-control": "public, max-age=3600", "x-content-type-options": "nosniff" };
