import { inspectJson } from "@countersign/protocol/json-guard";
import type { Unanswered } from "@countersign/protocol/server-observation";
import { member } from "@countersign/protocol/shape";
import type { Reach } from "@countersign/service/dial/address";
import { DialError, type dial } from "@countersign/service/dial/dial";

/** What is read of an answer: all of it, nothing but its head, the first event of a stream, or a stream up to the event that answers the message `id`. */
export type Reading = "whole" | "head" | "first_event" | { readonly answerTo: number };

export interface Question {
  readonly method: "GET" | "POST" | "OPTIONS" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly reading?: Reading;
}

export interface Answered {
  readonly seen: "answer";
  readonly status: number;
  readonly headers: Headers;
  /** The whole body, or the data of the one event that was waited for. Empty when only the head was read. */
  readonly text: string;
}

export interface AskBounds {
  /** `dial`, or what stands in for it. */
  readonly dial: typeof dial;
  readonly reach: Reach;
  /** For each question. */
  readonly timeoutMs: number;
  /** For the whole examination: whoever examines a server does not press it. */
  readonly questionsMax: number;
  readonly signal?: AbortSignal;
}

/** Answers that never come or never end: after so many nothing more is asked, because each costs as much as it may. */
const strikesMax = 4;
const answerBytesMax = 4 * 1024 * 1024;
const jsonLimits = { maxDepth: 64, maxElements: 1_000_000 };

/** Asks questions that change nothing, one after another, and takes whatever comes back as a fact. Sends no cookie and no credential of anybody. */
export class Asker {
  readonly #bounds: AskBounds;
  #asked = 0;
  #strikes = 0;

  constructor(bounds: AskBounds) {
    this.#bounds = bounds;
  }

  /** How many questions went out. */
  get asked(): number {
    return this.#asked;
  }

  /** Never rejects because of the server. A redirect is not followed: where it leads is part of the answer. */
  async ask(question: Question): Promise<Answered | Unanswered> {
    const { reach, timeoutMs, questionsMax, signal } = this.#bounds;
    if (this.#asked >= questionsMax || this.#strikes >= strikesMax) return { seen: "nothing", problem: "over_budget" };
    if (signal?.aborted === true) return { seen: "nothing", problem: "aborted" };
    if (!URL.canParse(question.url)) return { seen: "nothing", problem: "unsafe_address" };
    this.#asked += 1;
    const reading = question.reading ?? "whole";
    const request = {
      method: question.method,
      headers: new Headers(question.headers),
      ...(question.body === undefined ? {} : { body: question.body }),
      ...(signal === undefined ? {} : { signal }),
    };
    const bounds = {
      reach,
      timeoutMs,
      responseBytesMax: answerBytesMax,
      ...(reading === "head" || reading === "first_event" ? { endless: true } : {}),
    };
    try {
      const response = await this.#bounds.dial(new URL(question.url), request, bounds);
      return { seen: "answer", status: response.status, headers: response.headers, text: await readBody(response, reading) };
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      if (error.problem === "timeout" || error.problem === "too_large") this.#strikes += 1;
      return { seen: "nothing", problem: error.problem, ...(error.location === undefined ? {} : { location: error.location }) };
    }
  }
}

/** The JSON of an answer within bounds; undefined when it is none. */
export function readJson(text: string): unknown {
  if (inspectJson(text, jsonLimits) !== undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function readBody(response: Response, reading: Reading): Promise<string> {
  if (reading === "head") {
    await response.body?.cancel();
    return "";
  }
  const isStream = response.headers.get("content-type")?.toLowerCase().startsWith("text/event-stream") === true;
  if (reading === "first_event") return isStream ? readFirst(response) : "";
  return reading !== "whole" && isStream ? readEvent(response, reading.answerTo) : response.text();
}

/** A stream that stands for later may begin with silence. */
const firstEventMs = 2_000;

/** What a stream begins with: its first event whole, or what came of it in time. */
async function readFirst(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const { promise: late, resolve } = Promise.withResolvers<{ readonly value: undefined }>();
  const timer = setTimeout(resolve, firstEventMs, { value: undefined });
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (!text.includes("\n\n")) {
      const { value } = await Promise.race([reader.read(), late]);
      if (value === undefined) break;
      text = (text + decoder.decode(value, { stream: true })).replaceAll("\r\n", "\n");
    }
  } finally {
    clearTimeout(timer);
    await reader.cancel();
  }
  return text;
}

/** The data of the first event that answers the message; empty when the stream ends without one. */
async function readEvent(response: Response, id: number): Promise<string> {
  const decoder = new TextDecoder();
  let rest = "";
  if (response.body === null) return "";
  for await (const chunk of response.body) {
    const events = (rest + decoder.decode(chunk, { stream: true })).replaceAll("\r\n", "\n").split("\n\n");
    rest = events.pop() ?? "";
    const answer = events.map(dataOf).find((data) => answers(data, id));
    // Leaving the loop cancels the stream.
    if (answer !== undefined) return answer;
  }
  const last = dataOf(rest);
  return answers(last, id) ? last : "";
}

function dataOf(event: string): string {
  const lines = event.split("\n").filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
}

function answers(data: string, id: number): boolean {
  const message = data === "" ? undefined : readJson(data);
  // A question of the server's own on the same stream has numbers of its own.
  return member(message, "id") === id && member(message, "method") === undefined;
}
