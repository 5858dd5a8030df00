import type { Issuer } from "@countersign/protocol/brand";
import { refuse } from "@countersign/protocol/errors";
import { withKnownText } from "@countersign/protocol/known-text";
import { createMcpHandler, type McpHttpHandler } from "@modelcontextprotocol/server";
import { refused, type ToolResult } from "./answer.ts";
import type { Bearer, BearerVerifier } from "./bearer/verify-token.ts";
import { type CallGate, createCallGate, type GatedTool } from "./call-gate.ts";
import { challengeByHttp, challengeResponse, issuerUnavailable, rpcErrorResponse } from "./http/responses.ts";
import { writePlainAnswer } from "./http/plain-answer.ts";
import { type RpcBody, readRpcBody } from "./http/rpc-body.ts";
import { createMcpServer, type Offer, type Reach, serverInfoOf } from "./mcp-server.ts";
import type { Payee } from "./payment/payee.ts";
import type { ApprovalForm } from "./policy/choose-approval.ts";
import { type ChallengeForm, chooseForm } from "./policy/choose-form.ts";
import type { BoundTokens } from "./policy/choose-scheme.ts";
import { type AccessDecision, decideBatch, demandOf } from "./policy/decide-access.ts";
import { readPlainCall } from "./policy/plain-call.ts";
import type { ScopeHierarchy } from "./policy/scope-hierarchy.ts";
import type { Report } from "./report.ts";

export interface EndpointOptions {
  readonly offer: Offer;
  /** Undefined in an app without an issuer: an Authorization header then means nothing. */
  readonly verifier: BearerVerifier | undefined;
  readonly scopes: ScopeHierarchy;
  readonly resourceMetadata: string | undefined;
  readonly boundTokens: BoundTokens | undefined;
  readonly challengeForm: "auto" | ChallengeForm;
  readonly issuer: Issuer | undefined;
  readonly awaitTool: string | undefined;
  readonly approvalForm: "auto" | ApprovalForm;
  readonly payee: Payee | undefined;
  readonly report: Report;
}

export interface Endpoint {
  /** Serves one request to the MCP endpoint whose Host and Origin were judged. */
  serve(request: Request): Promise<Response>;
  close(): Promise<void>;
}

interface Serving {
  readonly reach: Reach;
  readonly gate: CallGate;
}

const subscriptionsMax = 256;

/** Builds the MCP endpoint: body, token and policy first, then the SDK for both protocol eras. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { offer, report } = options;
  // The SDK hands the very Request object back to the factory, so what holds for a request is found by it and by nothing a client can name.
  const servings = new WeakMap<Request, Serving>();
  const handler: McpHttpHandler = createMcpHandler(
    ({ requestInfo }) => {
      const serving = requestInfo && servings.get(requestInfo);
      if (!serving) throw new TypeError("a request reached the server without its gate");
      return createMcpServer(offer, serving.reach, serving.gate);
    },
    { onerror: (error) => report({ event: "protocol_error", error }), maxSubscriptions: subscriptionsMax },
  );

  const serve = async (request: Request): Promise<Response> => {
    const body = request.method === "POST" ? await readRpcBody(request) : undefined;
    if (body?.ok === false) {
      report({ event: "refused", status: body.error.status, reason: body.error.message });
      return rpcErrorResponse(body.error.status, body.error.code, body.error.message);
    }
    const bearer = options.verifier ? await options.verifier.judge(request.headers.get("authorization"), request) : ({ state: "none" } as const);
    const messages = body?.value.messages ?? [];
    const names = messages.map((each) => each.clientName);
    const form = chooseForm(options.challengeForm, names, request.headers.get("user-agent"));
    const demands = messages.map((each) => demandOf(each.method, each.toolName, (tool) => offer.tools.get(tool)?.auth));
    const decision = decideBatch(demands.length === 0 ? [{ kind: "open" }] : demands, bearer);

    const refusal = refuseByHttp(decision, form, bearer, options, body?.value);
    if (refusal !== undefined) return refusal;

    const inResult = form === "result" || body?.value.isBatch === true;
    const gate = createCallGate({ ...options, bearer, form: inResult ? "result" : "http", userAgent: request.headers.get("user-agent") });
    const settled = body && (await answerPlainCall(request, body.value, gate, options));
    if (settled instanceof Response) return settled;
    servings.set(request, { reach: reachOf(body?.value), gate: onlyJson(settled ?? gate, report) });
    const response = await handler.fetch(request, body === undefined ? {} : { parsedBody: body.value.json });
    return messages.some((each) => each.method === "tools/call") ? finish(response, gate) : response;
  };

  return { serve, close: () => handler.close() };
}

/**
 * Answers a call that asks for nothing beside its result, without a server object. Undefined leaves the call to the SDK; a gate leaves it the writing
 * of a result that is there already: the tool runs once.
 */
async function answerPlainCall(request: Request, body: RpcBody, gate: CallGate, options: EndpointOptions): Promise<Response | CallGate | undefined> {
  const call = readPlainCall((name) => request.headers.get(name), body.json);
  const tool = call && options.offer.tools.get(call.name);
  if (call === undefined || tool === undefined || tool.hasHeaderArguments) return undefined;
  const result = await gate.call(tool, call.args, call.meta, () => request.signal);
  const raised = gate.raised();
  if (raised !== undefined) return challengeResponse(raised.status, refuse(raised.code), raised.challenge);
  const server = serverInfoOf(options.offer);
  try {
    return writePlainAnswer(request, call, result, server) ?? { call: () => Promise.resolve(result), raised: () => undefined };
  } catch (error) {
    return writePlainAnswer(request, call, unwritable(tool, error, options.report), server);
  }
}

/** The gate for the SDK, which would never answer a call whose result cannot be written. */
function onlyJson(gate: CallGate, report: Report): CallGate {
  return {
    raised: () => gate.raised(),
    async call(tool, ...rest) {
      const result = await gate.call(tool, ...rest);
      try {
        JSON.stringify(result);
        return result;
      } catch (error) {
        return unwritable(tool, error, report);
      }
    },
  };
}

/** In place of a result that JSON cannot hold, such as a bigint or a circle. */
function unwritable(tool: Pick<GatedTool, "listing">, error: unknown, report: Report): ToolResult {
  report({ event: "tool_failed", tool: tool.listing.name, error });
  return refused({ code: "internal_error" });
}

/**
 * Answers what needs no look at a single call: a token that is bad or cannot be judged, and a batch with a call that is not allowed. Any other
 * request goes on to the SDK, which first compares headers with the body; the gate then decides, by the same table, before the tool runs.
 */
function refuseByHttp(
  decision: AccessDecision,
  form: ChallengeForm,
  bearer: Bearer,
  options: EndpointOptions,
  body: RpcBody | undefined,
): Response | undefined {
  if (decision.action === "unavailable") return issuerUnavailable(options.report);
  if (decision.action !== "challenge") return undefined;
  // Clients of the result form get HTTP 401 for a bad token too: that is how they learn to renew it.
  if (decision.code !== "invalid_token" && (form === "result" || body?.isBatch !== true)) return undefined;
  const tool = body?.messages.find((each) => each.toolName !== undefined)?.toolName;
  return challengeByHttp(decision, tool, bearer, options);
}

function reachOf(body: RpcBody | undefined): Reach {
  const messages = body?.messages ?? [];
  return {
    toolNames: new Set(messages.flatMap((each) => (each.toolName === undefined ? [] : [each.toolName]))),
    resources: messages.some((each) => each.method?.startsWith("resources/")),
  };
}

/**
 * Lets a challenge that a tool raised take the response's place. The 2025 family answers by a stream that opens before the tool has run, so
 * it is read to its end first; nothing has been sent to the client until then.
 */
async function finish(response: Response, gate: CallGate): Promise<Response> {
  const streamed = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const text = streamed ? await response.text() : undefined;
  const raised = gate.raised();
  if (raised === undefined) {
    if (text === undefined) return response;
    return withKnownText(new Response(text, { status: response.status, headers: response.headers }), text);
  }
  if (!streamed) await response.body?.cancel();
  return challengeResponse(raised.status, refuse(raised.code), raised.challenge);
}
