import { clientAuthMethods } from "@countersign/protocol/client-authentication";
import { Secret } from "@countersign/protocol/secret";
import { isSecureOrLoopback } from "@countersign/protocol/resource";
import { flag, httpUrl, integer, json, list, optional, port, secret, text, type Variable } from "@countersign/service/config";
import { z } from "zod";
import { parseSettings, settingsShape } from "./connectors/settings.ts";
import { type ApiClient, ApiClients, digestOfKey } from "./api-clients.ts";
import type { PreconfiguredConnector, RegisteredClient } from "./options.ts";

/** What the host is told by its environment. */
export interface HostConfig {
  readonly publicUrl: string;
  readonly widgetOrigin: string;
  readonly port: number;
  readonly widgetPort: number;
  readonly hostname: string;
  readonly data: string;
  readonly databaseUrl: Secret | undefined;
  readonly sealingKey: Secret | undefined;
  readonly otherSealingKeys: readonly Secret[];
  readonly connectors: readonly PreconfiguredConnector[];
  readonly clients: Readonly<Record<string, RegisteredClient>>;
  readonly apiClients: readonly ApiClient[];
  readonly rateFactor: number;
  readonly behindProxy: boolean;
  readonly clientMetadataUrl: string | undefined;
  readonly modelUrl: string | undefined;
  readonly model: string;
  readonly modelKey: Secret | undefined;
}

const url = z.url({ protocol: /^https?$/ }).max(2048);

const connectorsShape = z
  .array(
    z.strictObject({
      id: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/),
      name: z.string().min(1).max(120),
      url,
      settings: settingsShape.optional(),
    }),
  )
  .max(50);

const clientsShape = z
  .array(
    z.strictObject({
      issuer: url,
      client_id: z.string().min(1).max(500),
      client_secret: z.string().min(1).optional(),
      token_endpoint_auth_method: z.enum(clientAuthMethods).optional(),
    }),
  )
  .max(50);

const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text && isSecureOrLoopback(new URL(text)));

/** A key, or better its digest, so that the configuration holds nothing that opens a door. */
const apiClientsShape = z
  .array(
    z.strictObject({
      id: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/),
      name: z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,60}$/u),
      key: z
        .string()
        .regex(/^[A-Za-z0-9._~+/=-]{32,512}$/)
        .optional(),
      key_sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
      origins: z.array(origin).max(20).default([]),
    }),
  )
  .max(100);

/** One variable each. Every default fits development on one machine. */
export const hostConfig: { readonly [Name in keyof HostConfig]: Variable<HostConfig[Name]> } = {
  publicUrl: httpUrl({ env: "COUNTERSIGN_HOST_URL", doc: "Public origin of the console.", fallback: "http://127.0.0.1:4100" }),
  widgetOrigin: text({
    env: "COUNTERSIGN_WIDGET_ORIGIN",
    doc: "Origin of the widget pages, with {app} where each app's own label stands; never a site that shares cookies with the console.",
    fallback: "http://{app}.localhost:4101",
  }),
  port: port({ env: "COUNTERSIGN_HOST_PORT", doc: "Port of the console.", fallback: "4100" }),
  widgetPort: port({ env: "COUNTERSIGN_WIDGET_PORT", doc: "Port of the widget pages.", fallback: "4101" }),
  hostname: text({ env: "COUNTERSIGN_HOST_HOSTNAME", doc: "Address to listen on.", fallback: "127.0.0.1" }),
  data: text({ env: "COUNTERSIGN_DATA", doc: "Folder of the key file and the embedded database.", fallback: ".countersign" }),
  databaseUrl: optional(secret({ env: "COUNTERSIGN_HOST_DATABASE_URL", doc: "postgres://… instead of the embedded database." })),
  sealingKey: optional(
    secret({ env: "COUNTERSIGN_KEY", doc: "32 bytes as base64url that seal tokens and arguments at rest; unset, the key file in the data folder." }),
  ),
  otherSealingKeys: list(
    secret({
      env: "COUNTERSIGN_KEY_OTHERS",
      doc: "Keys that open what they sealed and seal nothing, separated by commas: the one that COUNTERSIGN_KEY replaces, or the one that will replace it.",
      fallback: "",
    }),
  ),
  connectors: {
    ...json({
      env: "COUNTERSIGN_HOST_CONNECTORS",
      doc: "Servers that every user has: a list of { id, name, url, settings? }; settings as in the HTTP API.",
      fallback: JSON.stringify([{ id: "store", name: "Harbour Goods", url: "http://127.0.0.1:4300/mcp" }]),
      parse: parseConnectors,
    }),
    secret: true,
  },
  // A secret may stand in it, so it is never printed.
  clients: {
    ...json({
      env: "COUNTERSIGN_HOST_CLIENTS",
      doc: "OAuth clients registered beforehand: a list of { issuer, client_id, client_secret?, token_endpoint_auth_method? }.",
      fallback: JSON.stringify([{ issuer: "http://localhost:4200", client_id: "countersign-host" }]),
      parse: parseClients,
    }),
    secret: true,
  },
  // A key may stand in it.
  apiClients: {
    ...json({
      env: "COUNTERSIGN_HOST_API_CLIENTS",
      doc: "Products that embed this host: a list of { id, name, key_sha256 or key (32 to 512 characters), origins of their pages }.",
      fallback: "[]",
      parse: parseApiClients,
    }),
    secret: true,
  },
  clientMetadataUrl: optional(
    httpUrl({
      env: "COUNTERSIGN_HOST_CLIENT_METADATA_URL",
      doc: "Address of a client metadata document that lists every callback of this host; unset, the host publishes one for each.",
    }),
  ),
  rateFactor: integer({
    env: "COUNTERSIGN_HOST_RATE_FACTOR",
    doc: "Multiplies every bound on how often a user, a product or an address may ask.",
    fallback: "1",
    min: 1,
    max: 1000,
  }),
  behindProxy: flag({
    env: "COUNTERSIGN_HOST_BEHIND_PROXY",
    doc: "true when exactly one proxy stands in front and sets X-Forwarded-For; otherwise the connection's own address counts.",
    fallback: "false",
  }),
  modelUrl: optional(httpUrl({ env: "COUNTERSIGN_MODEL_URL", doc: "OpenAI-compatible endpoint for the chat, up to /v1. Unset, there is no chat." })),
  model: text({ env: "COUNTERSIGN_MODEL", doc: "Name of the model at that endpoint.", fallback: "default" }),
  modelKey: optional(secret({ env: "COUNTERSIGN_MODEL_KEY", doc: "API key of that endpoint." })),
};

function parseConnectors(value: unknown): readonly PreconfiguredConnector[] {
  return connectorsShape.parse(value).map(({ settings, ...connector }) => {
    if (settings === undefined) return connector;
    const parsed = parseSettings(settings);
    if (!parsed.ok) throw new TypeError(parsed.error.detail);
    return { ...connector, settings: parsed.value };
  });
}

function parseClients(value: unknown): Readonly<Record<string, RegisteredClient>> {
  const clients = clientsShape.parse(value).map(({ issuer, client_id, client_secret, token_endpoint_auth_method }): [string, RegisteredClient] => [
    issuer,
    {
      clientId: client_id,
      ...(client_secret === undefined ? {} : { clientSecret: new Secret(client_secret) }),
      ...(token_endpoint_auth_method === undefined ? {} : { tokenEndpointAuthMethod: token_endpoint_auth_method }),
    },
  ]);
  if (new Set(clients.map(([issuer]) => issuer)).size !== clients.length) throw new TypeError("an issuer is listed twice");
  return Object.fromEntries(clients);
}

function parseApiClients(value: unknown): readonly ApiClient[] {
  const clients = apiClientsShape.parse(value).map(({ id, name, key, key_sha256, origins }) => {
    if ((key === undefined) === (key_sha256 === undefined)) throw new TypeError("a client has a key or its digest");
    return { id, name, keyDigest: key_sha256 ?? digestOfKey(key ?? ""), origins };
  });
  // Ids and keys that occur twice stop the start like any other mistake here.
  void new ApiClients(clients);
  return clients;
}
