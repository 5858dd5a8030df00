import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import { verifyProof } from "./proof.ts";

/** A token as a request brought it, and the key that it is bound to, if any. */
export interface SentToken {
  readonly scheme: "bearer" | "dpop";
  readonly value: string;
  readonly jkt: string | undefined;
}

/** Reads `Authorization`: one of the two schemes with one token (RFC 6750 section 2.1, RFC 9449 section 7.1). Undefined when it is anything else. */
export function readSentToken(request: Request): Pick<SentToken, "scheme" | "value"> | undefined {
  const [, scheme = "", value = ""] = /^(Bearer|DPoP) ([A-Za-z0-9._~+/=-]{1,512})$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (value === "") return undefined;
  return { scheme: scheme.toLowerCase() === "dpop" ? "dpop" : "bearer", value };
}

/**
 * Whether whoever sent a token may use it: one that is bound to a key comes with the scheme `DPoP` and a proof for this very request, never as a bearer token
 * (RFC 9449 section 7.2). `origin` is the wallet's own, whatever host the request names. Refuses with `invalid_token`.
 */
export async function judgeHeldKey(
  parts: { readonly origin: string; readonly database: Pick<Database<unknown>, "records">; readonly now: () => EpochMs },
  request: Request,
  token: SentToken,
): Promise<Result<void, Refusal>> {
  if (token.scheme === "bearer") return token.jkt === undefined ? ok(undefined) : err(refuse("invalid_token", "the token is bound to a key"));
  if (token.jkt === undefined) return err(refuse("invalid_token", "the token is not bound to a key"));
  const url = parts.origin + new URL(request.url).pathname;
  const proof = await verifyProof(parts, request.headers.get("dpop") ?? "", { method: request.method, url, accessToken: token.value });
  if (!proof.ok) return proof;
  return proof.value === token.jkt ? ok(undefined) : err(refuse("invalid_token", "the proof is another key's"));
}
