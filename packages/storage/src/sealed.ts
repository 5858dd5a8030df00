import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";

/**
 * Encrypts what must not be readable in a database dump. `aad` names the record and its owner (for example `wallet:passkey:usr_1`): the same text is needed
 * to open, so a value that was moved to another row does not open there.
 */
export interface Sealer {
  /** The id of the key that seals now. */
  readonly keyId: string;
  seal(plaintext: string, aad: string): string;
  open(sealed: string, aad: string): Result<string, "unsealable">;
}

/** `current` seals; every key opens what it once sealed, so an old key stays listed until its values are written again. */
export interface SealerKeys {
  readonly current: string;
  readonly keys: Readonly<Record<string, Secret>>;
}

const format = "s1";
const nonceLength = 12;
const tagLength = 16;

/**
 * AES-256-GCM under a random 96-bit nonce; the envelope is `s1.<key id>.<base64url of nonce, ciphertext, tag>`. A key is 32 random bytes as base64 or base64url and
 * seals at most 2^32 values (NIST SP 800-38D section 8.3). Key ids are 1 to 32 characters of `[A-Za-z0-9_-]`. Throws on bad keys.
 */
export function createSealer(options: SealerKeys): Sealer {
  const keys = new Map(Object.entries(options.keys).map(([id, secret]) => [id, deriveKey(id, secret)]));
  const current = keys.get(options.current);
  if (current === undefined) throw new TypeError("the current sealing key is not among the keys");
  const prefix = `${format}.${options.current}.`;
  return {
    keyId: options.current,
    seal: (plaintext, aad) => prefix + encrypt(current, plaintext, prefix + aad).toString("base64url"),
    open: (sealed, aad) => {
      const [version, id = "", body = "", ...rest] = sealed.split(".", 4);
      const key = keys.get(id);
      if (version !== format || key === undefined || rest.length > 0) return err("unsealable");
      return decrypt(key, Buffer.from(body, "base64url"), `${format}.${id}.${aad}`);
    },
  };
}

/**
 * The keys of a party that rotates them: `current` seals, the others only open. Each is named by a fingerprint of itself, so that every instance that holds
 * a key calls it the same, in whatever order it was given them. Throws on bad keys.
 */
export function keyRing(current: Secret, others: readonly Secret[] = []): SealerKeys {
  const keys = Object.fromEntries([current, ...others].map((secret): [string, Secret] => [fingerprint(secret), secret]));
  return { current: fingerprint(current), keys };
}

/** How a party called its only key before keys were named by their fingerprints. */
const onlyKeyId = "k1";

/**
 * The sealer of a party that rotates its keys, see {@link keyRing}. It opens what was sealed when the party had only one key, too, whichever of these that was.
 * Throws on bad keys.
 */
export function createRotatingSealer(current: Secret, others: readonly Secret[] = []): Sealer {
  const sealer = createSealer(keyRing(current, others));
  const unnamed = [current, ...others].map((key) => createSealer({ current: onlyKeyId, keys: { [onlyKeyId]: key } }));
  return {
    keyId: sealer.keyId,
    seal: (plaintext, aad) => sealer.seal(plaintext, aad),
    open(sealed, aad) {
      if (keyIdOf(sealed) !== onlyKeyId) return sealer.open(sealed, aad);
      const opened = unnamed.map((each) => each.open(sealed, aad));
      return opened.find((each) => each.ok) ?? err("unsealable");
    },
  };
}

/** The id of the key that a value was sealed with; undefined for a text that is not sealed. */
export function keyIdOf(sealed: string): string | undefined {
  return /^s1\.([A-Za-z0-9_-]{1,32})\.[A-Za-z0-9_-]+$/.exec(sealed)?.[1];
}

/** Says which key it is and nothing about it: 48 bits of a derivation with a label of its own. */
function fingerprint(secret: Secret): string {
  return Buffer.from(hkdfSync("sha256", keyBytes(secret), "", "countersign seal key id s1", 6)).toString("base64url");
}

function keyBytes(secret: Secret): Buffer {
  const text = secret.reveal();
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== 32 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) throw new TypeError("a sealing key is 32 bytes as base64 or base64url");
  return bytes;
}

function deriveKey(id: string, secret: Secret): KeyObject {
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(id)) throw new TypeError("a sealing key's id has 1 to 32 characters of A-Z, a-z, 0-9, _ and -");
  const bytes = keyBytes(secret);
  // A party may derive other keys from the same bytes; the label keeps them apart.
  return createSecretKey(Buffer.from(hkdfSync("sha256", bytes, "", "countersign seal s1", 32)));
}

function encrypt(key: KeyObject, plaintext: string, aad: string): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(aad));
  return Buffer.concat([nonce, cipher.update(plaintext, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: KeyObject, sealed: Buffer, aad: string): Result<string, "unsealable"> {
  if (sealed.length < nonceLength + tagLength) return err("unsealable");
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceLength), { authTagLength: tagLength });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(sealed.subarray(-tagLength));
  try {
    return ok(Buffer.concat([decipher.update(sealed.subarray(nonceLength, -tagLength)), decipher.final()]).toString("utf8"));
  } catch {
    return err("unsealable");
  }
}
