import { err, ok } from "@countersign/protocol/result";
import { type Answer, exchange, malformed } from "../api.ts";
import { readReport, type Report } from "./report.ts";

export interface Question {
  readonly url: string;
  /** Whether a protected tool that only reads may be called. */
  readonly call: boolean;
}

/** Has a server looked at. Takes up to a minute. */
export type Examine = (question: Question, signal: AbortSignal) => Answer<Report>;

/** Makes the question of the page. `send` is `fetch` of the page. */
export function createExamine(send: typeof fetch): Examine {
  return async (question, signal) => {
    // A page that was opened by its address may be the first of its user: the session's answer brings the cookie.
    const session = await exchange(send, "GET", "/api/session", undefined, signal);
    if (!session.ok) return session;
    const answer = await exchange(send, "POST", "/api/doctor", question, signal);
    if (!answer.ok) return answer;
    const report = readReport(answer.value);
    return report === undefined ? err(malformed) : ok(report);
  };
}
