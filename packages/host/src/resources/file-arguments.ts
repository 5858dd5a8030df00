import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";
import type { Files } from "./files.ts";

export interface FileArguments {
  readonly userId: string;
  readonly connectorId: string;
  /** The tool's `openai/fileParams`: top-level arguments that hold files. */
  readonly fileParams: readonly string[];
  readonly arguments: JsonObject;
}

const filesPerArgumentMax = 10;

/**
 * Fills in what the app's server needs to fetch a file: `{ file_id }` becomes `{ file_id, download_url, mime_type, file_name }`, alone or in a list. Done when
 * the call is sent, so that the address is young. A file that is not this user's and connector's is refused with `invalid_arguments`.
 */
export async function fillFileArguments(files: Files, publicUrl: string, request: FileArguments): Promise<Result<JsonObject, Refusal>> {
  const filled: Record<string, unknown> = { ...request.arguments };
  for (const name of request.fileParams) {
    const value = member(request.arguments, name);
    const given: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (given.length > filesPerArgumentMax) return err(refuse("invalid_arguments", `${name} names too many files`));
    const references: unknown[] = [];
    for (const each of given) {
      const reference = await fillOne(files, publicUrl, request, each);
      if (!reference.ok) return reference;
      references.push(reference.value);
    }
    if (value !== undefined) filled[name] = Array.isArray(value) ? references : references[0];
  }
  return ok(filled);
}

async function fillOne(files: Files, publicUrl: string, request: FileArguments, value: unknown): Promise<Result<unknown, Refusal>> {
  const fileId = typeof value === "string" && value.startsWith("file_") ? value : (member(value, "file_id") ?? member(value, "fileId"));
  if (typeof fileId !== "string") return ok(value);
  const link = await files.link(request.userId, request.connectorId, fileId);
  if (!link.ok) return err(refuse("invalid_arguments", "the file is not known, or was kept long enough"));
  const { token, file } = link.value;
  const rest = isJsonObject(value) ? value : {};
  return ok({ ...rest, file_id: fileId, download_url: `${publicUrl}/files/${token}`, mime_type: file.mimeType, file_name: file.fileName });
}
