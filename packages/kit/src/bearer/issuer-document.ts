import type { Issuer } from "@countersign/protocol/brand";
import { type AuthorizationServer, authorizationServerMetadataUrls, judgeAuthorizationServer } from "@countersign/protocol/metadata";
import { isLoopbackUrl, isSecureOrLoopback, parseBrowserUrl } from "@countersign/protocol/resource";
import { member, textList } from "@countersign/protocol/shape";
import { type Fetch, fetchJson } from "../http/fetch-json.ts";

/** What a resource server needs of an issuer's metadata (RFC 8414 section 2). */
export interface IssuerDocument {
  /** What a client needs of it. */
  readonly server: AuthorizationServer;
  readonly tokenEndpoint: string;
  readonly jwksUri: string | undefined;
  readonly introspectionEndpoint: string | undefined;
  /** As the document lists them; empty when it does not. */
  readonly introspectionAuthMethods: readonly string[];
}

const timeoutMs = 10_000;

/** Reads an issuer's own metadata, whose `issuer` must be equal. Undefined while it cannot be read or is not to be trusted. */
export async function fetchIssuerDocument(issuer: Issuer, send: Fetch): Promise<IssuerDocument | undefined> {
  for (const url of authorizationServerMetadataUrls(issuer)) {
    const reply = await fetchJson(send, url, { headers: { accept: "application/json" }, redirect: "manual" }, timeoutMs);
    if (!reply.ok) return undefined;
    // A web site that answers every path with a page, or leads to one, is not asked for the page's meaning.
    if (reply.value.status !== 200 || reply.value.body === undefined) continue;
    // Whether it names PKCE is its clients' affair; several well-known servers do not.
    const judged = judgeAuthorizationServer(reply.value.body, issuer, "assumed");
    if (!judged.ok) return undefined;
    return {
      server: judged.value,
      tokenEndpoint: judged.value.tokenEndpoint,
      jwksUri: readUrl(member(reply.value.body, "jwks_uri"), issuer),
      introspectionEndpoint: readUrl(member(reply.value.body, "introspection_endpoint"), issuer),
      introspectionAuthMethods: textList(member(reply.value.body, "introspection_endpoint_auth_methods_supported"), 20, 100) ?? [],
    };
  }
  return undefined;
}

/** https, or plain http only where the issuer itself is on this machine. */
function readUrl(value: unknown, issuer: Issuer): string | undefined {
  const parsed = typeof value === "string" ? parseBrowserUrl(value) : undefined;
  if (!parsed?.ok) return undefined;
  const url = new URL(parsed.value);
  const secure = url.protocol === "https:" || isLoopbackUrl(new URL(issuer));
  return secure && isSecureOrLoopback(url) ? parsed.value : undefined;
}
