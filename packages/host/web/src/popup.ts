import { isJsonObject } from "@countersign/protocol/shape";
import { readText, readTime } from "./json.ts";

/** A window for a page of an app: where it goes, and until when it may come back. */
export interface Popup {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: number;
}

/** `POST /api/widgets/:id/popups`. */
export function readPopup(json: unknown): Popup | undefined {
  if (!isJsonObject(json)) return undefined;
  const id = readText(json["id"], 100);
  const url = readText(json["url"], 16_384);
  const expiresAt = readTime(json["expiresAt"]);
  return id === undefined || url === undefined || expiresAt === undefined ? undefined : { id, url, expiresAt };
}

/** `GET /api/popups/:id`: the parameters once the window is back, else "open". */
export function readReturn(json: unknown): "open" | Readonly<Record<string, string>> | undefined {
  if (!isJsonObject(json)) return undefined;
  if (json["state"] === "open") return "open";
  const parameters = json["parameters"];
  if (json["state"] !== "returned" || !isJsonObject(parameters)) return undefined;
  return Object.fromEntries(Object.entries(parameters).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])));
}
