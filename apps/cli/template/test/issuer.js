import { exportJWK, generateKeyPair, SignJWT } from "jose";

/**
 * An authorization server in memory: what the app reads of the real one (metadata and keys), and a token for a user. Give `fetch` to the app.
 *
 * @param {string} issuer
 */
export async function makeIssuer(issuer) {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const key = { ...(await exportJWK(publicKey)), kid: "test", alg: "ES256", use: "sig" };
  const documents = {
    "/.well-known/oauth-authorization-server": {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
    },
    "/jwks": { keys: [key] },
  };
  return {
    /** @type {typeof fetch} */
    fetch: async (url) => {
      const document = documents[new URL(url).pathname];
      return document === undefined ? new Response(null, { status: 404 }) : Response.json(document);
    },
    /** @param {{ subject: string, audience: string, scope: string }} claims */
    token: ({ subject, audience, scope }) =>
      new SignJWT({ scope, client_id: "test", jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: "ES256", kid: "test", typ: "at+jwt" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setIssuedAt()
        .setExpirationTime("5m")
        .sign(privateKey),
  };
}
