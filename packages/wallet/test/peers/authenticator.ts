import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import { z } from "zod";

/** What an attack changes about an otherwise good ceremony. */
export interface Tweaks {
  readonly type?: string;
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  readonly userPresent?: boolean;
  readonly userVerified?: boolean;
  readonly counter?: number;
  readonly userHandle?: string;
  readonly claimedId?: string;
  readonly coseAlgorithm?: number;
  readonly breakSignature?: boolean;
  /** Registers the first passkey again instead of a new one. */
  readonly again?: boolean;
}

interface Passkey {
  readonly id: Buffer;
  readonly privateKey: KeyObject;
  readonly coseKey: (algorithm: number) => Buffer;
  readonly userHandle: string;
  counter: number;
}

const creationOptions = z.object({ challenge: z.string(), rp: z.object({ id: z.string() }), user: z.object({ id: z.string() }) });
const requestOptions = z.object({ challenge: z.string(), rpId: z.string(), allowCredentials: z.array(z.object({ id: z.string() })).optional() });

/** An authenticator and browser in software: ES256 passkeys, attestation `none`, user verification, a signature counter that grows. */
export class Authenticator {
  readonly #origin: string;
  readonly passkeys: Passkey[] = [];

  constructor(origin: string) {
    this.#origin = origin;
  }

  create(input: unknown, tweaks: Tweaks = {}): RegistrationResponseJSON {
    const options = creationOptions.parse(input);
    const [first] = this.passkeys;
    const passkey = tweaks.again === true && first !== undefined ? first : this.#make(options.user.id);
    const attested = Buffer.concat([Buffer.alloc(16), uint16(passkey.id.length), passkey.id, passkey.coseKey(tweaks.coseAlgorithm ?? -7)]);
    const authData = authenticatorData(tweaks.rpId ?? options.rp.id, passkey.counter, tweaks, attested);
    const id = tweaks.claimedId ?? passkey.id.toString("base64url");
    return {
      id,
      rawId: id,
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: this.#clientData("webauthn.create", options.challenge, tweaks).toString("base64url"),
        attestationObject: cborMap([
          ["fmt", "none"],
          ["attStmt", emptyMap],
          ["authData", authData],
        ]).toString("base64url"),
        transports: ["internal"],
      },
    };
  }

  get(input: unknown, tweaks: Tweaks = {}): AuthenticationResponseJSON {
    const options = requestOptions.parse(input);
    const allowed = options.allowCredentials?.map((each) => each.id);
    const passkey = this.passkeys.find((each) => allowed === undefined || allowed.includes(each.id.toString("base64url"))) ?? this.passkeys[0];
    if (passkey === undefined) throw new Error("the authenticator has no passkey");
    passkey.counter += 1;
    const clientData = this.#clientData("webauthn.get", options.challenge, tweaks);
    const authData = authenticatorData(tweaks.rpId ?? options.rpId, tweaks.counter ?? passkey.counter, tweaks);
    const signer = createSign("sha256").update(authData).update(createHash("sha256").update(clientData).digest());
    const signature = signer.sign(passkey.privateKey);
    if (tweaks.breakSignature === true) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
    const id = tweaks.claimedId ?? passkey.id.toString("base64url");
    return {
      id,
      rawId: id,
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData.toString("base64url"),
        authenticatorData: authData.toString("base64url"),
        signature: signature.toString("base64url"),
        userHandle: tweaks.userHandle ?? passkey.userHandle,
      },
    };
  }

  #make(userHandle: string): Passkey {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    const coseKey = (algorithm: number): Buffer =>
      cborMap([
        [1, 2],
        [3, algorithm],
        [-1, 1],
        [-2, Buffer.from(x, "base64url")],
        [-3, Buffer.from(y, "base64url")],
      ]);
    const passkey: Passkey = { id: randomBytes(32), privateKey, coseKey, userHandle, counter: 0 };
    this.passkeys.push(passkey);
    return passkey;
  }

  #clientData(type: string, challenge: string, tweaks: Tweaks): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: tweaks.type ?? type,
        challenge: tweaks.challenge ?? challenge,
        origin: tweaks.origin ?? this.#origin,
        crossOrigin: tweaks.crossOrigin ?? false,
        ...(tweaks.topOrigin === undefined ? {} : { topOrigin: tweaks.topOrigin }),
      }),
    );
  }
}

function authenticatorData(rpId: string, counter: number, tweaks: Tweaks, attested?: Buffer): Buffer {
  const present = tweaks.userPresent === false ? 0 : 0x01;
  const verified = tweaks.userVerified === false ? 0 : 0x04;
  const flags = present | verified | (attested === undefined ? 0 : 0x40);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(counter);
  return Buffer.concat([createHash("sha256").update(rpId).digest(), Buffer.from([flags]), count, attested ?? Buffer.alloc(0)]);
}

const emptyMap = Symbol("an empty map");

type CborValue = number | string | Buffer | typeof emptyMap;

function cborMap(entries: readonly (readonly [number | string, CborValue])[]): Buffer {
  return Buffer.concat([head(5, entries.length), ...entries.flatMap(([key, value]) => [cbor(key), cbor(value)])]);
}

function cbor(value: CborValue): Buffer {
  if (typeof value === "number") return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (typeof value === "string") return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  return head(5, 0);
}

function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([(major << 5) | argument]);
  if (argument < 256) return Buffer.from([(major << 5) | 24, argument]);
  return Buffer.concat([Buffer.from([(major << 5) | 25]), uint16(argument)]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
