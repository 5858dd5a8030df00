import type { Channel } from "./channel.ts";

/** A file that the host keeps for the app. */
export interface UploadedFile {
  readonly fileId: string;
  readonly fileName?: string;
  readonly mimeType?: string;
}

/** Bytes of a file in one message; as base64 well below the host's limit for a message. */
const partBytes = 480_000;

/** Sends a file to the host in parts, because a message has a limit that a file has not. */
export async function uploadFile(channel: Pick<Channel, "request">, file: Blob): Promise<UploadedFile> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const name = file instanceof File ? file.name : "file";
  const begun = await channel.request("openai/beginUpload", { name, type: file.type, size: bytes.length });
  const uploadId = memberOf(begun, "uploadId");
  let answer: unknown = begun;
  for (let at = 0; at < bytes.length; at += partBytes) {
    answer = await channel.request("openai/appendUpload", { uploadId, data: toBase64(bytes.subarray(at, at + partBytes)) });
  }
  const fileName = memberOf(answer, "fileName");
  const mimeType = memberOf(answer, "mimeType");
  return {
    fileId: String(memberOf(answer, "fileId")),
    ...(typeof fileName === "string" ? { fileName } : {}),
    ...(typeof mimeType === "string" ? { mimeType } : {}),
  };
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
