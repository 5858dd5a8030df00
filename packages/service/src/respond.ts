import { type Refusal, toHttpError } from "@countersign/protocol/errors";
import { withKnownText } from "@countersign/protocol/known-text";

/** A JSON answer that no cache keeps, unless `headers` say otherwise. */
export function respondJson(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const text = JSON.stringify(body);
  const response = new Response(text, { status, headers: { "content-type": "application/json", "cache-control": "no-store", ...headers } });
  return withKnownText(response, text);
}

/**
 * Answers with a refusal of the catalogue: its status, and the body of `toHttpError`. A 429 and a 503 say when to come back (RFC 9110 section 10.2.3): in a
 * second, unless `headers` say otherwise.
 */
export function respondRefusal(refusal: Refusal, headers: Readonly<Record<string, string>> = {}): Response {
  const { status, body } = toHttpError(refusal);
  return respondJson(status, body, status === 429 || status === 503 ? { "retry-after": "1", ...headers } : headers);
}
