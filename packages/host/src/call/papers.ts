import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import type { Sealer } from "@countersign/storage/sealed";

/** What of a call is sealed: what was asked for, what came back, what the server asks the user, and what the user answered. */
export type Paper = "arguments" | "result" | "asking" | "continuation";

/** A call's papers at rest: sealed under a text that names the call and its user, so that neither opens in another row. */
export class CallPapers {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  seal(part: Paper, userId: string, callId: string, value: JsonObject): string {
    return this.#sealer.seal(JSON.stringify(value), paperSealingText(part, userId, callId));
  }

  open(part: Paper, userId: string, callId: string, sealed: string): Result<JsonObject, "unsealable"> {
    const text = this.#sealer.open(sealed, paperSealingText(part, userId, callId));
    if (!text.ok) return text;
    const value: unknown = JSON.parse(text.value);
    return isJsonObject(value) ? ok(value) : err("unsealable");
  }
}

/** What each paper of one call is bound to. */
export function paperSealingText(part: Paper, userId: string, callId: string): string {
  return `host:call:${part}:${JSON.stringify([userId, callId])}`;
}
