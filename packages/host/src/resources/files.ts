import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { digestText, newId, newToken } from "../digest.ts";
import { retention } from "../keep/retention.ts";
import { readFileName, readMediaType, servedType } from "./file-type.ts";

interface FileRow {
  readonly userId: string;
  readonly connectorId: string;
  readonly fileId: string;
  readonly name: string;
  readonly mediaType: string;
  readonly size: number;
}

const fileSchema = z.object({
  userId: z.string(),
  connectorId: z.string(),
  fileId: z.string(),
  name: z.string(),
  mediaType: z.string(),
  size: z.number(),
});
const fileKind: RecordKind<FileRow> = {
  name: "file",
  parse: (json) => fileSchema.parse(json),
};

interface ContentRow {
  readonly userId: string;
  readonly connectorId: string;
  readonly sealed: string;
}

const contentSchema = z.object({ userId: z.string(), connectorId: z.string(), sealed: z.string() });
const contentKind: RecordKind<ContentRow> = {
  name: "file_content",
  parse: (json) => contentSchema.parse(json),
};

/** A way to one file, by the digest of its token. */
interface LinkRow {
  readonly slot: string;
  readonly fileId: string;
}

const linkSchema = z.object({ slot: z.string(), fileId: z.string() });
const linkKind: RecordKind<LinkRow> = {
  name: "file_link",
  parse: (json) => linkSchema.parse(json),
};

/** What an app is told of a file, in the words of `window.openai`. */
export interface FileView {
  readonly fileId: string;
  readonly fileName: string;
  readonly mimeType: string;
  readonly size: number;
  readonly expiresAt: EpochMs;
}

export interface FilesOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly clock: () => EpochMs;
}

/** Bytes of one file. */
export const fileBytesMax: number = 10 * 1024 * 1024;
const filesPerUserMax = 20;

/**
 * Files that users gave to apps: kept for a day, sealed, and found only by the user and connector they were given to. A link is a token that opens one file
 * for ten minutes without a cookie, for the app's frame and for its server.
 */
export class Files {
  readonly #options: FilesOptions;
  readonly #files: Records<FileRow>;
  readonly #contents: Records<ContentRow>;
  readonly #links: Records<LinkRow>;

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#files = options.database.records(fileKind);
    this.#contents = options.database.records(contentKind);
    this.#links = options.database.records(linkKind);
  }

  /** Stores a file. Refuses more than {@link fileBytesMax} bytes, nothing at all, and more than twenty files of one user. */
  async add(
    userId: string,
    connectorId: string,
    file: { readonly name: string; readonly mediaType: string | null; readonly bytes: Buffer },
  ): Promise<Result<FileView, Refusal>> {
    const size = file.bytes.byteLength;
    if (size === 0) return err(refuse("invalid_request", "the file is empty"));
    if (size > fileBytesMax) return err(refuse("request_too_large", `a file has at most ${fileBytesMax} bytes`));
    const expiresAt = this.#options.clock() + retention.file.ms;
    const fileId = newId("file");
    const row: FileRow = { userId, connectorId, fileId, name: readFileName(file.name), mediaType: readMediaType(file.mediaType), size };
    const slot = await this.#takeSlot(row, expiresAt);
    if (slot === undefined) return err(refuse("rate_limited", `at most ${filesPerUserMax} files are kept for a user`));
    const sealed = this.#options.sealer.seal(file.bytes.toString("base64"), fileSealingText(row, fileId));
    await this.#contents.put(fileId, { userId, connectorId, sealed }, { keys: { user: userId }, expiresAt });
    return ok(viewOf(row, expiresAt));
  }

  /** The user's files at one connector. */
  async list(userId: string, connectorId: string): Promise<readonly FileView[]> {
    const records = await this.#files.find("owner", ownerKey(userId, connectorId), this.#options.clock(), { limit: filesPerUserMax });
    return records.map((record) => viewOf(record.value, record.expiresAt ?? 0));
  }

  /** Makes a link to a file of this user and connector; refuses any other with `not_found`. */
  async link(userId: string, connectorId: string, fileId: string): Promise<Result<{ readonly token: string; readonly file: FileView }, Refusal>> {
    const now = this.#options.clock();
    const [record] = await this.#files.find("file", fileId, now, { limit: 1 });
    if (record === undefined || record.value.userId !== userId || record.value.connectorId !== connectorId) return err(refuse("not_found"));
    const token = newToken();
    const expiresAt = Math.min(now + retention.file_link.ms, record.expiresAt ?? 0);
    await this.#links.create(digestText(token), { slot: record.id, fileId }, { keys: { user: userId }, expiresAt });
    return ok({ token, file: viewOf(record.value, record.expiresAt ?? 0) });
  }

  /** Serves the file of a link. Never as something that runs: the type is checked against the bytes, and the page it would be has no rights. */
  async open(token: string): Promise<Response> {
    const record = /^[A-Za-z0-9_-]{43}$/.test(token) ? await this.#linked(digestText(token)) : undefined;
    const content = record === undefined ? undefined : await this.#contents.get(record.value.fileId, this.#options.clock());
    const opened =
      record === undefined || content === undefined
        ? undefined
        : this.#options.sealer.open(content.value.sealed, fileSealingText(record.value, record.value.fileId));
    if (record === undefined || opened?.ok !== true) return gone();
    const bytes = new Uint8Array(Buffer.from(opened.value, "base64"));
    return new Response(bytes, {
      headers: {
        "content-type": servedType(record.value.mediaType, Buffer.from(bytes)),
        "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(record.value.name)}`,
        "content-security-policy": "default-src 'none'; sandbox",
        // A frame of opaque origin and any server may read it: the token is what opens it, and no cookie is looked at.
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "cache-control": "private, no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      },
    });
  }

  /** Each user has so many places for files; taking one is one write, so two uploads never share the last. */
  async #takeSlot(row: FileRow, expiresAt: EpochMs): Promise<string | undefined> {
    for (let place = 0; place < filesPerUserMax; place += 1) {
      const slot = `${row.userId}:${place}`;
      const keys = { user: row.userId, file: row.fileId, owner: ownerKey(row.userId, row.connectorId) };
      if ((await this.#files.create(slot, row, { keys, expiresAt })).ok) return slot;
    }
    return undefined;
  }

  async #linked(linkId: string): Promise<StoredRecord<FileRow> | undefined> {
    const now = this.#options.clock();
    const link = await this.#links.get(linkId, now);
    const record = link === undefined ? undefined : await this.#files.get(link.value.slot, now);
    return record?.value.fileId === link?.value.fileId ? record : undefined;
  }
}

function ownerKey(userId: string, connectorId: string): string {
  return `${userId} ${connectorId}`;
}

/** What the bytes of a file are sealed for. */
export function fileSealingText(owner: { readonly userId: string; readonly connectorId: string }, fileId: string): string {
  return `host:file:${JSON.stringify([owner.userId, owner.connectorId, fileId])}`;
}

function viewOf(row: FileRow, expiresAt: EpochMs): FileView {
  return { fileId: row.fileId, fileName: row.name, mimeType: row.mediaType, size: row.size, expiresAt };
}

function gone(): Response {
  return new Response("Nothing is here.", { status: 404, headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } });
}
