import type { EpochMs } from "./brand.ts";
import { clientAuthMethods, type ClientAuthMethod } from "./client-authentication.ts";
import { refuse, type Refusal } from "./errors.ts";
import { err, ok, type Result } from "./result.ts";
import { Secret } from "./secret.ts";
import { boundedText, isJsonObject, member, textList } from "./shape.ts";

/** Client metadata in the words of RFC 7591 section 2: what is registered, and what a client id metadata document says. */
export interface ClientMetadata {
  readonly client_name: string;
  readonly client_uri?: string;
  readonly redirect_uris: readonly [string];
  readonly grant_types: readonly string[];
  readonly response_types: readonly ["code"];
  readonly token_endpoint_auth_method: ClientAuthMethod;
  /** OpenID Connect registration section 2, which MCP demands: `native` for a redirect to this machine, else `web`. */
  readonly application_type: "native" | "web";
  readonly jwks_uri?: string;
}

/** A judged registration. */
export interface ClientRegistration {
  readonly clientId: string;
  readonly method: ClientAuthMethod;
  readonly secret: Secret | undefined;
  /** When the secret ends; undefined is never. */
  readonly expiresAt: EpochMs | undefined;
}

const clientIdLengthMax = 500;
const secretLengthMax = 2000;
/** RFC 6749 appendix A.1 and A.2. */
const visible = /^[\x20-\x7e]+$/;

/**
 * Judges a registration answer (RFC 7591 section 3.2.1). The server may change what was asked for, so what it says counts: refuses with
 * `registration_unavailable` when the client could then not be used, with `invalid_metadata` when the answer is malformed.
 */
export function judgeClientRegistration(doc: unknown, asked: ClientMetadata): Result<ClientRegistration, Refusal> {
  if (!isJsonObject(doc)) return err(refuse("invalid_metadata", "a registration answer is a JSON object"));
  const clientId = readVisible(doc, "client_id", clientIdLengthMax);
  if (clientId === undefined) return err(refuse("invalid_metadata", "the registration answer lacks a usable client_id"));
  const redirectUris = member(doc, "redirect_uris");
  if (redirectUris !== undefined && textList(redirectUris, 50, 2048)?.includes(asked.redirect_uris[0]) !== true) {
    return err(refuse("registration_unavailable", "the server registered another redirect URI than it was asked for"));
  }
  const given = readVisible(doc, "client_secret", secretLengthMax);
  if (given === undefined && member(doc, "client_secret") !== undefined) {
    return err(refuse("invalid_metadata", "the registration answer's client_secret cannot be used"));
  }
  const named = member(doc, "token_endpoint_auth_method") ?? (given === undefined ? "none" : asked.token_endpoint_auth_method);
  const method = clientAuthMethods.find((each) => each === named);
  const needsSecret = method === "client_secret_basic" || method === "client_secret_post";
  if (method === undefined || (needsSecret && given === undefined) || (method === "private_key_jwt" && asked.jwks_uri === undefined)) {
    return err(refuse("registration_unavailable", "the server registered a way of authentication that this client does not have"));
  }
  const expiry = readExpiry(member(doc, "client_secret_expires_at"));
  if (!expiry.ok) return expiry;
  return ok({
    clientId,
    method,
    secret: needsSecret && given !== undefined ? new Secret(given) : undefined,
    expiresAt: needsSecret ? expiry.value : undefined,
  });
}

function readVisible(doc: unknown, name: string, lengthMax: number): string | undefined {
  const text = boundedText(member(doc, name), lengthMax);
  return text !== undefined && visible.test(text) ? text : undefined;
}

/** Seconds since 1970, 0 for never; some servers leave it out. */
function readExpiry(value: unknown): Result<EpochMs | undefined, Refusal> {
  if (value === undefined || value === null || value === 0) return ok(undefined);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    return err(refuse("invalid_metadata", "client_secret_expires_at is a time in seconds"));
  }
  return ok(value * 1000);
}
