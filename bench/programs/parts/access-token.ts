import { createHash, generateKeyPairSync, randomUUID } from "node:crypto";
import { member } from "@countersign/protocol/shape";
import { signJws } from "../../measure/sign-jws.ts";

/** An authorization server in miniature: metadata and keys by path, and access tokens (RFC 9068) for one resource. */
export interface TokenIssuer {
  readonly issuer: string;
  /** Answers for the issuer's own URLs. */
  readonly fetch: (input: string) => Promise<Response>;
  token(scope: string): string;
}

/** Makes an issuer with a new P-256 key. */
export function createTokenIssuer(issuer: string, resource: string): TokenIssuer {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = publicKey.export({ format: "jwk" });
  const kid = createHash("sha256").update(String(jwk.x)).digest("base64url");
  const documents: Readonly<Record<string, unknown>> = {
    "/.well-known/oauth-authorization-server": {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
    },
    "/jwks": { keys: [{ ...jwk, kid, alg: "ES256", use: "sig" }] },
  };
  return {
    issuer,
    fetch: async (input) => {
      const document = member(documents, new URL(input).pathname);
      return document === undefined ? new Response(null, { status: 404 }) : Response.json(document);
    },
    token: (scope) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: issuer, aud: resource, sub: "usr_1", client_id: "host", jti: randomUUID(), iat: now, exp: now + 600, scope };
      return signJws({ alg: "ES256", typ: "at+jwt", kid }, claims, privateKey);
    },
  };
}
