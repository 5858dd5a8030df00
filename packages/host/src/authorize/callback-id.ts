import type { Issuer, ResourceUri } from "@countersign/protocol/brand";
import { digestText } from "../digest.ts";

/**
 * The last path segment of the redirect URI `/callback/<id>`: one per (resource, issuer), so that an answer meant for one server's sign-in can
 * never be taken for another's (RFC 9700 section 4.4). 22 base64url characters; whoever registers the client computes the same.
 */
export function callbackId(resource: ResourceUri, issuer: Issuer): string {
  return digestText(`${resource}\n${issuer}`).slice(0, 22);
}
