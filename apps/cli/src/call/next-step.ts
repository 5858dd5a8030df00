import type { CallView } from "@countersign/host/call/record";
import { type Ending, endingOf } from "../exit-codes.ts";

/** What a call needs from whoever follows it. */
export type NextStep =
  | { readonly step: "wait" }
  | { readonly step: "sign_in"; readonly flow: NonNullable<CallView["flow"]> }
  | { readonly step: "answer"; readonly asking: NonNullable<CallView["asking"]> }
  | { readonly step: "end"; readonly ending: Ending };

/** Judges a call as it was read. A result that says `isError` is a failure for whoever runs a script, as it is for a model. */
export function nextStep(call: CallView): NextStep {
  switch (call.state) {
    case "completed":
      return { step: "end", ending: call.result?.["isError"] === true ? "failed" : "done" };
    case "refused":
    case "failed":
      return { step: "end", ending: call.error === undefined ? "failed" : endingOf(call.error.code) };
    case "received":
    case "resuming":
    case "dispatched":
    case "authorizing":
    case "asking":
      if (call.flow !== undefined && call.queued !== true) return { step: "sign_in", flow: call.flow };
      return call.asking === undefined ? { step: "wait" } : { step: "answer", asking: call.asking };
  }
}
