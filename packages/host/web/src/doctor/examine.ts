import { err, ok } from "@countersign/protocol/result";
import { isJsonObject } from "@countersign/protocol/shape";
import { type Answer, exchange, malformed, readProblem, unreachable } from "../api.ts";
import { parseJson, readNumber, readText } from "../json.ts";
import { readReport, type Report } from "./report.ts";

export interface Question {
  readonly url: string;
  /** Whether a protected tool that only reads may be called. */
  readonly call: boolean;
}

/** What is looked at now: its name, and its place among all steps. */
export interface StepTold {
  readonly step: string;
  readonly number: number;
  readonly of: number;
}

/** Has a server looked at, and tells each step as it begins. Takes up to a minute; `signal` ends it at the host too. */
export type Examine = (question: Question, ways: { readonly signal: AbortSignal; readonly onStep: (step: StepTold) => void }) => Answer<Report>;

const linesType = "application/x-ndjson";
const linesMax = 50;
const charsMax = 4_000_000;

/** Makes the question of the page. `send` is `fetch` of the page. */
export function createExamine(send: typeof fetch): Examine {
  return async (question, { signal, onStep }) => {
    // A page that was opened by its address may be the first of its user: the session's answer brings the cookie.
    const session = await exchange(send, "GET", "/api/session", undefined, signal);
    if (!session.ok) return session;
    try {
      const response = await send("/api/doctor", {
        method: "POST",
        headers: { accept: `${linesType}, application/json`, "content-type": "application/json" },
        body: JSON.stringify(question),
        cache: "no-store",
        redirect: "error",
        signal,
      });
      if (!response.ok) return err(readProblem(parseJson(await response.text()), response.status));
      return await readLines(response, onStep);
    } catch {
      return err(unreachable);
    }
  };
}

/** Reads the lines of an answer, up to the one with the report. */
async function readLines(response: Response, onStep: (step: StepTold) => void): Answer<Report> {
  const reader = response.body?.getReader();
  if (reader === undefined) return err(malformed);
  const decoder = new TextDecoder();
  let rest = "";
  for (let lines = 0; lines < linesMax && rest.length < charsMax; ) {
    const { done, value } = await reader.read();
    if (done) return err(unreachable);
    const parts = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    lines += parts.length;
    for (const part of parts) {
      const told = readLine(parseJson(part));
      if (told === undefined || "ok" in told) {
        void reader.cancel();
        return told ?? err(malformed);
      }
      onStep(told);
    }
  }
  void reader.cancel();
  return err(malformed);
}

/** A step, or the end with its report; undefined when the line is neither. */
function readLine(json: unknown): StepTold | { readonly ok: true; readonly value: Report } | undefined {
  if (!isJsonObject(json)) return undefined;
  const report = json["report"] === undefined ? undefined : readReport(json["report"]);
  if (report !== undefined) return ok(report);
  const [step, number, of] = [readText(json["step"], 100), readNumber(json["number"]), readNumber(json["of"])];
  return step === undefined || number === undefined || of === undefined ? undefined : { step, number, of };
}
