import type { CallView } from "@countersign/host/call/record";
import { cancelCall, readCall } from "@countersign/host/routes/operations";
import { readTrace } from "@countersign/host/routes/trace-operations";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Ending } from "../exit-codes.ts";
import { refused, type SignInGuide } from "../local/guide-sign-in.ts";
import { type Session, type Stop, stop } from "../local/session.ts";
import { oneLine } from "../terminal-text.ts";
import { answerQuestions } from "./answer-questions.ts";
import { ProgressLine } from "./progress-line.ts";
import { nextStep } from "./next-step.ts";

/** Seconds. What a server says of its progress changes no call, so one that is at work is looked at often. */
const waitS = { dispatched: 1, else: 10 } as const;

/** A call that is over, and how. */
export interface Followed {
  readonly call: CallView;
  readonly ending: Ending;
}

export interface Following {
  readonly session: Session;
  readonly guide: SignInGuide;
  /** What the server is called. */
  readonly server: string;
  /** Whether each step of the call is printed. */
  readonly trace: boolean;
}

/**
 * Follows a call to its end: shows sign-ins, puts questions, prints progress. When the user stops it or cannot be asked, the call is ended; one that may have run
 * already ends as the host says.
 */
export async function followCall(following: Following, started: CallView): Promise<Result<Followed, Stop>> {
  const { session } = following;
  let shownSteps = 0;
  let call = started;
  const line = new ProgressLine(session.terminal, following.server, () => performance.now());
  for (;;) {
    if (following.trace) shownSteps = await printSteps(session, call.id, shownSteps);
    const next = nextStep(call);
    if (next.step === "end") return ok({ call, ending: next.ending });
    if (session.signal.aborted) return endCall(session, call, stop("interrupted", "Stopped."));
    const taken =
      next.step === "sign_in"
        ? await following.guide.show(next.flow)
        : next.step === "answer"
          ? await answerQuestions(session, call, next.asking, following.server)
          : ok(undefined);
    if (!taken.ok) return endCall(session, call, taken.error);
    if (next.step === "wait") line.show(call.progress);
    const read = await readChanged(session, call);
    line.clear();
    if (!read.ok) return read;
    if (next.step === "sign_in" && read.value.state !== call.state && read.value.error === undefined)
      session.terminal.tell("Signed in. The call goes on.\n");
    call = read.value;
  }
}

/** The call once it has changed, after some seconds, or as it is when the user wants to stop. */
async function readChanged({ host, signal }: Session, call: CallView): Promise<Result<CallView, Stop>> {
  const reading = host.ask(readCall, {
    id: call.id,
    query: { wait: String(call.state === "dispatched" ? waitS.dispatched : waitS.else), since: String(call.version) },
  });
  const stopped = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
  const read = signal.aborted ? undefined : await Promise.race([reading, stopped]);
  if (read === undefined) return ok(call);
  return read.ok ? read : err(refused(read.error));
}

/** Ends the call for a reason of this side; how that went is the host's to say, where the call may have run. */
async function endCall({ host }: Session, call: CallView, reason: Stop): Promise<Result<Followed, Stop>> {
  const cancelled = await host.ask(cancelCall, { id: call.id });
  if (cancelled.ok && cancelled.value.error?.code === "outcome_unknown") {
    const { error } = cancelled.value;
    const sentence = `${reason.sentence} ${error.message}`;
    return err(stop(reason.ending === "interrupted" ? "interrupted" : "unknown", sentence, error));
  }
  return err(reason);
}

async function printSteps({ host, terminal }: Session, callId: string, shown: number): Promise<number> {
  const trace = await host.ask(readTrace, { id: callId });
  if (!trace.ok) return shown;
  for (const { step, title, detail } of trace.value.steps.slice(shown)) {
    const more = Object.entries(detail).map(
      ([name, value]) => `${name}=${oneLine(typeof value === "string" ? value : (JSON.stringify(value) ?? ""), 200)}`,
    );
    terminal.tell(`  ${step.padEnd(13)} ${oneLine(title, 200)}${more.length === 0 ? "" : `  ${more.join(" ")}`}\n`);
  }
  return trace.value.steps.length;
}
