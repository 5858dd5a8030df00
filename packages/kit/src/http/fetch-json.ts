import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

export interface JsonReply {
  readonly status: number;
  /** The parsed body; undefined when there is none or it is not JSON. */
  readonly body: unknown;
}

/** Largest reply that is read from another server. */
const replyBytesMax = 262_144;

/**
 * Calls another server and reads its JSON reply: bounded time and size. A redirect is never followed: it is no reply, or with `redirect: "manual"` one of its status.
 * Refuses with `authorization_server_unreachable` when no whole reply arrives.
 */
export async function fetchJson(send: Fetch, url: string, init: RequestInit, timeoutMs: number): Promise<Result<JsonReply, Refusal>> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  try {
    const response = await send(url, { redirect: "error", ...init, signal });
    const text = await readBounded(response.body, replyBytesMax);
    if (text === undefined) return err(refuse("authorization_server_unreachable", `the reply of ${new URL(url).host} is too large`));
    return ok({ status: response.status, body: parseOrUndefined(text) });
  } catch (error) {
    return err(refuse("authorization_server_unreachable", `${new URL(url).host}: ${error instanceof Error ? error.name : "failed"}`));
  }
}

/** Reads a body as UTF-8 text; undefined as soon as it exceeds the bound. Throws when it breaks off or is not UTF-8: nothing is repaired. */
export async function readBounded(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<string | undefined> {
  if (body === null) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = body.getReader();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > bytesMax) {
      await reader.cancel().catch(() => undefined);
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
