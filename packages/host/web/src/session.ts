import { defaultProfile, readProfile } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import { isJsonObject } from "@countersign/protocol/shape";
import { readList, readText } from "./json.ts";
import { type Connector, readConnector } from "./wire.ts";

/** What the page reads first. */
export interface Session {
  readonly userId: string;
  readonly connectors: readonly Connector[];
  /** The name of the configured model; without one there is no chat input. */
  readonly model: string | undefined;
  /** The host that this one acts out for the user. */
  readonly profile: HostProfile;
}

/** `GET /api/session`. */
export function readSession(json: unknown): Session | undefined {
  if (!isJsonObject(json) || !isJsonObject(json["user"])) return undefined;
  const userId = readText(json["user"]["id"]);
  if (userId === undefined) return undefined;
  const model = json["model"];
  return {
    userId,
    connectors: readList(json["connectors"], readConnector),
    model: isJsonObject(model) ? (readText(model["name"], 100) ?? "Model") : readText(model, 100),
    profile: readChosenProfile(json) ?? defaultProfile,
  };
}

/** The profile chosen, as the session and `event: settings` carry it; undefined when it is none that this page knows. */
export function readChosenProfile(json: unknown): HostProfile | undefined {
  return isJsonObject(json) ? readProfile(json["profile"]) : undefined;
}
