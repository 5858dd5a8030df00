import { readQuestion, type ElicitAnswer, type Question } from "@countersign/protocol/elicitation";
import type { Refusal } from "@countersign/protocol/errors";
import type { JsonObject } from "@countersign/protocol/shape";
import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/client";
import type { ServerListener, ServerMessage } from "./exchange.ts";
import type { Patience } from "./patience.ts";

/** More than a call may ask in all; one after the other is put to the user, so what waits takes up room for long. */
const waitingMax = 20;

/** Puts a server's question to the user; `signal` aborts when the server takes it back. Never rejects. */
export type Ask = (question: Question, signal: AbortSignal) => Promise<ElicitAnswer>;

/**
 * Hears the questions that a server asks while it works on one tool call (`elicitation/create` of MCP 2025-06-18 and 2025-11-25; the newest revision has no requests
 * of servers). The user's time is not counted against the server. Other requests were not offered, and are answered so.
 */
export class CallListener implements ServerListener {
  readonly #ask: Ask;
  readonly #patience: Patience;
  #refused: Refusal | undefined;
  #count = 0;
  #waiting = 0;

  constructor(ask: Ask, patience: Patience) {
    this.#ask = ask;
    this.#patience = patience;
  }

  /** Why the call is over, when it is because of what its server asked for. */
  get refused(): Refusal | undefined {
    return this.#refused;
  }

  async onServerRequest({ method, params }: ServerMessage, signal: AbortSignal): Promise<JsonObject | undefined> {
    if (method !== "elicitation/create") return undefined;
    if (this.#waiting === waitingMax) throw new ProtocolError(ProtocolErrorCode.InvalidRequest, "too many questions are open");
    this.#count += 1;
    const question = readQuestion(`live-${this.#count}`, params);
    if (!question.ok) {
      const { code, detail } = question.error;
      if (code === "secret_requested" || code === "unsafe_url") {
        this.#refused = question.error;
        this.#patience.end();
      }
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, detail ?? code);
    }
    const resume = this.#patience.pause();
    this.#waiting += 1;
    try {
      return { ...(await this.#ask(question.value, signal)) };
    } finally {
      this.#waiting -= 1;
      resume();
    }
  }
}
