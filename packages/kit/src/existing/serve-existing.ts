import type { Issuer, ResourceUri } from "@countersign/protocol/brand";
import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import type { AuthInfo } from "@modelcontextprotocol/server";
import type { Bearer, BearerVerifier } from "../bearer/verify-token.ts";
import { challengeByHttp, issuerUnavailable, rpcErrorResponse } from "../http/responses.ts";
import { readRpcBody } from "../http/rpc-body.ts";
import type { Payee } from "../payment/payee.ts";
import type { ApprovalForm } from "../policy/choose-approval.ts";
import { type ChallengeForm, chooseForm } from "../policy/choose-form.ts";
import type { BoundTokens } from "../policy/choose-scheme.ts";
import { type AccessDecision, decideBatch } from "../policy/decide-access.ts";
import { headersDisagree, isModern } from "../policy/header-mismatch.ts";
import { readDemands, type Rules } from "../policy/rules.ts";
import type { ScopeHierarchy } from "../policy/scope-hierarchy.ts";
import type { Report } from "../report.ts";
import { mapResponse } from "./answer-stream.ts";
import { publishRules } from "./publish-rules.ts";
import { serveCall } from "./serve-call.ts";
import type { SessionOwners } from "./session-owners.ts";

/** A server of any make: the SDK's handler takes exactly this, and others may leave out the second argument. */
export type ExistingFetch = (request: Request, options?: { authInfo?: AuthInfo; parsedBody?: unknown }) => Promise<Response>;

export interface ExistingOptions {
  readonly resource: ResourceUri;
  readonly issuer: Issuer | undefined;
  readonly approvalForm: "auto" | ApprovalForm;
  readonly inner: ExistingFetch;
  readonly rules: Rules;
  readonly verifier: BearerVerifier;
  readonly scopes: ScopeHierarchy;
  readonly resourceMetadata: string | undefined;
  readonly boundTokens: BoundTokens | undefined;
  readonly challengeForm: "auto" | ChallengeForm;
  readonly payee: Payee | undefined;
  readonly report: Report;
  readonly sessions: SessionOwners;
}

/** One HTTP request whose caller is known. */
export interface Admitted {
  readonly request: Request;
  readonly bearer: Bearer;
  readonly form: ChallengeForm;
  /** Gives one message of the request, or the request without a body, to the server. The caller's token does not go with it. */
  forward(message: JsonObject | undefined): Promise<Response>;
}

const sessionHeader = "mcp-session-id";

/** Builds the endpoint in front of an existing server: body, token, session and rules first, then one message after the other goes to the server. */
export function createExistingEndpoint(options: ExistingOptions): (request: Request) => Promise<Response> {
  const { report, sessions } = options;
  return async (request) => {
    if (!["POST", "GET", "DELETE"].includes(request.method)) return rpcErrorResponse(405, -32000, "Method not allowed");
    const body = request.method === "POST" ? await readRpcBody(request) : undefined;
    if (body?.ok === false) {
      report({ event: "refused", status: body.error.status, reason: body.error.message });
      return rpcErrorResponse(body.error.status, body.error.code, body.error.message);
    }
    const isBatch = body?.value.isBatch === true;
    const messages = messagesOf(body?.value.json);
    const bearer = await options.verifier.judge(request.headers.get("authorization"), request);
    const names = body?.value.messages.map((each) => each.clientName) ?? [];
    const form = chooseForm(options.challengeForm, names, request.headers.get("user-agent"));
    const admitted: Admitted = { request, bearer, form: isBatch ? "result" : form, forward: (message) => forward(request, message, bearer, options) };

    const session = request.headers.get(sessionHeader);
    const refusal = refuseByHttp(messages, isBatch, form, bearer, options);
    if (refusal !== undefined) return refusal;
    if (session !== null && !isSessionless(messages) && !sessions.admit(session, subjectOf(bearer))) {
      report({ event: "refused", status: 404, reason: "unknown session" });
      return rpcErrorResponse(404, -32001, "Session not found");
    }
    const [only] = messages;
    if (only !== undefined && headersDisagree((name) => request.headers.get(name), only)) {
      return rpcErrorResponse(400, -32020, "The headers and the body of the request disagree", idOf(only));
    }
    if (isBatch) return await serveBatch(messages, admitted, options);
    const response = await serveMessage(only, admitted, options);
    const begun = response.headers.get(sessionHeader);
    if (begun !== null && begun !== session) sessions.begin(begun, subjectOf(bearer));
    if (request.method === "DELETE" && session !== null && response.ok) sessions.end(session);
    return response;
  };
}

/** Answers what needs no look at a tool: a token that is bad or cannot be judged, and whatever has no result to carry its challenge. */
function refuseByHttp(
  messages: readonly JsonObject[],
  isBatch: boolean,
  form: ChallengeForm,
  bearer: Bearer,
  options: ExistingOptions,
): Response | undefined {
  const decision = decideAll(messages, bearer, options.rules);
  if (decision.action === "unavailable") return issuerUnavailable(options.report);
  if (decision.action !== "challenge") return undefined;
  const others = messages.filter((each) => member(each, "method") !== "tools/call");
  const isForTools = decideAll(others, bearer, options.rules).action !== "challenge";
  if (decision.code !== "invalid_token" && isForTools && !(isBatch && form === "http")) return undefined;
  const tool = messages.map((each) => member(member(each, "params"), "name")).find((name) => typeof name === "string");
  return challengeByHttp(decision, tool, bearer, options);
}

function decideAll(messages: readonly JsonObject[], bearer: Bearer, rules: Rules): AccessDecision {
  const demands = messages.flatMap((each) => readDemands(each, rules));
  return decideBatch(demands.length === 0 ? [{ kind: "open" }] : demands, bearer);
}

async function serveMessage(message: JsonObject | undefined, admitted: Admitted, options: ExistingOptions): Promise<Response> {
  // A stream that the client opened, or opened again, may carry any answer.
  if (message === undefined) return await mapResponse(await admitted.forward(undefined), (each) => publishRules(each, options.rules));
  const method = member(message, "method");
  const decision = decideAll([message], admitted.bearer, options.rules);
  if (decision.action === "refuse") return unknownResponse(message, options);
  if (method === "tools/call") return await serveCall(message, admitted, options);
  const response = await admitted.forward(message);
  if (typeof method !== "string" || !method.endsWith("/list")) return response;
  return await mapResponse(response, (each) => publishRules(each, options.rules));
}

/**
 * Serves the messages of a batch (2025-03-26) one by one and answers with the batch of their answers. What the server says before an answer is
 * left out: there is one answer for all.
 */
async function serveBatch(messages: readonly JsonObject[], admitted: Admitted, options: ExistingOptions): Promise<Response> {
  const answers = await Promise.all(
    messages.map(async (message) => {
      const response = await serveMessage(message, admitted, options);
      const id = idOf(message);
      return id === null
        ? undefined
        : ((await readAnswer(response, id)) ?? { jsonrpc: "2.0", id, error: { code: -32603, message: "Internal error" } });
    }),
  );
  const given = answers.filter((each) => each !== undefined);
  return given.length === 0 ? new Response(null, { status: 202 }) : Response.json(given);
}

async function readAnswer(response: Response, id: string | number): Promise<JsonObject | undefined> {
  let found: JsonObject | undefined;
  const all = await mapResponse(response, (message) => {
    if (message["id"] === id || "error" in message) found = { ...message, id };
    return message;
  });
  await all.text();
  return found;
}

function forward(request: Request, message: JsonObject | undefined, bearer: Bearer, options: ExistingOptions): Promise<Response> {
  const headers = new Headers(request.headers);
  for (const name of ["authorization", "dpop", "content-length"]) headers.delete(name);
  if (message !== undefined && isModern(message)) headers.delete(sessionHeader);
  const init = { method: request.method, headers, signal: request.signal };
  const authInfo = authInfoOf(bearer, options.resource);
  const given = authInfo === undefined ? {} : { authInfo };
  if (message === undefined) return options.inner(new Request(request.url, init), given);
  return options.inner(new Request(request.url, { ...init, body: JSON.stringify(message) }), { ...given, parsedBody: message });
}

/** What handlers of the SDK read about their caller. The token is not in it: there is nothing to forward. */
function authInfoOf(bearer: Bearer, resource: ResourceUri): AuthInfo | undefined {
  if (bearer.state !== "valid") return undefined;
  const { clientId, scope, expiresAt, subject } = bearer;
  return { token: "", clientId, scopes: [...scope], expiresAt: Math.floor(expiresAt / 1000), resource: new URL(resource), extra: { subject } };
}

/** The method, tool, prompt or resource does not exist here, in the words of the protocol: -32002 was the 2025 family's for resources. */
function unknownResponse(message: JsonObject, options: ExistingOptions): Response {
  const isMethod = readDemands(message, options.rules).some((each) => each.kind === "unknown_method");
  const method = isMethod ? undefined : member(message, "method");
  options.report({ event: "refused", status: 404, reason: isMethod ? "unknown method" : "not named by the policy" });
  if (isMethod) return rpcErrorResponse(isModern(message) ? 404 : 200, -32601, "Method not found", idOf(message));
  const isResource = typeof method === "string" && method.startsWith("resources/");
  return rpcErrorResponse(200, isResource && !isModern(message) ? -32002 : -32602, "Not found", idOf(message));
}

/** 2026-07-28 has no sessions. Whoever says so gets none: the server behind may be older and look at the header alone. */
function isSessionless(messages: readonly JsonObject[]): boolean {
  return messages.length > 0 && messages.every(isModern);
}

function messagesOf(json: unknown): readonly JsonObject[] {
  return (Array.isArray(json) ? json : [json]).filter(isJsonObject);
}

function idOf(message: JsonObject): string | number | null {
  const id = message["id"];
  return typeof id === "string" || typeof id === "number" ? id : null;
}

function subjectOf(bearer: Bearer): string | undefined {
  return bearer.state === "valid" ? bearer.subject : undefined;
}
