/** Places where a test may stop the bank: between any two of them a crash must leave all of an effect or nothing. */
export type FaultPoint =
  | "redeem.started"
  | "redeem.answered"
  | "capture.begin"
  | "capture.transferred"
  | "capture.recorded"
  | "capture.answered"
  | "capture.committed"
  | "move.begin"
  | "move.judged"
  | "move.recorded"
  | "move.answered"
  | "move.committed"
  | "expiry.recorded"
  | "expiry.committed";

/** Called at each point; a throw or an end of the process there is a crash there. In production it does nothing. */
export type ReachFaultPoint = (point: FaultPoint) => void | Promise<void>;
