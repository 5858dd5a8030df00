import { isJsonObject } from "@countersign/protocol/shape";
import { readNumber, readText } from "./json.ts";

/** A file that the host keeps for an app. */
export interface StoredFile {
  readonly fileId: string;
  readonly fileName: string;
  readonly mimeType: string;
  readonly size?: number;
}

/** One file, as upload, list and link name it. */
export function readFile(json: unknown): StoredFile | undefined {
  if (!isJsonObject(json)) return undefined;
  const fileId = readText(json["fileId"], 100);
  const fileName = readText(json["fileName"], 200);
  if (fileId === undefined || fileName === undefined) return undefined;
  const size = readNumber(json["size"]);
  return { fileId, fileName, mimeType: readText(json["mimeType"], 150) ?? "application/octet-stream", ...(size === undefined ? {} : { size }) };
}
