import { randomBytes } from "node:crypto";
import { sha256 } from "../digest.ts";
import type { WalletClient } from "../options.ts";
import { text } from "../pages/text.ts";

/** The client id under which the wallet signs people in to its own account pages. */
export const accountClientId = "account";

/** The wallet as its own client: the account pages start the same authorization request that an app would, so there is one sign-in. */
export function accountClient(publicUrl: string): WalletClient {
  return {
    client_id: accountClientId,
    client_name: text.productName,
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code"],
    redirect_uris: [signedInUrl(publicUrl)],
    application_type: "web",
  };
}

/** Where a browser without a session goes to sign in; `returnTo` is the account page that it asked for. */
export function signInUrl(publicUrl: string, returnTo: string): string {
  const location = new URL("/authorize", publicUrl);
  location.search = new URLSearchParams({
    response_type: "code",
    client_id: accountClientId,
    redirect_uri: signedInUrl(publicUrl),
    scope: "openid",
    state: accountPath(returnTo),
    // The verifier is thrown away: the code is worth nothing, the session cookie is what counts.
    code_challenge: sha256(randomBytes(32)),
    code_challenge_method: "S256",
  }).toString();
  return location.href;
}

/** The account page that a text names; the first one for anything else, so that `state` leads nowhere but here. */
export function accountPath(value: string | undefined): string {
  return value !== undefined && value.length <= 200 && /^\/account(?:\/[A-Za-z0-9_-]+)*$/.test(value) ? value : "/account";
}

function signedInUrl(publicUrl: string): string {
  return `${publicUrl}/account/signed-in`;
}
