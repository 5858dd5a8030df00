import { challengeFromError, challengeFromResult } from "@countersign/protocol/challenge";
import { hostClients } from "@countersign/protocol/host-profile-client";
import type { HostProfile } from "@countersign/protocol/ladder";
import { profileNames } from "@countersign/protocol/host-profile";
import type { BadTokenObservation, ProtectedCallObservation, ServerObservation } from "@countersign/protocol/server-observation";
import type { JsonObject } from "@countersign/protocol/shape";
import type { Asker } from "./ask.ts";
import { send, type Caller, type Reply, type Speech } from "./message.ts";
import type { ListedTool } from "./probe-tools.ts";

/** Whether an anonymous call may be tried at all: `never` when whoever asks has said so. */
export type CallConsent = "read_only" | "never";

export type ChosenTool = { readonly name: string } | { readonly reason: Extract<ProtectedCallObservation, { seen: "not_called" }>["reason"] };

/**
 * The tool to call without a token, to see the challenge. Nothing that might do something is called: the tool must demand sign-in, so that a server that keeps its
 * own word runs nothing, and say that it only reads, so that one that does not keep it changes nothing. Arguments are not invented: a complaint about them would
 * hide the challenge.
 */
export function chooseProtectedTool(tools: readonly ListedTool[], consent: CallConsent): ChosenTool {
  if (consent === "never") return { reason: "not_wanted" };
  const declared = tools.filter(({ observation }) => observation.scheme === "oauth2");
  if (declared.length === 0) return { reason: "none_declared" };
  const reading = declared.filter(({ observation }) => observation.readOnly);
  if (reading.length === 0) return { reason: "none_read_only" };
  const chosen = reading.find((tool) => !tool.needsArguments);
  return chosen === undefined ? { reason: "needs_arguments" } : { name: chosen.observation.name };
}

/** Calls a protected tool without a token, where that is harmless, and tells in which form the server asks for sign-in. */
export async function probeProtectedCall(
  asker: Asker,
  speech: Speech,
  tools: readonly ListedTool[],
  consent: CallConsent,
  caller?: Caller,
): Promise<ProtectedCallObservation> {
  const chosen = chooseProtectedTool(tools, consent);
  if ("reason" in chosen) return { seen: "not_called", reason: chosen.reason };
  const { name } = chosen;
  const reply = await send(asker, speech, {
    method: "tools/call",
    params: { name, arguments: {} },
    name,
    ...(caller === undefined ? {} : { caller }),
  });
  return readProtectedCall(reply);
}

/** The tool did not run: a server that answered so may be asked again. */
export function isDemand({ seen }: ProtectedCallObservation): boolean {
  return seen === "http" || seen === "result" || seen === "url" || seen === "input" || seen === "structured";
}

/**
 * Makes the same call under the name of each host, because servers choose the form of their demand by who asks. Only for a tool whose nameless call was answered
 * with a demand ({@link isDemand}), so that again nothing runs. In the eras with a handshake a host is known by its user agent only.
 */
export async function probeAsHosts(
  asker: Asker,
  speech: Speech,
  tools: readonly ListedTool[],
  consent: CallConsent,
): Promise<ServerObservation["protectedCallOf"]> {
  const seen: Partial<Record<HostProfile, ProtectedCallObservation>> = {};
  for (const host of profileNames) {
    const { clientInfo, userAgent, capabilities } = hostClients[host];
    const caller = { clientInfo: clientInfo.value, userAgent: userAgent.value, capabilities: capabilities.value };
    seen[host] = await probeProtectedCall(asker, speech, tools, consent, caller);
  }
  return seen;
}

function readProtectedCall(reply: Reply): ProtectedCallObservation {
  switch (reply.seen) {
    case "nothing":
      return reply;
    case "challenged":
      return { seen: "http", challenge: reply.challenge };
    case "unreadable":
      return { seen: "refused", status: reply.status };
    case "error":
      return readError(reply);
    case "result":
      return readResult(reply.result);
  }
}

function readError({ error, status, code }: Extract<Reply, { seen: "error" }>): ProtectedCallObservation {
  const challenge = challengeFromError(error);
  if (!challenge.ok) return { seen: "unreadable_challenge", detail: challenge.error.detail ?? challenge.error.code };
  if (challenge.value !== undefined) return { seen: "url" };
  return { seen: "refused", status, ...(code === undefined ? {} : { code }) };
}

function readResult(result: JsonObject): ProtectedCallObservation {
  const challenge = challengeFromResult(result);
  if (!challenge.ok) return { seen: "unreadable_challenge", detail: challenge.error.detail ?? challenge.error.code };
  const { value } = challenge;
  switch (value?.form) {
    case undefined:
      return result["isError"] === true ? { seen: "refused", status: 200 } : { seen: "ran" };
    case "result": {
      const { error, errorDescription, scope } = value;
      return { seen: "result", ...(error === undefined ? {} : { error }), described: errorDescription !== undefined, scope: [...scope] };
    }
    case "input":
    case "structured":
      return { seen: value.form };
    case "http":
    case "declared":
    case "url":
      throw new TypeError("a result carries no such challenge");
  }
}

/** A word that was never anybody's token. */
const nobodysToken = "countersign-doctor-not-a-token";

/**
 * Shows a token that nobody gave out: RFC 6750 section 3.1 wants 401 `invalid_token`, and hosts renew or sign in again only then. To the protected tool where it
 * was seen to demand one ({@link isDemand}), because many servers look at tokens only there; else to the list of tools.
 */
export async function probeBadToken(asker: Asker, speech: Speech, protectedTool: string | undefined): Promise<BadTokenObservation> {
  const headers = { authorization: `Bearer ${nobodysToken}` };
  if (protectedTool === undefined) {
    const reply = await send(asker, speech, { method: "tools/list", headers });
    if (reply.seen === "nothing" || reply.seen === "challenged") return reply;
    return reply.seen === "result" ? { seen: "unasked" } : { seen: "refused", status: reply.status };
  }
  const call = { method: "tools/call", params: { name: protectedTool, arguments: {} }, name: protectedTool, headers };
  const reply = await send(asker, speech, call);
  if (reply.seen === "nothing" || reply.seen === "challenged") return reply;
  if (reply.seen !== "result") return { seen: "refused", status: reply.status };
  return readResult(reply.result).seen === "ran" ? { seen: "taken" } : { seen: "refused", status: reply.answer.status };
}
