import { readQuestion, type ElicitAnswer, type Question } from "@countersign/protocol/elicitation";
import type { Refusal } from "@countersign/protocol/errors";
import type { HostProfile } from "@countersign/protocol/ladder";
import { announcedUnder, elicitationModes } from "@countersign/protocol/profile-call";
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
 * of servers). The user's time is not counted against the server. What the host of the profile offers beside is answered with nothing: no folders, and a user who lets
 * no server use their model. Other requests were not offered, and are answered so.
 */
export class CallListener implements ServerListener {
  readonly #ask: Ask;
  readonly #patience: Patience;
  readonly #profile: HostProfile;
  #refused: Refusal | undefined;
  #count = 0;
  #waiting = 0;

  constructor(ask: Ask, patience: Patience, profile: HostProfile) {
    this.#ask = ask;
    this.#profile = profile;
    this.#patience = patience;
  }

  /** Why the call is over, when it is because of what its server asked for. */
  get refused(): Refusal | undefined {
    return this.#refused;
  }

  async onServerRequest({ method, params }: ServerMessage, signal: AbortSignal): Promise<JsonObject | undefined> {
    const modes = elicitationModes(this.#profile);
    if (method !== "elicitation/create" || modes.length === 0) return answerAside(method, announcedUnder(this.#profile));
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
    const { kind } = question.value;
    if (!modes.includes(kind)) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `this client offers no elicitation of mode ${kind}`);
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

/** What servers ask for that no user is asked about; undefined when it was not offered. */
function answerAside(method: string, announced: JsonObject): JsonObject | undefined {
  if (method === "roots/list" && Object.hasOwn(announced, "roots")) return { roots: [] };
  // MCP 2025-11-25, sampling, error handling: the code of a user who says no.
  if (method === "sampling/createMessage" && Object.hasOwn(announced, "sampling")) throw new ProtocolError(-1, "User rejected sampling request");
  return undefined;
}
