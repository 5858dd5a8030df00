import { cutJson, cutText } from "@countersign/protocol/cut-secrets";
import type { Secret } from "@countersign/protocol/secret";

/** A server that repeats the token it was sent, in an answer or in an error, must not carry it to a page, a model or a log that way. */
export function withoutSecret<T>(value: T, secret: Secret | undefined): T {
  if (secret === undefined) return value;
  const text = JSON.stringify(value);
  const written = JSON.stringify(secret.reveal()).slice(1, -1);
  return cutText(text, [written]) === text ? value : JSON.parse(JSON.stringify(cutJson(value, [secret.reveal()])));
}
