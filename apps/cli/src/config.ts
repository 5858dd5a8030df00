import { type HostConfig, hostConfig } from "@countersign/host/config";
import type { Secret } from "@countersign/protocol/secret";
import { choice, httpUrl, integer, optional, port, secret, text, type Variable } from "@countersign/service/config";
import type { LogLevel } from "@countersign/service/log";
import { type StoreConfig, storeConfig } from "@countersign/store/config";

/** What `countersign up` is told by its environment. */
export interface UpConfig {
  readonly consolePort: number;
  readonly widgetPort: number;
  readonly walletPort: number;
  readonly storePort: number;
  readonly bankPort: number;
  readonly data: string;
  readonly openingBalance: number;
  readonly logLevel: LogLevel;
  readonly modelUrl: string | undefined;
  readonly modelName: string;
  readonly modelKey: Secret | undefined;
  readonly apiClients: HostConfig["apiClients"];
  readonly agents: StoreConfig["agents"];
}

/** One variable each; every default is safe on one machine. */
export const upConfig: { readonly [Name in keyof UpConfig]: Variable<UpConfig[Name]> } = {
  consolePort: port({ env: "COUNTERSIGN_HOST_PORT", doc: "Port of the console.", fallback: "4100" }),
  widgetPort: port({ env: "COUNTERSIGN_WIDGET_PORT", doc: "Port of the widget origins.", fallback: "4101" }),
  walletPort: port({ env: "COUNTERSIGN_WALLET_PORT", doc: "Port of the wallet.", fallback: "4200" }),
  storePort: port({ env: "COUNTERSIGN_STORE_PORT", doc: "Port of the store.", fallback: "4300" }),
  bankPort: port({ env: "COUNTERSIGN_BANK_PORT", doc: "Port of the bank.", fallback: "4400" }),
  data: text({ env: "COUNTERSIGN_DATA", doc: "Folder of the databases and keys.", fallback: ".countersign" }),
  openingBalance: integer({
    env: "COUNTERSIGN_BANK_OPENING_BALANCE",
    doc: "Minor units that each new bank account starts with.",
    fallback: "100000",
    min: 0,
    max: 1_000_000_000,
  }),
  logLevel: choice({
    env: "COUNTERSIGN_LOG",
    doc: "Least important log lines to print.",
    words: ["debug", "info", "warn", "error", "silent"],
    fallback: "warn",
  }),
  modelUrl: optional(
    httpUrl({ env: "COUNTERSIGN_MODEL_URL", doc: "OpenAI-compatible endpoint for the chat, up to /v1. Without it the tools are used by hand." }),
  ),
  modelName: text({ env: "COUNTERSIGN_MODEL", doc: "Name of the model at that endpoint.", fallback: "default" }),
  modelKey: optional(secret({ env: "COUNTERSIGN_MODEL_KEY", doc: "API key of that endpoint." })),
  apiClients: hostConfig.apiClients,
  agents: storeConfig.agents,
};

/** What `countersign call` and `countersign connect` are told by their environment. */
export interface CliConfig {
  readonly port: number;
  readonly walletPort: number;
  readonly storePort: number;
  readonly data: string;
  readonly clients: HostConfig["clients"];
}

/** One variable each; those that `countersign up` has too mean the same, so that both agree on where the local parties are. */
export const cliConfig: { readonly [Name in keyof CliConfig]: Variable<CliConfig[Name]> } = {
  port: {
    ...integer({
      env: "COUNTERSIGN_CLI_PORT",
      doc: "Port that a sign-in in the browser comes back to. Nothing listens there at other times.",
      fallback: "4110",
      min: 1,
      max: 65_535,
    }),
    type: "port",
  },
  walletPort: upConfig.walletPort,
  storePort: upConfig.storePort,
  data: upConfig.data,
  clients: {
    ...hostConfig.clients,
    env: "COUNTERSIGN_CLI_CLIENTS",
    doc: "OAuth clients registered beforehand, with redirects to http://127.0.0.1:<port>/callback/…: a list of { issuer, client_id, client_secret?, token_endpoint_auth_method? }.",
    fallback: "[]",
  },
};
