import { createHash, hkdfSync, randomBytes } from "node:crypto";
import { type LinkHandle, readLinkHandle } from "@countersign/protocol/account-link";
import type { EpochMs } from "@countersign/protocol/brand";
import { CompactEncrypt, compactDecrypt } from "jose";
import { z } from "zod";

/** Nobody has decided. */
export interface PendingLink {
  readonly state: "pending";
  readonly deviceCode: string;
  readonly verifier: string;
  readonly scope: string;
  readonly intervalMs: number;
  readonly failures: number;
  /** Nobody asks the authorization server before: whoever moves it on by a conditional write is the one who asks. */
  readonly pollAt: EpochMs;
  readonly expiresAt: EpochMs;
  /** The only user who may approve: who asked with a token, or whom the link belongs to that this one replaces. */
  readonly owner?: string;
  /** The handle of that link. */
  readonly replaces?: string;
}

export interface LinkedAccount {
  readonly state: "linked";
  readonly subject: string;
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly scope: string;
  readonly accessUntil: EpochMs;
  /** Somebody renews the token until then. */
  readonly busyUntil: EpochMs;
  /** What a tool asked for beyond the scope: the next link asks for it. */
  readonly wanted: string;
  readonly expiresAt: EpochMs;
}

export interface EndedLink {
  readonly state: "ended";
  readonly how: "denied" | "expired" | "failed";
  readonly expiresAt: EpochMs;
}

/** What is kept of a link. */
export type LinkRecord = PendingLink | LinkedAccount | EndedLink;

const time = z.number();
const text = z.string();

const record: z.ZodType<LinkRecord> = z.discriminatedUnion("state", [
  z.object({
    state: z.literal("pending"),
    deviceCode: text,
    verifier: text,
    scope: text,
    intervalMs: z.number(),
    failures: z.number(),
    pollAt: time,
    expiresAt: time,
    owner: text.exactOptional(),
    replaces: text.exactOptional(),
  }),
  z.object({
    state: z.literal("linked"),
    subject: text,
    accessToken: text,
    refreshToken: text.exactOptional(),
    scope: text,
    accessUntil: time,
    busyUntil: time,
    wanted: text,
    expiresAt: time,
  }),
  z.object({ state: z.literal("ended"), how: z.enum(["denied", "expired", "failed"]), expiresAt: time }),
]);

const algorithms = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };

/** Makes a handle that nobody can guess: 256 random bits. */
export function newLinkHandle(): LinkHandle {
  const handle = readLinkHandle(`lnk_${randomBytes(32).toString("base64url")}`);
  if (handle === undefined) throw new TypeError("a handle follows its grammar");
  return handle;
}

/** The id under which a store knows a link. */
export function linkIdOf(handle: LinkHandle): string {
  return createHash("sha256").update(`countersign link id\n${handle}`).digest("base64url");
}

/** Encrypts a record under the key that its handle gives (JWE compact, `dir`, A256GCM). A body that was moved to another id does not open there. */
export async function sealLink(handle: LinkHandle, value: LinkRecord): Promise<string> {
  const plain = new TextEncoder().encode(JSON.stringify(value));
  return await new CompactEncrypt(plain).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(keyOf(handle));
}

/** Opens a stored body; undefined when it is not this handle's. */
export async function openLink(handle: LinkHandle, body: string): Promise<LinkRecord | undefined> {
  try {
    const { plaintext } = await compactDecrypt(body, keyOf(handle), algorithms);
    return record.parse(JSON.parse(new TextDecoder().decode(plaintext)));
  } catch {
    return undefined;
  }
}

function keyOf(handle: LinkHandle): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", handle, "", "countersign link body", 32));
}
