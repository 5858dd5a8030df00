import { httpUrl, integer, json, list, optional, port, secret, text, type Variable } from "@countersign/service/config";
import type { Secret } from "@countersign/protocol/secret";
import { z } from "zod";
import type { BankClient } from "./clients.ts";

const url = z.url({ protocol: /^https?$/ }).max(2_048);

const clientsShape = z
  .array(
    z.strictObject({
      client_id: z.string().min(1).max(200),
      jwks_uri: url,
      role: z.enum(["payee", "wallet"]),
      mandates_uri: url.exactOptional(),
      webhook_uri: url.exactOptional(),
    }),
  )
  .max(1_000);

const developmentClients = JSON.stringify([
  { client_id: "store", jwks_uri: "http://127.0.0.1:4300/.well-known/jwks.json", role: "payee" },
  { client_id: "http://localhost:4200", jwks_uri: "http://localhost:4200/jwks", role: "wallet", mandates_uri: "http://localhost:4200/mandates" },
]);

/** What the bank is told by its environment. `openingBalance` in minor units. */
export interface BankConfig {
  readonly port: number;
  readonly hostname: string;
  readonly url: string | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly data: string;
  readonly databaseUrl: Secret | undefined;
  readonly sealingKey: Secret | undefined;
  readonly openingBalance: number;
  readonly clients: readonly BankClient[];
}

/** One variable each. Every default fits development on one machine. */
export const bankConfig: { readonly [Name in keyof BankConfig]: Variable<BankConfig[Name]> } = {
  port: port({ env: "COUNTERSIGN_BANK_PORT", doc: "Port to listen on.", fallback: "4400" }),
  hostname: text({ env: "COUNTERSIGN_BANK_HOSTNAME", doc: "Address to listen on.", fallback: "127.0.0.1" }),
  url: optional(
    httpUrl({ env: "COUNTERSIGN_BANK_URL", doc: "Public origin, the audience of assertions and mandates. Default: the address listened on." }),
  ),
  hosts: optional(
    list(text({ env: "COUNTERSIGN_BANK_HOSTS", doc: "Host headers to serve. Default: the host of the public origin; without one, loopback names." })),
  ),
  data: text({ env: "COUNTERSIGN_DATA", doc: "Folder of the embedded database and the sealing key.", fallback: ".countersign" }),
  databaseUrl: optional(secret({ env: "COUNTERSIGN_BANK_DATABASE_URL", doc: "postgres://… instead of the embedded database." })),
  sealingKey: optional(
    secret({
      env: "COUNTERSIGN_BANK_SEALING_KEY",
      doc: "32 random bytes as base64url that seal the bank's signing key. Default: a file in the data folder.",
    }),
  ),
  openingBalance: integer({
    env: "COUNTERSIGN_BANK_OPENING_BALANCE",
    doc: "Minor units that each new account starts with.",
    fallback: "0",
    min: 0,
    max: 1_000_000_000,
  }),
  clients: json({
    env: "COUNTERSIGN_BANK_CLIENTS",
    doc: "Servers that may call: a list of { client_id, jwks_uri, role: payee | wallet, mandates_uri of a wallet, webhook_uri of a payee }.",
    fallback: developmentClients,
    parse: parseClients,
  }),
};

function parseClients(value: unknown): readonly BankClient[] {
  const clients = clientsShape.parse(value);
  if (new Set(clients.map((client) => client.client_id)).size !== clients.length) throw new TypeError("a client is listed twice");
  return clients.map(({ client_id, jwks_uri, role, mandates_uri, webhook_uri }) => ({
    clientId: client_id,
    jwksUri: jwks_uri,
    role,
    ...(mandates_uri === undefined ? {} : { mandatesUri: mandates_uri }),
    ...(webhook_uri === undefined ? {} : { webhookUri: webhook_uri }),
  }));
}
