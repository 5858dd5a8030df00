import type { BrowserUrl } from "./brand.ts";
import type { Question, UrlQuestion } from "./elicitation.ts";
import { readQuestion, readUrlQuestion } from "./elicitation.ts";
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

/** A demand for a sender-constrained token that stands beside or instead of Bearer, RFC 9449 section 7.1. */
export interface DpopChallenge {
  /** The signing algorithms that the server takes; empty when it does not say. */
  readonly algs: readonly string[];
  readonly error?: string;
  /** No Bearer challenge stands beside it: the parameters of both are one, and `error` is the challenge's own. */
  readonly alone?: true;
}

/** A Bearer challenge, RFC 6750 section 3 with `resource_metadata` of RFC 9728 section 5.1. */
export interface BearerChallenge {
  readonly error?: string;
  readonly errorDescription?: string;
  readonly scope: ScopeSet;
  readonly resourceMetadata?: string;
  readonly realm?: string;
  /** The server also, or only, takes DPoP-bound tokens. */
  readonly dpop?: DpopChallenge;
}

/**
 * A server's demand for something from the user. Five forms lead to sign-in or a visit; `input` is the newest revision's way to ask anything: addresses, forms,
 * or, with no question at all, only patience.
 */
export type Challenge =
  | ({ readonly form: "http"; readonly status: 401 | 403 } & BearerChallenge)
  | ({ readonly form: "result" } & BearerChallenge)
  | { readonly form: "declared"; readonly scope: ScopeSet }
  /** 2025-11-25, error -32042: the same call again once the user has visited the addresses. */
  | { readonly form: "url"; readonly questions: readonly UrlQuestion[] }
  /** 2026-07-28, `input_required`: the same call again with the answers and the unchanged state. */
  | { readonly form: "input"; readonly questions: readonly Question[]; readonly requestState?: string }
  | { readonly form: "structured"; readonly url: BrowserUrl; readonly message: string };

const headerLengthMax = 16_384;
const challengeCountMax = 20;
const questionCountMax = 10;
const requestStateLengthMax = 65_536;
const algorithmCountMax = 20;
const errorGrammar = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,100}$/;
const urlElicitationRequired = -32042;
const resultChallengeKey = "mcp/www_authenticate";

/**
 * Reads the WWW-Authenticate values of one response (RFC 9110 section 11.6.1) and gives the first Bearer challenge, or else the first of scheme DPoP
 * (RFC 9449 section 7.1), if there is one; a DPoP challenge beside Bearer is told with it. At most 16384 characters and 20 challenges over all values. Refuses with `invalid_challenge`, or `unsafe_url` for its `resource_metadata`.
 */
export function parseWwwAuthenticate(values: readonly string[]): Result<BearerChallenge | undefined, Refusal> {
  if (values.reduce((sum, value) => sum + value.length, 0) > headerLengthMax) {
    return err(refuse("invalid_challenge", `WWW-Authenticate is longer than ${headerLengthMax} characters`));
  }
  let bearer: HeaderChallenge | undefined;
  let dpop: HeaderChallenge | undefined;
  let count = 0;
  for (const value of values) {
    const challenges = parseChallengeList(value, challengeCountMax - count);
    if (challenges === undefined) return err(refuse("invalid_challenge", "WWW-Authenticate leaves the grammar of RFC 9110 section 11.6.1"));
    count += challenges.length;
    bearer ??= challenges.find((challenge) => challenge.scheme === "bearer");
    dpop ??= challenges.find((challenge) => challenge.scheme === "dpop");
  }
  const chosen = bearer ?? dpop;
  if (chosen === undefined) return ok(undefined);
  if (chosen.token68 !== undefined) return err(refuse("invalid_challenge", "a Bearer or DPoP challenge has parameters, no token68"));
  const read = readBearer(chosen.parameters);
  if (!read.ok || dpop === undefined) return read;
  return ok({ ...read.value, dpop: { ...readDpop(dpop.parameters), ...(bearer === undefined ? { alone: true } : {}) } });
}

/**
 * Writes a challenge as one header value: of scheme Bearer, with one of scheme DPoP after it or in its place as `challenge.dpop` says. Characters that no header
 * may carry become `?`, so that text from elsewhere can neither break the header nor inject another.
 */
export function formatWwwAuthenticate(challenge: BearerChallenge): string {
  const { dpop } = challenge;
  const shared: readonly Parameter[] = [
    ["realm", challenge.realm],
    ["error", challenge.error],
    ["error_description", challenge.errorDescription],
    ["scope", challenge.scope.size === 0 ? undefined : formatScope(challenge.scope)],
    ["resource_metadata", challenge.resourceMetadata],
  ];
  const algs: Parameter = ["algs", dpop === undefined || dpop.algs.length === 0 ? undefined : dpop.algs.join(" ")];
  if (dpop?.alone === true) return formatScheme("DPoP", [algs, ...shared]);
  const bearer = formatScheme("Bearer", shared);
  return dpop === undefined ? bearer : `${bearer}, ${formatScheme("DPoP", [algs, ["error", dpop.error]])}`;
}

type Parameter = readonly [name: string, value: string | undefined];

function formatScheme(scheme: string, parameters: readonly Parameter[]): string {
  const written = parameters.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`],
  );
  return written.length === 0 ? scheme : `${scheme} ${written.join(", ")}`;
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
 * Judges a tools/call result: `input_required` (2026-07-28), `_meta["mcp/www_authenticate"]` on an error result, or `structuredContent.requires_authorization`.
 * Anything else is an ordinary result and gives `undefined`, a challenge on a result that is no error too: what was done needs no sign-in.
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
  if (!Array.isArray(elicitations) || elicitations.length === 0 || elicitations.length > questionCountMax) {
    return err(refuse("invalid_challenge", `error -32042 carries 1 to ${questionCountMax} elicitations`));
  }
  const questions: UrlQuestion[] = [];
  for (const elicitation of elicitations) {
    const id = boundedText(member(elicitation, "elicitationId"), 200);
    // The error has no other mode, so one that leaves it out means it.
    if (id === undefined || (member(elicitation, "mode") ?? "url") !== "url") {
      return err(refuse("invalid_challenge", "an elicitation has an id and the mode url"));
    }
    const question = readUrlQuestion(id, elicitation);
    if (!question.ok) return question;
    questions.push(question.value);
  }
  if (new Set(questions.map((question) => question.id)).size < questions.length) {
    return err(refuse("invalid_challenge", "two elicitations have one id"));
  }
  return ok({ form: "url", questions });
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

/** An empty list demands nothing: the result is then an ordinary error. */
function challengeFromMeta(header: unknown): Result<Challenge | undefined, Refusal> {
  if (Array.isArray(header) && header.length === 0) return ok(undefined);
  const values = textList(typeof header === "string" ? [header] : header, challengeCountMax, headerLengthMax);
  if (values === undefined) return err(refuse("invalid_challenge", `${resultChallengeKey} is a string or a list of strings`));
  const parsed = parseWwwAuthenticate(values);
  if (!parsed.ok) return parsed;
  if (parsed.value === undefined) return err(refuse("invalid_challenge", `${resultChallengeKey} holds no Bearer challenge`));
  return ok({ form: "result", ...parsed.value });
}

function challengeFromInputRequired(result: unknown): Result<Challenge, Refusal> {
  const requestState = member(result, "requestState");
  if (requestState !== undefined && (typeof requestState !== "string" || requestState.length > requestStateLengthMax)) {
    return err(refuse("invalid_challenge", `requestState is a string of at most ${requestStateLengthMax} characters`));
  }
  const requests = member(result, "inputRequests") ?? {};
  if (!isJsonObject(requests)) return err(refuse("invalid_challenge", "inputRequests is an object"));
  const entries = Object.entries(requests);
  if (entries.length > questionCountMax) return err(refuse("invalid_challenge", `input_required asks more than ${questionCountMax} questions`));
  if (entries.length === 0 && requestState === undefined) {
    return err(refuse("invalid_challenge", "input_required has neither questions nor a state"));
  }
  const questions: Question[] = [];
  for (const [id, request] of entries) {
    if (member(request, "method") !== "elicitation/create") {
      return err(refuse("protocol_error", "the server asks for input of a kind that this host did not offer"));
    }
    const question = readQuestion(id, member(request, "params"));
    if (!question.ok) return question;
    questions.push(question.value);
  }
  return ok({ form: "input", questions, ...(requestState === undefined ? {} : { requestState }) });
}

function challengeFromStructured(structured: unknown): Result<Challenge, Refusal> {
  const read = readUrlQuestion("authorization", { url: member(structured, "authorization_endpoint"), message: member(structured, "message") });
  return read.ok ? ok({ form: "structured", url: read.value.url, message: read.value.message }) : read;
}

function readDpop(parameters: ReadonlyMap<string, string>): DpopChallenge {
  const algs = (parameters.get("algs") ?? "").split(" ").filter((alg) => /^[A-Za-z0-9-]{1,20}$/.test(alg));
  const error = parameters.get("error");
  return { algs: algs.slice(0, algorithmCountMax), ...(error === undefined || !errorGrammar.test(error) ? {} : { error }) };
}
