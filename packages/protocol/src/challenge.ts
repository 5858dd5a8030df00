import type { BrowserUrl } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { parseBrowserUrl } from "./resource.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import type { ScopeSet } from "./scope.ts";
import { formatScope, parseScope } from "./scope.ts";
import { boundedText, isJsonObject, member, textList } from "./shape.ts";
import type { HeaderChallenge } from "./www-authenticate.ts";
import { parseChallengeList } from "./www-authenticate.ts";

/** A Bearer challenge, RFC 6750 section 3 with `resource_metadata` of RFC 9728 section 5.1. */
export interface BearerChallenge {
  readonly error?: string;
  readonly errorDescription?: string;
  readonly scope: ScopeSet;
  readonly resourceMetadata?: string;
  readonly realm?: string;
}

/** One address that the server asks the user to visit. */
export interface UrlChallengeItem {
  readonly id: string;
  readonly url: BrowserUrl;
  readonly message: string;
}

/** A server's demand for authorization, in one of five forms. */
export type Challenge =
  | ({ readonly form: "http"; readonly status: 401 | 403 } & BearerChallenge)
  | ({ readonly form: "result" } & BearerChallenge)
  | { readonly form: "declared"; readonly scope: ScopeSet }
  | {
      readonly form: "url";
      readonly era: "2025-11-25" | "2026-07-28";
      readonly items: readonly UrlChallengeItem[];
      readonly requestState?: string;
    }
  | { readonly form: "structured"; readonly url: BrowserUrl; readonly message: string };

const headerLengthMax = 16_384;
const challengeCountMax = 20;
const urlItemCountMax = 10;
const requestStateLengthMax = 65_536;
const errorGrammar = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,100}$/;
const urlElicitationRequired = -32042;
const resultChallengeKey = "mcp/www_authenticate";
const defaultMessage = "This app asks you to continue in your browser.";

/**
 * Reads the WWW-Authenticate values of one response (RFC 9110 section 11.6.1) and gives the first Bearer challenge, if there is one. At most
 * 16384 characters and 20 challenges over all values. Refuses with `invalid_challenge`, or `unsafe_url` for its `resource_metadata`.
 */
export function parseWwwAuthenticate(values: readonly string[]): Result<BearerChallenge | undefined, Refusal> {
  if (values.reduce((sum, value) => sum + value.length, 0) > headerLengthMax) {
    return err(refuse("invalid_challenge", `WWW-Authenticate is longer than ${headerLengthMax} characters`));
  }
  let first: HeaderChallenge | undefined;
  let count = 0;
  for (const value of values) {
    const challenges = parseChallengeList(value, challengeCountMax - count);
    if (challenges === undefined) return err(refuse("invalid_challenge", "WWW-Authenticate leaves the grammar of RFC 9110 section 11.6.1"));
    count += challenges.length;
    first ??= challenges.find((challenge) => challenge.scheme === "bearer");
  }
  if (first === undefined) return ok(undefined);
  return first.token68 === undefined
    ? readBearer(first.parameters)
    : err(refuse("invalid_challenge", "a Bearer challenge has parameters, no token68"));
}

/**
 * Writes a challenge as one header value. Characters that no header may carry become `?`, so that text from elsewhere can neither break the
 * header nor inject another.
 */
export function formatWwwAuthenticate(challenge: BearerChallenge): string {
  const parameters: string[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined) parameters.push(`${name}="${value.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`);
  };
  add("realm", challenge.realm);
  add("error", challenge.error);
  add("error_description", challenge.errorDescription);
  add("scope", challenge.scope.size === 0 ? undefined : formatScope(challenge.scope));
  add("resource_metadata", challenge.resourceMetadata);
  return parameters.length === 0 ? "Bearer" : `Bearer ${parameters.join(", ")}`;
}

/**
 * Judges an HTTP response. A 401 is always a challenge: without a Bearer header its scope is empty and discovery falls back to the well-known
 * place. A 403 is one only with `insufficient_scope` or a scope; any other status never is.
 */
export function challengeFromHttp(status: number, wwwAuthenticate: readonly string[]): Result<Challenge | undefined, Refusal> {
  if (status !== 401 && status !== 403) return ok(undefined);
  const parsed = parseWwwAuthenticate(wwwAuthenticate);
  if (!parsed.ok) return parsed;
  const bearer = parsed.value ?? { scope: new Set<string>() };
  if (status === 403 && bearer.error !== "insufficient_scope" && bearer.scope.size === 0) return ok(undefined);
  return ok({ form: "http", status, ...bearer });
}

/**
 * Judges a tools/call result: `input_required` with URL elicitations (2026-07-28), `_meta["mcp/www_authenticate"]` on an error result, or
 * `structuredContent.requires_authorization`. Anything else is an ordinary result and gives `undefined`.
 */
export function challengeFromResult(result: unknown): Result<Challenge | undefined, Refusal> {
  if (member(result, "resultType") === "input_required") return challengeFromInputRequired(result);
  const header = member(member(result, "_meta"), resultChallengeKey);
  if (member(result, "isError") === true && header !== undefined) return challengeFromMeta(header);
  const structured = member(result, "structuredContent");
  return member(structured, "requires_authorization") === true ? challengeFromStructured(structured) : ok(undefined);
}

/** Judges a JSON-RPC error: -32042 of 2025-11-25 carries URL elicitations; any other error gives `undefined`. */
export function challengeFromError(error: unknown): Result<Challenge | undefined, Refusal> {
  if (member(error, "code") !== urlElicitationRequired) return ok(undefined);
  const elicitations = member(member(error, "data"), "elicitations");
  if (!Array.isArray(elicitations) || elicitations.length === 0 || elicitations.length > urlItemCountMax) {
    return err(refuse("invalid_challenge", `error -32042 carries 1 to ${urlItemCountMax} elicitations`));
  }
  const items: UrlChallengeItem[] = [];
  for (const elicitation of elicitations) {
    const id = boundedText(member(elicitation, "elicitationId"), 200);
    if (id === undefined || member(elicitation, "mode") !== "url") return err(refuse("invalid_challenge", "an elicitation is not of mode url"));
    const item = readUrlItem(id, elicitation);
    if (!item.ok) return item;
    items.push(item.value);
  }
  return ok({ form: "url", era: "2025-11-25", items });
}

/** The `_meta` of an error result that carries the challenge in band. */
export function resultChallengeMeta(challenge: BearerChallenge): { readonly "mcp/www_authenticate": string[] } {
  return { [resultChallengeKey]: [formatWwwAuthenticate(challenge)] };
}

function readBearer(parameters: ReadonlyMap<string, string>): Result<BearerChallenge, Refusal> {
  const scope = parseScope(parameters.get("scope") ?? "");
  if (!scope.ok) return err(refuse("invalid_challenge", scope.error.detail));
  const error = parameters.get("error");
  if (error !== undefined && !errorGrammar.test(error)) return err(refuse("invalid_challenge", "error leaves the grammar of RFC 6750 section 3"));
  const address = parameters.get("resource_metadata");
  const resourceMetadata = address === undefined ? undefined : parseBrowserUrl(address);
  if (resourceMetadata?.ok === false) return resourceMetadata;
  const errorDescription = parameters.get("error_description")?.slice(0, 1000);
  const realm = parameters.get("realm")?.slice(0, 200);
  return ok({
    scope: scope.value,
    ...(error === undefined ? {} : { error }),
    ...(errorDescription === undefined ? {} : { errorDescription }),
    ...(resourceMetadata === undefined ? {} : { resourceMetadata: resourceMetadata.value }),
    ...(realm === undefined ? {} : { realm }),
  });
}

function challengeFromMeta(header: unknown): Result<Challenge, Refusal> {
  const values = textList(typeof header === "string" ? [header] : header, challengeCountMax, headerLengthMax);
  if (values === undefined) return err(refuse("invalid_challenge", `${resultChallengeKey} is a string or a list of strings`));
  const parsed = parseWwwAuthenticate(values);
  if (!parsed.ok) return parsed;
  if (parsed.value === undefined) return err(refuse("invalid_challenge", `${resultChallengeKey} holds no Bearer challenge`));
  return ok({ form: "result", ...parsed.value });
}

function challengeFromInputRequired(result: unknown): Result<Challenge | undefined, Refusal> {
  const requests = member(result, "inputRequests");
  if (!isJsonObject(requests)) return ok(undefined);
  const entries = Object.entries(requests);
  const isUrl = ([, request]: [string, unknown]): boolean =>
    member(request, "method") === "elicitation/create" && member(member(request, "params"), "mode") === "url";
  if (!entries.some(isUrl)) return ok(undefined);
  if (!entries.every(isUrl) || entries.length > urlItemCountMax) {
    return err(refuse("invalid_challenge", `input_required mixes URL elicitations with other requests, or holds more than ${urlItemCountMax}`));
  }
  const items: UrlChallengeItem[] = [];
  for (const [id, request] of entries) {
    if (boundedText(id, 200) === undefined) return err(refuse("invalid_challenge", "an input request's key is not a short text"));
    const item = readUrlItem(id, member(request, "params"));
    if (!item.ok) return item;
    items.push(item.value);
  }
  const requestState = member(result, "requestState");
  if (requestState === undefined) return ok({ form: "url", era: "2026-07-28", items });
  if (typeof requestState !== "string" || requestState.length > requestStateLengthMax) {
    return err(refuse("invalid_challenge", `requestState is a string of at most ${requestStateLengthMax} characters`));
  }
  return ok({ form: "url", era: "2026-07-28", items, requestState });
}

function challengeFromStructured(structured: unknown): Result<Challenge, Refusal> {
  const address = member(structured, "authorization_endpoint");
  const url = parseBrowserUrl(typeof address === "string" ? address : "");
  if (!url.ok) return url;
  return ok({ form: "structured", url: url.value, message: boundedText(member(structured, "message"), 1000) ?? defaultMessage });
}

function readUrlItem(id: string, params: unknown): Result<UrlChallengeItem, Refusal> {
  const address = member(params, "url");
  const url = parseBrowserUrl(typeof address === "string" ? address : "");
  if (!url.ok) return url;
  return ok({ id, url: url.value, message: boundedText(member(params, "message"), 1000) ?? defaultMessage });
}
