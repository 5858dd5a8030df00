import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { err, ok, type Result } from "@countersign/protocol/result";

/** Authenticated encryption under keys of the app's own. `aad` names what is sealed; a value opens under the same name only. */
export interface ApprovalSealer {
  seal(plaintext: string, aad: string): string;
  open(sealed: string, aad: string): Result<string, unknown>;
}

/**
 * What all instances of an app share, so that a call which one of them asked for approval can come back to another, or after a restart. The sealer's output is
 * of the base64url alphabet and dots.
 */
export interface ApprovalMemory {
  readonly sealer: ApprovalSealer;
  /** True for exactly one caller of each id: one conditional write, which may be forgotten after `expiresAt`. */
  spend(id: string, expiresAt: EpochMs): Promise<boolean>;
}

const countMax = 10_000;
const nonceLength = 12;
const tagLength = 16;

/** The memory of one process: what it asked for ends with it. */
export function createProcessMemory(clock: () => EpochMs): ApprovalMemory {
  const spent = new Map<string, EpochMs>();
  return {
    sealer: createProcessSealer(),
    async spend(id, expiresAt) {
      if (spent.has(id)) return false;
      if (spent.size >= countMax) for (const [other, end] of spent) if (end <= clock()) spent.delete(other);
      // Without room nothing is spent: an answer that might come twice is worse than one that must be asked for again.
      if (spent.size >= countMax) return false;
      spent.set(id, expiresAt);
      return true;
    },
  };
}

/** AES-256-GCM under a random key and random 96-bit nonces. */
function createProcessSealer(): ApprovalSealer {
  const key = randomBytes(32);
  return {
    seal(plaintext, aad) {
      const nonce = randomBytes(nonceLength);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(aad));
      const body = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString("base64url");
    },
    open(sealed, aad) {
      const bytes = Buffer.from(sealed, "base64url");
      if (bytes.length < nonceLength + tagLength) return err("unsealable");
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, nonceLength), { authTagLength: tagLength });
      decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(bytes.length - tagLength));
      try {
        return ok(decipher.update(bytes.subarray(nonceLength, bytes.length - tagLength), undefined, "utf8") + decipher.final("utf8"));
      } catch {
        return err("unsealable");
      }
    },
  };
}
