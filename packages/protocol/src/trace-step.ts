/** What a step of a call tells of. */
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

export const traceStepNames: readonly TraceStepName[] = [
  "received",
  "decision",
  "request",
  "challenge",
  "discovery",
  "authorization",
  "token",
  "retry",
  "result",
  "error",
];

/** One message on the wire as it may be shown: what is not on the list of trace-message.ts is masked in it. */
export interface WireMessage {
  readonly way: "sent" | "received";
  /** `POST https://shop.example/mcp`, or `HTTP 401`. */
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; absent where there is none to show. */
  readonly body?: unknown;
}

/** One step of a call. `at` in epoch milliseconds; `detail` is made of named, harmless values: never a token, code, state, argument or result. */
export interface TraceStep {
  readonly seq: number;
  readonly at: number;
  readonly step: TraceStepName;
  readonly title: string;
  readonly detail: Readonly<Record<string, unknown>>;
  /** What went over the wire for it, in its order. */
  readonly messages?: readonly WireMessage[];
}
