import { createHash, randomBytes } from "node:crypto";

/** The resource whose access tokens are JWTs, with its one scope. */
export const shop = "http://127.0.0.1:4300/mcp";
export const orders = "orders:read";
/** The resource whose access tokens are looked up, where a server has one. */
export const opaqueResource = "http://127.0.0.1:4300/opaque";

export const callback = "https://app.bench/cb";

/** An authorization request with PKCE, and how its code is redeemed. */
export interface CodeRequest {
  readonly query: string;
  redeem(code: string): Readonly<Record<string, string>>;
}

export function codeRequest(clientId: string, clientSecret: string, scope: string): CodeRequest {
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: callback,
    scope,
    resource: shop,
    state: "bench",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  return {
    query: query.toString(),
    redeem: (code) => ({
      grant_type: "authorization_code",
      code,
      code_verifier: verifier,
      redirect_uri: callback,
      client_id: clientId,
      client_secret: clientSecret,
      resource: shop,
    }),
  };
}

/** Redeems a code and gives the refresh token. */
export async function refreshTokenFor(tokenUrl: string, fields: Readonly<Record<string, string>>): Promise<string> {
  const response = await fetch(tokenUrl, { method: "POST", body: new URLSearchParams(fields) });
  const body: unknown = await response.json();
  if (typeof body === "object" && body !== null && "refresh_token" in body && typeof body.refresh_token === "string") return body.refresh_token;
  throw new Error(`no refresh token: ${response.status} ${JSON.stringify(body)}`);
}
