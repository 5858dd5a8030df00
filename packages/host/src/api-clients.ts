import { createHash, timingSafeEqual } from "node:crypto";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { digestText } from "./digest.ts";

/**
 * Another chat product that embeds this host. `keyDigest` is the SHA-256 of its API key as 64 hexadecimal digits; `origins` are the origins of its own
 * pages, which may frame the views of its users.
 */
export interface ApiClient {
  readonly id: string;
  readonly name: string;
  readonly keyDigest: string;
  readonly origins: readonly string[];
}

/** A product that asks for one of its users. `userId` is this host's own name of that user; no two products share one. */
export interface ApiCaller {
  readonly client: ApiClient;
  readonly userId: string;
}

/** The header that names the product's user: 1 to 128 visible ASCII characters, opaque to this host. */
export const userHeader = "countersign-user";

/** Whether a request brings an API key. Other schemes are not this host's: a proxy in front may ask pages for a password of its own. */
export function bringsKey(request: Request): boolean {
  return /^bearer(?: |$)/i.test(request.headers.get("authorization") ?? "");
}

const keyGrammar = /^Bearer ([A-Za-z0-9._~+/=-]{32,512})$/i;
const userGrammar = /^[\x21-\x7e]{1,128}$/;

/** The products that are known by an API key (RFC 6750 section 2.1 on the wire). */
export class ApiClients {
  readonly #clients: readonly { readonly client: ApiClient; readonly digest: Buffer }[];

  /** Throws on two clients with the same id or key, and on a digest that is none. */
  constructor(clients: readonly ApiClient[]) {
    for (const member of ["id", "keyDigest"] as const) {
      if (new Set(clients.map((client) => client[member])).size !== clients.length) throw new TypeError(`two API clients have the same ${member}`);
    }
    this.#clients = clients.map((client) => {
      if (!/^[0-9a-f]{64}$/.test(client.keyDigest)) throw new TypeError(`the key digest of the API client ${client.id} is no SHA-256`);
      return { client, digest: Buffer.from(client.keyDigest, "hex") };
    });
  }

  /** The client with this id, if it is still configured. */
  find(clientId: string): ApiClient | undefined {
    return this.#clients.find(({ client }) => client.id === clientId)?.client;
  }

  /**
   * Who asks with an API key, and for which user. Keys are for servers: a request that a browser made (`Origin`, `Sec-Fetch-Site`), and one that brings
   * cookies too, is refused whatever its key.
   */
  judge(request: Request): Result<ApiCaller, Refusal> {
    const { headers } = request;
    if (headers.has("origin") || headers.has("sec-fetch-site")) return err(refuse("forbidden_origin", "an API key is for servers, never for pages"));
    if (headers.has("cookie")) return err(refuse("invalid_request", "an API key goes without cookies"));
    const key = keyGrammar.exec(headers.get("authorization") ?? "")?.[1];
    const client = key === undefined ? undefined : this.#identify(key);
    if (client === undefined) return err(refuse("invalid_client", "the API key is unknown"));
    const user = headers.get(userHeader);
    if (user === null || !userGrammar.test(user)) {
      return err(refuse("invalid_request", "Countersign-User: 1 to 128 visible ASCII characters that name your user"));
    }
    return ok({ client, userId: embeddedUserId(client.id, user) });
  }

  /** Every key is compared, as digests in constant time: how long it takes says nothing about how close a guess was. */
  #identify(key: string): ApiClient | undefined {
    const given = createHash("sha256").update(key, "utf8").digest();
    let found: ApiClient | undefined;
    for (const { client, digest } of this.#clients) {
      if (timingSafeEqual(given, digest)) found = client;
    }
    return found;
  }
}

/** SHA-256 of an API key, as 64 hexadecimal digits: what `printf %s "$KEY" | sha256sum` prints. */
export function digestOfKey(key: string): string {
  return createHash("sha256").update(key, "utf8").digest("hex");
}

/** This host's own name of a product's user. A client's id has no line break, so no two pairs give the same text. */
export function embeddedUserId(clientId: string, user: string): string {
  return `emb_${digestText(`${clientId}\n${user}`)}`;
}
