import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { Fetch } from "../../src/http/fetch-json.ts";
import type { TestClock } from "./clock.ts";

/** An authorization server in miniature: its metadata, its keys, and tokens of any shape. */
export interface TestIssuer {
  readonly issuer: string;
  readonly fetch: Fetch;
  /** How often each path was read. */
  readonly reads: Map<string, number>;
  /** Answers nothing while true. */
  down: boolean;
  /** Replaces members of the metadata. */
  metadata: Record<string, unknown>;
  /** A valid access token, with the given claims and header members in place of the usual ones; `undefined` removes one. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  /** Signs anything with the current key. */
  sign(claims: Record<string, unknown>, header: Record<string, unknown>): Promise<string>;
  /** Publishes a new key and signs with it; the old one is published no more. */
  rotate(): Promise<void>;
  publicKeys(): readonly JWK[];
  readonly handlers: Map<string, (request: Request) => Promise<Response> | Response>;
}

const resource = "https://store.test/mcp";

export async function createTestIssuer(clock: TestClock, issuer: string = "https://wallet.test"): Promise<TestIssuer> {
  let key: { readonly kid: string; readonly privateKey: CryptoKey; readonly publicJwk: JWK };
  let generation = 0;
  const reads = new Map<string, number>();
  const handlers = new Map<string, (request: Request) => Promise<Response> | Response>();

  const rotate = async (): Promise<void> => {
    generation += 1;
    const pair = await generateKeyPair("ES256", { extractable: true });
    const kid = `key-${generation}`;
    key = { kid, privateKey: pair.privateKey, publicJwk: { ...(await exportJWK(pair.publicKey)), kid, alg: "ES256", use: "sig" } };
  };
  await rotate();

  const issuerOf: TestIssuer = {
    issuer,
    reads,
    down: false,
    metadata: {},
    handlers,
    rotate,
    publicKeys: () => [key.publicJwk],
    sign: (claims, header) => {
      const all = { kid: key.kid, ...header };
      return new SignJWT(claims).setProtectedHeader({ alg: "ES256", ...withoutUndefined(all) }).sign(key.privateKey);
    },
    token: (claims = {}, header = {}) => {
      const now = Math.floor(clock.now() / 1000);
      const usual = {
        iss: issuer,
        aud: resource,
        sub: "usr_1",
        client_id: "host",
        jti: crypto.randomUUID(),
        iat: now,
        exp: now + 300,
        scope: "orders:read",
      };
      return issuerOf.sign(withoutUndefined({ ...usual, ...claims }), { typ: "at+jwt", ...header });
    },
    fetch: async (url, init) => {
      if (issuerOf.down) throw new TypeError("fetch failed");
      const request = new Request(url, init);
      const path = new URL(url).pathname;
      reads.set(path, (reads.get(path) ?? 0) + 1);
      if (path === "/.well-known/oauth-authorization-server") return Response.json({ ...metadataOf(issuer), ...issuerOf.metadata });
      if (path === "/jwks") return Response.json({ keys: issuerOf.publicKeys() });
      for (const [prefix, handler] of handlers) if (path === prefix || path.startsWith(`${prefix}/`)) return handler(request);
      return new Response(null, { status: 404 });
    },
  };
  return issuerOf;
}

function metadataOf(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
  };
}

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
