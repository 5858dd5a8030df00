import type { EpochMs } from "@countersign/protocol/brand";
import { showDetail } from "@countersign/protocol/trace-message";
import type { TraceStep, TraceStepName, WireMessage } from "@countersign/protocol/trace-step";

/** Records a step, with what went over the wire for it; given to everything that takes part in a call. */
export type Recorder = (step: TraceStepName, title: string, detail?: Readonly<Record<string, unknown>>, messages?: readonly WireMessage[]) => void;

const stepsMax = 200;
/** Of so many steps the messages are kept: a call that goes round in circles shows the first rounds in full. */
const stepsWithMessagesMax = 40;

/** The growing list of one call's or flow's steps. It is stored with the row it belongs to; `tell` shows each step to open pages at once. */
export class Trace {
  readonly #steps: TraceStep[];
  readonly #clock: () => EpochMs;
  readonly #tell: (step: TraceStep) => void;

  constructor(earlier: readonly TraceStep[], clock: () => EpochMs, tell: (step: TraceStep) => void) {
    this.#steps = [...earlier];
    this.#clock = clock;
    this.#tell = tell;
  }

  readonly record: Recorder = (step, title, detail = {}, messages = []) => {
    this.#push({ at: this.#clock(), step, title, detail: showDetail(detail), ...(messages.length === 0 ? {} : { messages }) });
  };

  /** Takes over the steps of the flow that this call waited for. */
  adopt(steps: readonly TraceStep[]): void {
    for (const { seq: _, ...step } of steps) this.#push(step);
  }

  get steps(): readonly TraceStep[] {
    return [...this.#steps];
  }

  #push(step: Omit<TraceStep, "seq">): void {
    if (this.#steps.length >= stepsMax) return;
    const { messages, ...rest } = step;
    const full = this.#steps.filter((earlier) => earlier.messages !== undefined).length >= stepsWithMessagesMax;
    const numbered = { seq: this.#steps.length, ...rest, ...(messages === undefined || full ? {} : { messages }) };
    this.#steps.push(numbered);
    this.#tell(numbered);
  }
}

/** An authorization URL as it may be shown: where it leads and what it asks for, without what makes it usable. */
export function describeAuthorizationUrl(url: URL): Readonly<Record<string, unknown>> {
  const shown = ["client_id", "redirect_uri", "response_type", "scope", "resource", "code_challenge_method"];
  return {
    endpoint: `${url.origin}${url.pathname}`,
    parameters: Object.fromEntries(shown.flatMap((name) => (url.searchParams.has(name) ? [[name, url.searchParams.get(name)]] : []))),
    masked: ["state", "code_challenge"],
  };
}
