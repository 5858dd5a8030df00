import { asksForNonce, readNonce } from "@countersign/protocol/dpop";
import type { Secret } from "@countersign/protocol/secret";
import { BoundToken } from "../authorize/proof-key.ts";

const originsMax = 1000;

/** The newest nonce of each server (RFC 9449 section 8.2), the least recently learned forgotten first. No secret: it only shows that a proof is fresh. */
const nonces = new Map<string, string>();

/**
 * Puts an access token into the headers of a request to an MCP server, with the proof that a bound one needs: the only place where a token becomes a header, so that
 * a bound one never goes as Bearer (O21).
 */
async function setToken(headers: Headers, token: Secret | undefined, method: string, url: URL): Promise<void> {
  if (token === undefined) return;
  if (!(token instanceof BoundToken)) {
    headers.set("authorization", `Bearer ${token.reveal()}`);
    return;
  }
  headers.set("authorization", `DPoP ${token.reveal()}`);
  headers.set("dpop", await token.key.prove({ method, url, token, nonce: nonces.get(url.origin) }));
}

/**
 * Takes up what an answer says about nonces. True when the same request should be sent once more: the server refused it for want of the nonce that it brings, and
 * so has not run it.
 */
function learnNonce(token: Secret | undefined, url: URL, response: Response): boolean {
  const nonce = token instanceof BoundToken ? readNonce(response.headers.get("dpop-nonce")) : undefined;
  if (nonce === undefined) return false;
  nonces.delete(url.origin);
  nonces.set(url.origin, nonce);
  const [oldest] = nonces.keys();
  if (nonces.size > originsMax && oldest !== undefined) nonces.delete(oldest);
  return asksForNonce(response.status, response.headers.get("www-authenticate"));
}

/** Sends a request with a token by `send`, and once more when the server asks for its nonce. `send` sends `headers` as they are then. */
export async function sendWithToken(
  request: { readonly headers: Headers; readonly token: Secret | undefined; readonly method: string; readonly url: URL },
  send: () => Promise<Response>,
): Promise<Response> {
  const { headers, token, method, url } = request;
  await setToken(headers, token, method, url);
  const first = await send();
  if (!learnNonce(token, url, first)) return first;
  await first.body?.cancel();
  await setToken(headers, token, method, url);
  const second = await send();
  learnNonce(token, url, second);
  return second;
}
