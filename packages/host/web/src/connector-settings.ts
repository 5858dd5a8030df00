import { isJsonObject } from "@countersign/protocol/shape";
import { readText } from "./json.ts";

export type SignInMode = "auto" | "mixed" | "full";

/** What is fixed for a connector; texts are empty where everything is discovered. */
export interface ConnectorSettings {
  readonly mode: SignInMode;
  readonly authorizationServer: string;
  readonly clientId: string;
  readonly hasClientSecret: boolean;
  readonly tokenEndpointAuthMethod: string;
  readonly scope: string;
  readonly authorizeParameters: Readonly<Record<string, string>>;
  readonly allowUnadvertisedPkce: boolean;
  readonly omitResourceParameter: boolean;
}

/** Reads them as a connector carries them. */
export function readSettings(json: unknown): ConnectorSettings {
  const read = isJsonObject(json) ? json : {};
  const parameters = isJsonObject(read["authorizeParameters"]) ? Object.entries(read["authorizeParameters"]) : [];
  return {
    mode: read["mode"] === "mixed" || read["mode"] === "full" ? read["mode"] : "auto",
    authorizationServer: readText(read["authorizationServer"]) ?? "",
    clientId: readText(read["clientId"], 500) ?? "",
    hasClientSecret: read["hasClientSecret"] === true,
    tokenEndpointAuthMethod: readText(read["tokenEndpointAuthMethod"], 100) ?? "",
    scope: readText(read["scope"], 4096) ?? "",
    authorizeParameters: Object.fromEntries(parameters.map(([name, value]) => [name, readText(value, 512) ?? ""])),
    allowUnadvertisedPkce: read["allowUnadvertisedPkce"] === true,
    omitResourceParameter: read["omitResourceParameter"] === true,
  };
}
