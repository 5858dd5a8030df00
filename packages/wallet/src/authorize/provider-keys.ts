import { createPublicKey, type KeyObject, subtle } from "node:crypto";
import type Provider from "oidc-provider";
import { ExternalSigningKey } from "oidc-provider";
import { z } from "zod";
import type { PublishedKey, WalletKeys } from "../keys.ts";

type Keys = Pick<WalletKeys, "published" | "find">;

/** How many keys oidc-provider knows at a time: the one that signs, and others that may have signed an ID token that a client sends as a hint. */
const places = 3;

/**
 * oidc-provider takes its keys once, when it is made. What it gets are places: the first always stands for the key that signs now, the others for those
 * that are published beside it, so that keys rotate while it runs.
 */
export function keyPlaces(keys: Keys): readonly ExternalSigningKey[] {
  return Array.from({ length: places }, (_, index) => new KeyPlace(keys, index));
}

/** `/jwks` shows all published keys, and says how long a copy may be kept: less than a new key is published before it signs. */
export function publishKeys(provider: Provider, keys: Keys): void {
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path !== "/jwks" || ctx.status !== 200) return;
    ctx.set("cache-control", "public, max-age=300");
    ctx.body = { keys: keys.published };
  });
}

class KeyPlace extends ExternalSigningKey {
  readonly #keys: Keys;
  readonly #index: number;

  constructor(keys: Keys, index: number) {
    super();
    this.#keys = keys;
    this.#index = index;
  }

  override get alg(): string {
    return "ES256";
  }

  /** An empty place has a name that no token carries. */
  override get kid(): string {
    return this.#published()?.kid ?? `none-${this.#index}`;
  }

  override keyObject(): KeyObject {
    const key = this.#published() ?? this.#keys.published[0];
    if (key === undefined) throw new Error("there is no signing key");
    return createPublicKey({ key: { ...key }, format: "jwk" });
  }

  /** Signs with the key that the header names: the keys may have changed since oidc-provider wrote it. */
  override async sign(data: Uint8Array): Promise<Uint8Array> {
    const key = this.#keys.find(headerOf(data).kid);
    if (key === undefined) throw new Error("the signing key was taken back meanwhile");
    return new Uint8Array(await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, new Uint8Array(data)));
  }

  #published(): PublishedKey | undefined {
    return this.#keys.published[this.#index];
  }
}

const headerSchema = z.object({ kid: z.string() });

/** The header of what is to be signed (RFC 7515 section 5.1). */
function headerOf(data: Uint8Array): z.infer<typeof headerSchema> {
  const [header = ""] = Buffer.from(data).toString("latin1").split(".", 1);
  return headerSchema.parse(JSON.parse(Buffer.from(header, "base64url").toString("utf8")));
}
