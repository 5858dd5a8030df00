import { Secret } from "@countersign/protocol/secret";
import { httpUrl, json, optional, port, secret, text, type Variable } from "@countersign/service/config";
import { z } from "zod";
import { parseSettings, settingsShape } from "./connectors/settings.ts";
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
  readonly connectors: readonly PreconfiguredConnector[];
  readonly clients: Readonly<Record<string, RegisteredClient>>;
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
  .array(z.strictObject({ issuer: url, client_id: z.string().min(1).max(500), client_secret: z.string().min(1).optional() }))
  .max(50);

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
  connectors: {
    ...json({
      env: "COUNTERSIGN_HOST_CONNECTORS",
      doc: "Servers that every user has: a list of { id, name, url, settings? }; settings as in the HTTP API.",
      fallback: JSON.stringify([{ id: "store", name: "Harbour Goods", url: "http://127.0.0.1:4300/mcp" }]),
      parse: parseConnectors,
    }),
    secret: true,
  },
  clients: json({
    env: "COUNTERSIGN_HOST_CLIENTS",
    doc: "OAuth clients registered beforehand: a list of { issuer, client_id, client_secret? }.",
    fallback: JSON.stringify([{ issuer: "http://localhost:4200", client_id: "countersign-host" }]),
    parse: parseClients,
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
  const clients = clientsShape
    .parse(value)
    .map(({ issuer, client_id, client_secret }): [string, RegisteredClient] => [
      issuer,
      { clientId: client_id, ...(client_secret === undefined ? {} : { clientSecret: new Secret(client_secret) }) },
    ]);
  if (new Set(clients.map(([issuer]) => issuer)).size !== clients.length) throw new TypeError("an issuer is listed twice");
  return Object.fromEntries(clients);
}
