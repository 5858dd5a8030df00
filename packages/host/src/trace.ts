import type { EpochMs } from "@countersign/protocol/brand";

export type TraceStepName =
  | "received"
  | "decision"
  | "request"
  | "challenge"
  | "discovery"
  | "authorization"
  | "token"
  | "retry"
  | "result"
  | "error";

/** One step of a call as the trace panel shows it. `detail` is made of named, harmless values: never a token, code, state, argument or result. */
export interface TraceStep {
  readonly seq: number;
  readonly at: EpochMs;
  readonly step: TraceStepName;
  readonly title: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Records a step; given to everything that takes part in a call. */
export type Recorder = (step: TraceStepName, title: string, detail?: Readonly<Record<string, unknown>>) => void;

const stepsMax = 200;

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

  readonly record: Recorder = (step, title, detail = {}) => {
    this.#push({ at: this.#clock(), step, title, detail });
  };

  /** Takes over the steps of the flow that this call waited for. */
  adopt(steps: readonly TraceStep[]): void {
    for (const { at, step, title, detail } of steps) this.#push({ at, step, title, detail });
  }

  get steps(): readonly TraceStep[] {
    return [...this.#steps];
  }

  #push(step: Omit<TraceStep, "seq">): void {
    if (this.#steps.length >= stepsMax) return;
    const numbered = { seq: this.#steps.length, ...step };
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
