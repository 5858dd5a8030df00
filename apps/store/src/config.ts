import { fileURLToPath } from "node:url";
import { httpUrl, json, list, optional, port, secret, text, type Variable } from "@countersign/service/config";
import type { Secret } from "@countersign/protocol/secret";
import { type AcpAgent, readAgents } from "./acp/agents.ts";
import { z } from "zod";
import { type RefundLimits, refundLimits } from "./refunds/refund-approval.ts";

const limitsShape = z.record(z.string().regex(/^[A-Z]{3}$/), z.int().nonnegative());

/** What the store is told by its environment. */
export interface StoreConfig {
  readonly port: number;
  readonly hostname: string;
  readonly url: string | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly allowedOrigins: readonly string[] | undefined;
  readonly wallet: string;
  readonly bank: string;
  readonly clientId: string;
  readonly name: string;
  readonly agents: readonly AcpAgent[];
  readonly data: string;
  readonly databaseUrl: Secret | undefined;
  readonly sealingKey: Secret | undefined;
  readonly refundLimits: RefundLimits;
  readonly widgetFile: string;
}

/** One variable each. Every default fits development on one machine. */
export const storeConfig: { readonly [Name in keyof StoreConfig]: Variable<StoreConfig[Name]> } = {
  port: port({ env: "COUNTERSIGN_STORE_PORT", doc: "Port to listen on.", fallback: "4300" }),
  hostname: text({ env: "COUNTERSIGN_STORE_HOSTNAME", doc: "Address to listen on.", fallback: "127.0.0.1" }),
  url: optional(
    httpUrl({ env: "COUNTERSIGN_STORE_URL", doc: "Public origin; the MCP endpoint is /mcp below it. Default: the address listened on." }),
  ),
  hosts: optional(
    list(
      text({ env: "COUNTERSIGN_STORE_HOSTS", doc: "Host headers to serve. Default: the host of the public origin; without one, loopback names." }),
    ),
  ),
  allowedOrigins: optional(
    list(httpUrl({ env: "COUNTERSIGN_STORE_ORIGINS", doc: "Browser origins that may call the MCP endpoint, besides the store's own." })),
  ),
  wallet: httpUrl({ env: "COUNTERSIGN_WALLET_URL", doc: "Issuer of the wallet.", fallback: "http://localhost:4200" }),
  bank: httpUrl({ env: "COUNTERSIGN_BANK_URL", doc: "Origin of the bank.", fallback: "http://127.0.0.1:4400" }),
  clientId: text({
    env: "COUNTERSIGN_STORE_CLIENT_ID",
    doc: "The store's client id at the wallet and the bank, which is its payee id.",
    fallback: "store",
  }),
  name: text({ env: "COUNTERSIGN_STORE_NAME", doc: "The shop's name on receipts.", fallback: "Harbour Goods" }),
  agents: {
    ...json({
      env: "COUNTERSIGN_STORE_AGENTS",
      doc: "Shopping agents that may buy over ACP, as JSON: [{ id, key_sha256 (of the API key, base64url), webhook: { url, secret } or absent }]. Default: none.",
      fallback: "[]",
      parse: readAgents,
    }),
    secret: true,
  },
  data: text({ env: "COUNTERSIGN_DATA", doc: "Folder of the embedded database and the sealing key.", fallback: ".countersign" }),
  databaseUrl: optional(secret({ env: "COUNTERSIGN_STORE_DATABASE_URL", doc: "postgres://… instead of the embedded database." })),
  sealingKey: optional(
    secret({
      env: "COUNTERSIGN_STORE_SEALING_KEY",
      doc: "32 random bytes as base64url that seal keys and mandates. Default: a file in the data folder.",
    }),
  ),
  refundLimits: json({
    env: "COUNTERSIGN_STORE_REFUND_LIMITS",
    doc: "Minor units of an order, by currency, that are refunded without the user's passkey; a currency that is not named always needs it.",
    fallback: JSON.stringify(refundLimits),
    parse: (value) => limitsShape.parse(value),
  }),
  widgetFile: text({
    env: "COUNTERSIGN_STORE_WIDGET",
    doc: "The built view.",
    fallback: fileURLToPath(new URL("../widget/dist/shop.html", import.meta.url)),
  }),
};
