import type { Answer } from "../api.ts";
import type { StoredFile } from "../stored-file.ts";
import type { NewFile } from "./widget-host.ts";

/** Bytes of one file, as the host takes it. */
export const fileBytesMax: number = 10 * 1024 * 1024;
const openMax = 2;

/** Files that a view sends in parts. */
export interface Uploads {
  /** An id for the parts; undefined when the file is empty or too large, or two are on their way already. */
  readonly begin: (file: { readonly name: string; readonly type: string; readonly size: number }) => string | undefined;
  /** Takes a part as base64. `more`: others follow. `unknown`: no such upload, or a part that is none of it. */
  readonly append: (uploadId: string, data: string) => Promise<"more" | "unknown" | Awaited<Answer<StoredFile>>>;
}

interface Upload {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  filled: number;
}

/** Collects the parts of files and hands each on when it is whole. */
export function createUploads(store: (file: NewFile) => Answer<StoredFile>): Uploads {
  const open = new Map<string, Upload>();
  let last = 0;
  return {
    begin: ({ name, type, size }) => {
      if (!Number.isSafeInteger(size) || size < 1 || size > fileBytesMax || open.size >= openMax) return undefined;
      last += 1;
      const uploadId = `upload-${last}`;
      open.set(uploadId, { name, type, bytes: new Uint8Array(size), filled: 0 });
      return uploadId;
    },
    append: async (uploadId, data) => {
      const upload = open.get(uploadId);
      const part = upload === undefined ? undefined : fromBase64(data);
      if (upload === undefined || part === undefined || part.length === 0 || upload.filled + part.length > upload.bytes.length) {
        open.delete(uploadId);
        return "unknown";
      }
      upload.bytes.set(part, upload.filled);
      upload.filled += part.length;
      if (upload.filled < upload.bytes.length) return "more";
      open.delete(uploadId);
      return store({ name: upload.name, type: upload.type, bytes: upload.bytes });
    },
  };
}

/** The bytes of a base64 text, undefined when it is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
