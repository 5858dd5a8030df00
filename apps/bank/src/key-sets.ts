import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";

const bodyBytesMax = 65_536;

/** The published keys of other parties by URL, fetched when first needed and again, at most every 30 s, when a signature names an unknown key. */
export interface KeySets {
  /** Throws {@link KeysUnavailable} when the keys cannot be read. */
  at(jwksUri: string): JWTVerifyGetKey;
}

/** The keys could not be read, which says nothing about the signature: the request may succeed later. */
export class KeysUnavailable extends Error {
  readonly loggable = true;

  constructor(jwksUri: string, cause: unknown) {
    super(`the keys at ${jwksUri} cannot be read`, { cause });
    this.name = "KeysUnavailable";
  }
}

/** `fetchKeys` is the network. */
export function createKeySets(fetchKeys: typeof fetch): KeySets {
  const sets = new Map<string, JWTVerifyGetKey>();
  return {
    at(jwksUri) {
      const known = sets.get(jwksUri);
      if (known !== undefined) return known;
      const made = remoteKeySet(jwksUri, fetchKeys);
      sets.set(jwksUri, made);
      return made;
    },
  };
}

function remoteKeySet(jwksUri: string, fetchKeys: typeof fetch): JWTVerifyGetKey {
  const getKey = createRemoteJWKSet(new URL(jwksUri), {
    timeoutDuration: 5_000,
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
    [customFetch]: async (url, options) => bounded(await fetchKeys(url, options)),
  });
  return async (header, token) => {
    try {
      return await getKey(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw new KeysUnavailable(jwksUri, error);
    }
  };
}

async function bounded(response: Response): Promise<Response> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bodyBytesMax) throw new RangeError("the key set is too large");
    chunks.push(chunk);
  }
  return new Response(new Blob(chunks), { status: response.status });
}
