import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import type { Sealer } from "@countersign/storage/sealed";

/** What of a call is sealed: what was asked for, what came back, what the server asks the user, and what the user answered. */
export type Paper = "arguments" | "result" | "asking" | "continuation";

const freshMax = 64;
const freshLengthMax = 65_536;

/**
 * A call's papers at rest: sealed under a text that names the call and its user, so that neither opens in another row. What this process has just sealed it opens
 * once without deciphering: arguments go out right after they are stored, and a result is shown right after.
 */
export class CallPapers {
  readonly #sealer: Sealer;
  /** By sealing text and sealed text together, the oldest first. */
  readonly #fresh = new Map<string, string>();

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  seal(part: Paper, userId: string, callId: string, value: JsonObject): string {
    const text = JSON.stringify(value);
    const name = paperSealingText(part, userId, callId);
    const sealed = this.#sealer.seal(text, name);
    if (text.length <= freshLengthMax && (part === "arguments" || part === "result")) {
      this.#fresh.set(name + sealed, text);
      const [oldest] = this.#fresh.keys();
      if (this.#fresh.size > freshMax && oldest !== undefined) this.#fresh.delete(oldest);
    }
    return sealed;
  }

  open(part: Paper, userId: string, callId: string, sealed: string): Result<JsonObject, "unsealable"> {
    const name = paperSealingText(part, userId, callId);
    const fresh = this.#fresh.get(name + sealed);
    this.#fresh.delete(name + sealed);
    const text = fresh === undefined ? this.#sealer.open(sealed, name) : ok(fresh);
    if (!text.ok) return text;
    const value: unknown = JSON.parse(text.value);
    return isJsonObject(value) ? ok(value) : err("unsealable");
  }
}

/** What each paper of one call is bound to. */
export function paperSealingText(part: Paper, userId: string, callId: string): string {
  return `host:call:${part}:${JSON.stringify([userId, callId])}`;
}
