import { isSecureOrLoopback } from "@countersign/protocol/resource";
import type { SettingsInput } from "./api.ts";
import type { ConnectorSettings, SignInMode } from "./connector-settings.ts";

/** What the connector form holds while it is filled in: texts as typed. */
export interface ConnectorDraft {
  readonly url: string;
  readonly name: string;
  readonly mode: SignInMode;
  readonly authorizationServer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenEndpointAuthMethod: string;
  readonly scope: string;
  /** One `name=value` a line. */
  readonly parameters: string;
  /** Two rules that a server may need loosened: `yes` or empty. */
  readonly allowUnadvertisedPkce: string;
  readonly omitResourceParameter: string;
}

export type ConnectorField = keyof ConnectorDraft;
export type ConnectorProblems = Partial<Readonly<Record<ConnectorField, string>>>;

export const emptyDraft: ConnectorDraft = {
  url: "",
  name: "",
  mode: "auto",
  authorizationServer: "",
  clientId: "",
  clientSecret: "",
  tokenEndpointAuthMethod: "",
  scope: "",
  parameters: "",
  allowUnadvertisedPkce: "",
  omitResourceParameter: "",
};

/** The draft to begin with when a connector is changed. A secret is never shown again. */
export function draftOfConnector(name: string, url: string, settings: ConnectorSettings): ConnectorDraft {
  const { mode, authorizationServer, clientId, tokenEndpointAuthMethod, scope, authorizeParameters } = settings;
  const parameters = Object.entries(authorizeParameters)
    .map(([parameter, value]) => `${parameter}=${value}`)
    .join("\n");
  const loosened = {
    allowUnadvertisedPkce: settings.allowUnadvertisedPkce ? "yes" : "",
    omitResourceParameter: settings.omitResourceParameter ? "yes" : "",
  };
  return { url, name, mode, authorizationServer, clientId, clientSecret: "", tokenEndpointAuthMethod, scope, parameters, ...loosened };
}

/** Whether the part for experts holds anything, so that it is open from the start. */
export function hasAdvanced(draft: ConnectorDraft): boolean {
  const { url: _url, name: _name, mode: _mode, ...advanced } = draft;
  return Object.values(advanced).some((text) => text.trim() !== "");
}

/** What the host would refuse for certain, said beside the field that it is about. */
export function findProblems(draft: ConnectorDraft): ConnectorProblems {
  const problems: Partial<Record<ConnectorField, string>> = {};
  const isAddress = (text: string): boolean => /^https?:\/\//.test(text) && URL.canParse(text);
  const isReadable = (text: string): boolean => !isSecureOrLoopback(new URL(text));
  const url = draft.url.trim();
  if (!isAddress(url)) problems.url = "Enter the full address, such as https://store.example/mcp";
  else if (isReadable(url)) problems.url = "Use https: with http, anybody on the way could read and change what is sent.";
  const server = draft.authorizationServer.trim();
  if (server !== "" && !isAddress(server)) problems.authorizationServer = "Enter the service's full address, such as https://login.example";
  else if (server !== "" && isReadable(server)) problems.authorizationServer = "Use https: with http, anybody on the way could read your sign-in.";
  if (draft.clientSecret !== "" && server === "") problems.authorizationServer = "A client secret needs the sign-in service that it is for.";
  if ((draft.clientSecret !== "" || draft.tokenEndpointAuthMethod !== "") && draft.clientId.trim() === "") {
    problems.clientId = "Enter the client that the secret or method belongs to.";
  }
  const bad = linesOf(draft.parameters).find((line) => !/^[A-Za-z0-9._~-]+=./.test(line));
  if (bad !== undefined) problems.parameters = "Write one name=value on each line, such as audience=https://api.example";
  return problems;
}

/** The settings to send. */
export function settingsOf(draft: ConnectorDraft): SettingsInput {
  const parameters = linesOf(draft.parameters).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  const texts = {
    authorizationServer: draft.authorizationServer.trim(),
    clientId: draft.clientId.trim(),
    clientSecret: draft.clientSecret,
    tokenEndpointAuthMethod: draft.tokenEndpointAuthMethod,
    scope: draft.scope.trim(),
  };
  return {
    mode: draft.mode,
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== "")),
    ...(parameters.length === 0 ? {} : { authorizeParameters: Object.fromEntries(parameters) }),
    ...(draft.allowUnadvertisedPkce === "" ? {} : { allowUnadvertisedPkce: true }),
    ...(draft.omitResourceParameter === "" ? {} : { omitResourceParameter: true }),
  };
}

function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
