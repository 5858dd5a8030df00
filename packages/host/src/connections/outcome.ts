import { challengeFromError, challengeFromHttp, challengeFromResult, type Challenge } from "@countersign/protocol/challenge";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from "@modelcontextprotocol/client";
import type { DialError } from "@countersign/service/dial/dial";
import type { Exchange } from "./exchange.ts";

/** An answer that demands nothing. */
export type PlainAnswer = { readonly kind: "result"; readonly result: JsonObject } | { readonly kind: "failed"; readonly refusal: Refusal };

/** How one `tools/call` ended on the wire. `sent: false` means that the server certainly did not run it. */
export type CallOutcome =
  | { readonly kind: "result"; readonly result: JsonObject }
  /** `plain` is the same answer for a host that makes nothing of the demand. */
  | { readonly kind: "challenge"; readonly challenge: Challenge; readonly plain: PlainAnswer }
  | { readonly kind: "failed"; readonly refusal: Refusal }
  /** The server took the request, and what it answered cannot be understood: the tool may have run. */
  | { readonly kind: "unreadable"; readonly refusal: Refusal }
  | { readonly kind: "lost"; readonly sent: boolean; readonly detail: string };

/** Reads an answer: a result, or a demand in one of the forms that results carry. */
export function judgeResult(result: unknown): CallOutcome {
  if (!isJsonObject(result)) {
    return { kind: "unreadable", refusal: refuse("protocol_error", "the result is not an object") };
  }
  const challenge = challengeFromResult(result);
  if (!challenge.ok) {
    return { kind: "failed", refusal: challenge.error };
  }
  if (challenge.value !== undefined) {
    return { kind: "challenge", challenge: challenge.value, plain: plainOf(challenge.value, result) };
  }
  return { kind: "result", result };
}

const plainRefusals: Readonly<Record<401 | 403, Refusal>> = {
  401: refuse("authorization_required", "the server answered 401"),
  403: refuse("insufficient_scope", "the server answered 403"),
};

/** A round of questions (2026-07-28) is no result; every other demand comes in one. */
function plainOf({ form }: Challenge, result: JsonObject): PlainAnswer {
  return form === "input"
    ? { kind: "failed", refusal: refuse("protocol_error", "the server asks what the host does not offer") }
    : { kind: "result", result };
}

/** Reads a request that gave no result: what the wire told of it counts more than what the SDK made of that. */
export function judgeFailure(error: unknown, exchange: Exchange): CallOutcome {
  if (exchange.status === 401 || exchange.status === 403) {
    const challenge = challengeFromHttp(exchange.status, exchange.wwwAuthenticate);
    if (!challenge.ok) {
      return { kind: "failed", refusal: challenge.error };
    }
    return challenge.value === undefined
      ? { kind: "failed", refusal: refuse("protocol_error", `the server answered ${exchange.status} without a challenge`) }
      : { kind: "challenge", challenge: challenge.value, plain: { kind: "failed", refusal: plainRefusals[exchange.status] } };
  }
  if (exchange.problem !== undefined) {
    return judgeDialProblem(exchange.problem, exchange);
  }
  if (error instanceof ProtocolError) {
    return judgeRpcError(error);
  }
  if (error instanceof SdkHttpError || (exchange.status ?? 0) >= 400) {
    const status = exchange.status ?? 0;
    return status >= 500
      ? { kind: "lost", sent: exchange.sent, detail: `the server answered ${status}` }
      : { kind: "failed", refusal: refuse("protocol_error", `the server answered ${status}`) };
  }
  if (error instanceof SdkError && (error.code === SdkErrorCode.RequestTimeout || error.code === SdkErrorCode.ConnectionClosed)) {
    return { kind: "lost", sent: exchange.sent, detail: "no complete answer in time" };
  }
  // The parser's own words repeat the beginning of what it could not read.
  const words = error instanceof SyntaxError ? "the answer is not JSON" : error instanceof Error ? error.message : "unknown failure";
  const refusal = refuse("protocol_error", words);
  return { kind: exchange.sent ? "unreadable" : "failed", refusal };
}

function judgeRpcError(error: ProtocolError): CallOutcome {
  const challenge = challengeFromError({ code: error.code, data: error.data });
  if (!challenge.ok) {
    return { kind: "failed", refusal: challenge.error };
  }
  if (challenge.value !== undefined) {
    const refusal = refuse("protocol_error", `the server answered with error ${error.code}`);
    return { kind: "challenge", challenge: challenge.value, plain: { kind: "failed", refusal } };
  }
  const code = error.code === -32602 ? "invalid_arguments" : "protocol_error";
  return { kind: "failed", refusal: refuse(code, `the server answered with error ${error.code}: ${error.message}`) };
}

/** While only the connection was being made, nothing was sent, whatever the problem says. */
function judgeDialProblem(problem: DialError, { sent, status = 0 }: Exchange): CallOutcome {
  switch (problem.problem) {
    case "unsafe_address":
      return { kind: "failed", refusal: refuse("unsafe_url", problem.message) };
    case "redirected":
      return { kind: "failed", refusal: refuse("protocol_error", problem.message) };
    case "too_large":
      return { kind: sent && status < 400 ? "unreadable" : "failed", refusal: refuse("response_too_large", problem.message) };
    case "unreachable":
    case "timeout":
    case "aborted":
      return { kind: "lost", sent: sent && problem.sent, detail: problem.message };
  }
}

/** What a request that is no call was refused with. */
export function refusalOf(outcome: CallOutcome): Refusal {
  switch (outcome.kind) {
    case "failed":
    case "unreadable":
      return outcome.refusal;
    case "lost":
      return refuse("server_unreachable", outcome.detail);
    case "challenge":
      return refuse("authorization_required", "the server demands sign-in before anything else");
    case "result":
      return refuse("internal_error");
  }
}
