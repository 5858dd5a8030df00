import type { EpochMs } from "@countersign/protocol/brand";
import { parseScope, type ScopeSet } from "@countersign/protocol/scope";
import { boundedText, isJsonObject, type JsonObject, member, textList } from "@countersign/protocol/shape";

/**
 * How an issuer writes access tokens. `at+jwt`: RFC 9068. `jwt`: signed tokens of servers from before it. `introspection`: the issuer's own word about a token
 * that nobody else can read (RFC 7662).
 */
export type TokenFormat = "at+jwt" | "jwt" | "introspection";

/** What a token must say to be for this server. */
export interface TokenRules {
  readonly issuer: string;
  /** The `aud` that means this server. */
  readonly audience: string;
  /** Whether `aud` may name others beside it. */
  readonly furtherAudiences: "refused" | "allowed";
  /** What stands before each scope where it is asked for, and not in the token. */
  readonly scopePrefix: string;
}

/** What an access token says. The token itself is not kept: there is nothing to forward. */
export interface AccessClaims {
  readonly subject: string;
  readonly clientId: string;
  readonly scope: ScopeSet;
  readonly expiresAt: EpochMs;
  readonly issuedAt: EpochMs | undefined;
  /** `jti`. */
  readonly id: string | undefined;
  /** What the user allowed once and ends as a whole: `gid` of the wallet, `sid` of others. */
  readonly grant: string | undefined;
  /** RFC 7638 thumbprint of the key that the token is bound to (RFC 9449 section 6). */
  readonly keyThumbprint: string | undefined;
}

interface Format {
  /** Media types of the header's `typ`, without `application/`; the empty text is a header without one. */
  readonly types: readonly string[];
  readonly required: readonly string[];
  /** Where the client may stand, in this order. */
  readonly client: readonly string[];
  /** Where the scopes may stand, in this order, as a text or a list. */
  readonly scope: readonly string[];
  readonly marks: "none" | "jwt" | "introspection";
}

const older = { client: ["client_id", "azp", "cid", "appid"], scope: ["scope", "scp"] } as const;

/** One row a format: RFC 9068 section 2.2 demands everything; older servers and RFC 7662 leave more out and spell some of it otherwise. */
const formats: Readonly<Record<TokenFormat, Format>> = {
  "at+jwt": {
    types: ["at+jwt"],
    required: ["iss", "aud", "exp", "iat", "jti", "sub", "client_id"],
    client: ["client_id"],
    scope: ["scope"],
    marks: "none",
  },
  jwt: { types: ["at+jwt", "jwt", ""], required: ["iss", "aud", "exp", "iat", "sub"], marks: "jwt", ...older },
  introspection: { types: [], required: ["aud", "sub"], marks: "introspection", ...older },
};

/** Says whether a JWT's header names a type that access tokens of this format have (RFC 8725 section 3.11). */
export function isAccessTokenType(typ: unknown, format: TokenFormat): boolean {
  if (typ !== undefined && typeof typ !== "string") return false;
  return formats[format].types.includes((typ ?? "").toLowerCase().replace(/^application\//, ""));
}

/**
 * Reads the claims of a token whose signature was verified, or the issuer's answer about one. Gives undefined unless it is an access token, from that issuer,
 * for this server (by default for nobody else), not expired, and every claim that the format needs is there and well formed. `nowMs` against `exp` and `nbf`.
 */
export function readAccessClaims(claims: unknown, format: TokenFormat, rules: TokenRules, nowMs: EpochMs): AccessClaims | undefined {
  const { required, client, scope: scopeNames, marks } = formats[format];
  if (!isJsonObject(claims) || !required.every((name) => member(claims, name) !== undefined) || !isMarkedAccess[marks](claims)) return undefined;
  if (member(claims, "iss") !== undefined && member(claims, "iss") !== rules.issuer) return undefined;
  if (!isForAudience(member(claims, "aud"), rules)) return undefined;
  const subject = boundedText(member(claims, "sub"), 256);
  const clientId = boundedText(firstOf(claims, client), 2048);
  const scope = readScopes(firstOf(claims, scopeNames), format, rules.scopePrefix);
  const times = readTimes(claims, nowMs);
  const binding = readBinding(member(claims, "cnf"), saysBound[marks](claims));
  if (subject === undefined || clientId === undefined || scope === undefined || times === undefined || binding === undefined) return undefined;
  const id = boundedText(member(claims, "jti"), 256);
  return { subject, clientId, scope, ...times, id, grant: boundedText(member(claims, "gid") ?? member(claims, "sid"), 256), ...binding };
}

const idTokenClaims = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/** How claims show that their token is an access token, where its type does not: ID, logout and refresh tokens of the same issuer are signed by the same keys. */
const isMarkedAccess: Readonly<Record<Format["marks"], (claims: JsonObject) => boolean>> = {
  none: () => true,
  jwt: (claims) =>
    idTokenClaims.every((name) => member(claims, name) === undefined) &&
    isAbsentOrOneOf(member(claims, "token_use"), ["access"]) &&
    isAbsentOrOneOf(member(claims, "typ"), ["bearer", "dpop", "jwt", "at+jwt"]) &&
    firstOf(claims, older.scope) !== undefined,
  introspection: (claims) =>
    member(claims, "active") === true &&
    isAbsentOrOneOf(member(claims, "token_use"), ["access", "access_token"]) &&
    ["bearer", "dpop"].includes(String(member(claims, "token_type")).toLowerCase()),
};

/** Whether claims call their token a bound one. Without the key it is none: it must not go as a plain one (O21). */
const saysBound: Readonly<Record<Format["marks"], (claims: JsonObject) => boolean>> = {
  none: () => false,
  jwt: (claims) => String(member(claims, "typ")).toLowerCase() === "dpop",
  introspection: (claims) => String(member(claims, "token_type")).toLowerCase() === "dpop",
};

function isAbsentOrOneOf(value: unknown, allowed: readonly string[]): boolean {
  return value === undefined || (typeof value === "string" && allowed.includes(value.toLowerCase()));
}

function firstOf(claims: JsonObject, names: readonly string[]): unknown {
  const name = names.find((each) => member(claims, each) !== undefined);
  return name === undefined ? undefined : member(claims, name);
}

function isForAudience(aud: unknown, rules: TokenRules): boolean {
  const audience = Array.isArray(aud) ? aud : [aud];
  return audience.includes(rules.audience) && (rules.furtherAudiences === "allowed" || audience.length === 1);
}

/** RFC 9068 writes a text; a list is for the older formats alone. */
function readScopes(value: unknown, format: TokenFormat, prefix: string): ScopeSet | undefined {
  const list = Array.isArray(value) && format !== "at+jwt" ? textList(value, 100, 256)?.join(" ") : (value ?? "");
  const parsed = typeof list === "string" ? parseScope(list) : undefined;
  if (parsed?.ok !== true) return undefined;
  return prefix === "" ? parsed.value : new Set([...parsed.value].map((token) => prefix + token));
}

/** The longest that an answer without `exp` is believed; answers are kept for less than that anyway. */
const unboundedMs = 60_000;

function readTimes(claims: JsonObject, nowMs: EpochMs): Pick<AccessClaims, "expiresAt" | "issuedAt"> | undefined {
  const [exp, nbf, iat] = ["exp", "nbf", "iat"].map((name) => member(claims, name));
  if (!isTime(exp) || !isTime(nbf) || !isTime(iat)) return undefined;
  const expiresAt = exp === undefined ? nowMs + unboundedMs : exp * 1000;
  if (expiresAt <= nowMs || (nbf !== undefined && nbf * 1000 > nowMs)) return undefined;
  return { expiresAt, issuedAt: iat === undefined ? undefined : iat * 1000 };
}

function isTime(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === "number" && Number.isFinite(value));
}

/** A binding other than to a DPoP key, such as to a certificate (RFC 8705), is one whose proof would go unchecked. */
function readBinding(cnf: unknown, mustBeBound: boolean): Pick<AccessClaims, "keyThumbprint"> | undefined {
  if (cnf === undefined) return mustBeBound ? undefined : { keyThumbprint: undefined };
  const keyThumbprint = member(cnf, "jkt");
  const isDpop = isJsonObject(cnf) && Object.keys(cnf).length === 1 && typeof keyThumbprint === "string" && /^[\w-]{43}$/.test(keyThumbprint);
  return isDpop ? { keyThumbprint } : undefined;
}
