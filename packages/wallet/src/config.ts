import type { ConfigSchema, Variable } from "@countersign/service/config";
import { isTimeZone, type LimitsByCurrency, parseLimitsByCurrency } from "@countersign/protocol/limits";
import { flag, httpUrl, integer, json, list, optional, port, secret, text, type VariableOptions } from "@countersign/service/config";
import { parseResourceUri } from "@countersign/protocol/resource";
import { err, ok } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";
import { z } from "zod";
import { defaultLimits } from "./limits/settings.ts";
import type { ConfiguredClient } from "./client-secrets.ts";
import { deviceGrant, type OpenClients, type WalletResource } from "./options.ts";

const url = z.url({ protocol: /^https?$/ });

const client = z.strictObject({
  client_id: z.string().min(1).max(512),
  client_name: z.string().min(1).max(120),
  client_uri: url.exactOptional(),
  token_endpoint_auth_method: z.enum(["none", "private_key_jwt", "client_secret_basic", "client_secret_post"]),
  token_endpoint_auth_signing_alg: z.enum(["ES256", "RS256"]).exactOptional(),
  client_secret_env: z.string().min(1).max(200).exactOptional(),
  client_secret_file: z.string().min(1).max(4096).exactOptional(),
  grant_types: z.array(z.enum(["authorization_code", "refresh_token", "client_credentials", deviceGrant])),
  redirect_uris: z.array(z.string()).exactOptional(),
  application_type: z.enum(["web", "native"]).exactOptional(),
  jwks_uri: url.exactOptional(),
  webhook_uri: url.max(2048).exactOptional(),
});

/** Requests name resources in any form; they are compared in the canonical one, so another form here would never be found. */
const resourceUri = url.refine((text) => {
  const canonical = parseResourceUri(text);
  return canonical.ok && canonical.value === text;
}, "a resource is written in its canonical form");

const resource = z.strictObject({
  resource: resourceUri,
  name: z.string().min(1).max(120),
  client_id: z.string().min(1).max(200).optional(),
  scopes: z.record(z.string().min(1), z.string().min(1)),
});

/** Limits by currency, as given or not at all. */
function parseLimitsOrThrow(value: unknown): LimitsByCurrency {
  const limits = parseLimitsByCurrency(value);
  if (!limits.ok) throw new TypeError(limits.error.detail ?? limits.error.code);
  return limits.value;
}

interface WalletConfig extends ConfigSchema {
  readonly publicUrl: Variable<string>;
  readonly port: Variable<number>;
  readonly hostname: Variable<string>;
  readonly data: Variable<string>;
  readonly databaseUrl: Variable<Secret | undefined>;
  readonly sealingKey: Variable<Secret | undefined>;
  readonly otherSealingKeys: Variable<readonly Secret[]>;
  readonly bankUrl: Variable<string>;
  readonly clients: Variable<readonly ConfiguredClient[]>;
  readonly resources: Variable<readonly WalletResource[]>;
  readonly limits: Variable<LimitsByCurrency>;
  readonly timeZone: Variable<string>;
  readonly clientDocuments: Variable<OpenClients["documents"]>;
  readonly clientRegistration: Variable<boolean>;
  readonly rateFactor: Variable<number>;
  readonly behindProxy: Variable<boolean>;
}

/** The wallet's environment. */
export const walletConfig: WalletConfig = {
  publicUrl: httpUrl({
    env: "COUNTERSIGN_WALLET_URL",
    doc: "The wallet's public origin: issuer and passkey host.",
    fallback: "http://localhost:4200",
  }),
  port: port({ env: "COUNTERSIGN_WALLET_PORT", doc: "The port to listen on.", fallback: "4200" }),
  hostname: text({ env: "COUNTERSIGN_WALLET_HOSTNAME", doc: "The address to listen on.", fallback: "127.0.0.1" }),
  data: text({ env: "COUNTERSIGN_DATA", doc: "The folder for the key file and the embedded database.", fallback: ".countersign" }),
  databaseUrl: optional(
    secret({ env: "COUNTERSIGN_WALLET_DATABASE_URL", doc: "PostgreSQL for several instances; unset, the embedded database in the data folder." }),
  ),
  sealingKey: optional(
    secret({
      env: "COUNTERSIGN_WALLET_SEALING_KEY",
      doc: "32 bytes as base64url that seal secrets at rest; unset, the key file in the data folder.",
    }),
  ),
  otherSealingKeys: list(
    secret({
      env: "COUNTERSIGN_WALLET_SEALING_KEY_OTHERS",
      doc: "Keys that open what they sealed and seal nothing, separated by commas: the one that COUNTERSIGN_WALLET_SEALING_KEY replaces, or the one that will replace it.",
      fallback: "",
    }),
  ),
  bankUrl: httpUrl({ env: "COUNTERSIGN_BANK_URL", doc: "The bank's origin.", fallback: "http://127.0.0.1:4400" }),
  clients: json({
    env: "COUNTERSIGN_WALLET_CLIENTS",
    doc: "The registered clients: a list in the words of RFC 7591; a secret by client_secret_env or client_secret_file.",
    fallback: "[]",
    parse: parseClients,
  }),
  resources: json({
    env: "COUNTERSIGN_WALLET_RESOURCES",
    doc: "The resource servers: a list of { resource, name, scopes: { scope: line on the consent page }, client_id of the server that introspects }.",
    fallback: "[]",
    parse: parseResources,
  }),
  limits: json({
    env: "COUNTERSIGN_WALLET_LIMITS",
    doc: "What accounts that set no limits may spend, in minor units: { currency: { payment, otherDevice, day, month, payee } }. Nothing is spent in other currencies.",
    fallback: JSON.stringify(defaultLimits.limits),
    parse: parseLimitsOrThrow,
  }),
  timeZone: {
    ...text({
      env: "COUNTERSIGN_WALLET_TIME_ZONE",
      doc: "The IANA time zone in which the days and months of accounts begin that have chosen none.",
      fallback: defaultLimits.timeZone,
    }),
    type: "time zone",
    parse: (value) => (isTimeZone(value) ? ok(value) : err("must be an IANA time zone, such as Europe/Berlin")),
  },
  clientDocuments: clientDocuments({
    env: "COUNTERSIGN_WALLET_CLIENT_DOCUMENTS",
    doc: "Whose clients are taken by their metadata document: any host, none, or a list of hosts.",
    fallback: "any",
  }),
  clientRegistration: flag({
    env: "COUNTERSIGN_WALLET_CLIENT_REGISTRATION",
    doc: "Whether clients may register themselves at /register (RFC 7591); MCP has put metadata documents in its place.",
    fallback: "false",
  }),
  rateFactor: integer({
    env: "COUNTERSIGN_WALLET_RATE_FACTOR",
    doc: "Multiplies every bound on how often an address, a payee or a browser may ask.",
    fallback: "1",
    min: 1,
    max: 1000,
  }),
  behindProxy: flag({
    env: "COUNTERSIGN_WALLET_BEHIND_PROXY",
    doc: "true when exactly one proxy stands in front and sets X-Forwarded-For; otherwise the connection's own address counts.",
    fallback: "false",
  }),
};

function parseResources(value: unknown): readonly WalletResource[] {
  return z
    .array(resource)
    .parse(value)
    .map(({ client_id, ...rest }) => ({ ...rest, ...(client_id === undefined ? {} : { client_id }) }));
}

/** `any`, `none`, or host names. */
function clientDocuments(options: VariableOptions): Variable<OpenClients["documents"]> {
  const hosts = list(text(options));
  return {
    ...hosts,
    type: "any | none | list of hosts",
    parse: (value) => {
      if (value === "any" || value === "none") return ok(value);
      const named = hosts.parse(value);
      return named.ok && !named.value.every(isHost) ? err("must be any, none, or host names separated by commas") : named;
    },
  };
}

function isHost(host: string): boolean {
  return URL.parse(`https://${host}/`)?.host === host;
}

function parseClients(value: unknown): readonly ConfiguredClient[] {
  return z.array(client).parse(value);
}
