import { parseWwwAuthenticate } from "@countersign/protocol/challenge";
import type { ChallengeObservation, EraName, Unanswered } from "@countersign/protocol/server-observation";
import { isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";
import { readJson, type Answered, type Asker } from "./ask.ts";

/** An era whose messages are POSTs. */
export type PostEra = Exclude<EraName, "HTTP+SSE">;

/** How to speak with a server after the first message. */
export interface Speech {
  readonly url: string;
  readonly era: PostEra;
  /** `Mcp-Session-Id` that the server gave. */
  readonly session?: string;
}

/** Whom a message names as its sender. */
export interface Caller {
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly userAgent: string | null;
  readonly capabilities: JsonObject;
}

export interface Message {
  readonly method: string;
  readonly params?: JsonObject;
  /** `Mcp-Name` of 2026-07-28: the tool, the prompt or the address that the message is about, in the server's own words. */
  readonly name?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent: the doctor itself. */
  readonly caller?: Caller;
}

/** What a message came to. `unreadable`: an answer that is no JSON-RPC answer to it. */
export type Reply =
  | { readonly seen: "result"; readonly result: JsonObject; readonly answer: Answered }
  | { readonly seen: "error"; readonly error: JsonObject; readonly status: number; readonly code?: number }
  | { readonly seen: "challenged"; readonly challenge: ChallengeObservation }
  | { readonly seen: "unreadable"; readonly status: number; readonly contentType: string }
  | Unanswered;

const clientInfo = { name: "countersign-doctor", title: "Countersign doctor", version: "0.1.0" };
/** What a host with views can do; nothing is answered on its behalf. */
const clientCapabilities = {
  elicitation: { form: {}, url: {} },
  extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
};
const metaPrefix = "io.modelcontextprotocol";
/** One message is under way at a time, each in a request of its own: they need no numbers of their own. */
const messageId = 1;

/** Sends one message and reads what answers it, in JSON or on an event stream. */
export async function send(asker: Asker, speech: Speech, message: Message): Promise<Reply> {
  const answer = await asker.ask({
    method: "POST",
    url: speech.url,
    headers: { ...headersOf(speech, message), ...message.headers },
    body: JSON.stringify({ jsonrpc: "2.0", id: messageId, method: message.method, params: paramsOf(speech, message) }),
    reading: { answerTo: messageId },
  });
  return answer.seen === "nothing" ? answer : readReply(answer);
}

/** The handshake's first message of an era with sessions. */
export function initializeMessage(era: PostEra): Message {
  return { method: "initialize", params: { protocolVersion: era, capabilities: clientCapabilities, clientInfo } };
}

/** A JSON-RPC answer, whatever the status: 2026-07-28 sends errors with 4xx. A 401, and a 403 that carries a challenge, count as that. */
export function readReply(answer: Answered): Reply {
  const { status } = answer;
  const challenge = challengeOf(answer);
  if (challenge !== undefined) return { seen: "challenged", challenge };
  const body = readJson(answer.text);
  const result = member(body, "result");
  if (status < 300 && member(body, "id") === messageId && isJsonObject(result)) return { seen: "result", result, answer };
  const error = member(body, "error");
  if (isJsonObject(error)) {
    const code = member(error, "code");
    return { seen: "error", error, status, ...(typeof code === "number" ? { code } : {}) };
  }
  return { seen: "unreadable", status, contentType: contentTypeOf(answer) };
}

/** The media type without its parameters, cut at 100 characters; empty when there is none. */
export function contentTypeOf({ headers }: Answered): string {
  return (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase().slice(0, 100) ?? "";
}

function challengeOf({ status, headers }: Answered): ChallengeObservation | undefined {
  if (status !== 401 && status !== 403) return undefined;
  const header = headers.get("www-authenticate");
  if (header === null) return status === 401 ? { status, header: "none", scope: [] } : undefined;
  const parsed = parseWwwAuthenticate([header]);
  if (!parsed.ok) return { status, header: "unreadable", scope: [] };
  if (parsed.value === undefined) return { status, header: "other", scope: [] };
  const { error, scope, resourceMetadata, dpop } = parsed.value;
  return {
    status,
    header: dpop?.alone === true ? "dpop" : "bearer",
    ...(error === undefined ? {} : { error }),
    scope: [...scope],
    ...(resourceMetadata === undefined ? {} : { resourceMetadata }),
  };
}

function headersOf({ era, session }: Speech, { method, name, caller }: Message): Record<string, string> {
  return {
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
    ...(typeof caller?.userAgent === "string" ? { "user-agent": caller.userAgent } : {}),
    // Before the handshake of the older eras there is no version to name.
    ...(method === "initialize" ? {} : { "mcp-protocol-version": era }),
    ...(session === undefined ? {} : { "mcp-session-id": session }),
    ...(era === "2026-07-28" ? { "mcp-method": method, ...(name === undefined ? {} : { "mcp-name": headerText(name) }) } : {}),
  };
}

/** MCP 2026-07-28, Streamable HTTP, value encoding: what is no plain ASCII text travels in base64. */
function headerText(text: string): string {
  const isPlain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !(text.startsWith("=?base64?") && text.endsWith("?="));
  return isPlain ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

function paramsOf({ era }: Speech, { params = {}, caller }: Message): JsonObject {
  if (era !== "2026-07-28") return params;
  const meta = {
    [`${metaPrefix}/protocolVersion`]: era,
    [`${metaPrefix}/clientCapabilities`]: caller?.capabilities ?? clientCapabilities,
    [`${metaPrefix}/clientInfo`]: caller?.clientInfo ?? clientInfo,
  };
  return { ...params, _meta: meta };
}
