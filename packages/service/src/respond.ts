import { type Refusal, toHttpError } from "@countersign/protocol/errors";

/** The bodies of answers that were made here, so that a server need not ask a stream for a text that it was given. Gone with the answer. */
const texts = new WeakMap<Response, string>();

/** The whole body of an answer that {@link respondJson} made and nobody has read; undefined for any other, which must be read as a stream. */
export function textOf(response: Response): string | undefined {
  return response.bodyUsed ? undefined : texts.get(response);
}

/** A JSON answer that no cache keeps, unless `headers` say otherwise. */
export function respondJson(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const text = JSON.stringify(body);
  const response = new Response(text, { status, headers: { "content-type": "application/json", "cache-control": "no-store", ...headers } });
  texts.set(response, text);
  return response;
}

/**
 * Answers with a refusal of the catalogue: its status, and the body of `toHttpError`. A 429 and a 503 say when to come back (RFC 9110 section 10.2.3): in a
 * second, unless `headers` say otherwise.
 */
export function respondRefusal(refusal: Refusal, headers: Readonly<Record<string, string>> = {}): Response {
  const { status, body } = toHttpError(refusal);
  return respondJson(status, body, status === 429 || status === 503 ? { "retry-after": "1", ...headers } : headers);
}
