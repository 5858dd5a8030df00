import { type Refusal, refuse } from "@countersign/protocol/errors";
import { parseBrowserUrl } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";

/**
 * Judges an address that a view asks the host to open (V12): http(s) without credentials, and never a sign-in page, because only the host
 * starts sign-ins. Refuses with `unsafe_url`.
 */
export function judgeLink(text: string, issuers: readonly string[]): Result<URL, Refusal> {
  const parsed = parseBrowserUrl(text);
  if (!parsed.ok) return parsed;
  const url = new URL(parsed.value);
  const asksForCode = url.searchParams.has("client_id") && url.searchParams.has("response_type");
  const atIssuer = issuers.some((issuer) => URL.canParse(issuer) && new URL(issuer).origin === url.origin);
  if (asksForCode || (atIssuer && /\/(authorize|auth|device)\b/.test(url.pathname))) {
    return err(refuse("unsafe_url", "an app may not open a sign-in page"));
  }
  return ok(url);
}
