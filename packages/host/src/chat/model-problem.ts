import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";

/** Why the model gave no answer, or not the whole of it. */
export type ModelProblemKind =
  | "unreachable"
  | "silent"
  | "busy"
  | "key_refused"
  | "unknown_model"
  | "conversation_too_long"
  | "failed"
  | "broken_answer"
  | "answer_too_large"
  | "answer_cut"
  | "call_cut"
  | "filtered"
  | "too_many_rounds"
  | "stopped";

export interface ModelProblem {
  readonly kind: ModelProblemKind;
  /** When the endpoint wants to be asked again, in whole seconds from now, where it said so. */
  readonly retryAfterS?: number;
}

interface ProblemEntry {
  readonly code: ErrorCode;
  /** For the user of the console; the endpoint's own words are another party's and are not shown. */
  readonly text: string;
}

const problems: Readonly<Record<ModelProblemKind, ProblemEntry>> = {
  unreachable: { code: "unavailable", text: "The model does not answer. Please try again." },
  silent: { code: "unavailable", text: "The model stopped answering. Please try again." },
  busy: { code: "rate_limited", text: "The model is busy. Please wait a little." },
  key_refused: { code: "unavailable", text: "The model's endpoint refuses the configured key." },
  unknown_model: { code: "unavailable", text: "The model's endpoint does not know the configured model or address." },
  conversation_too_long: { code: "request_too_large", text: "The conversation is too long for the model. Please start a new one." },
  failed: { code: "unavailable", text: "The model's endpoint had a problem. Please try again." },
  broken_answer: { code: "protocol_error", text: "The model's answer could not be read. Please try again." },
  answer_too_large: { code: "response_too_large", text: "The model's answer was too long and was ended." },
  answer_cut: { code: "response_too_large", text: "The answer ends here because the model reached its limit." },
  call_cut: { code: "response_too_large", text: "The model reached its limit in the middle of a tool call; nothing was called." },
  filtered: { code: "protocol_error", text: "The model's endpoint held back the rest of the answer." },
  too_many_rounds: { code: "rate_limited", text: "The assistant called tools too many times in one turn and was stopped." },
  stopped: { code: "cancelled", text: "You stopped the answer." },
};

/** The code and the words of a problem. */
export function describeProblem({ kind }: ModelProblem): ProblemEntry {
  return problems[kind];
}

/** The problem as a refusal, for whoever asks over the HTTP API. */
export function refusalOf(problem: ModelProblem): Refusal {
  return refuse(problems[problem.kind].code, problems[problem.kind].text);
}

/** What the status of a refused request means. Compatible endpoints agree on these and on little else. */
export function problemOfStatus(status: number): ModelProblemKind {
  if (status === 401 || status === 403) return "key_refused";
  if (status === 404) return "unknown_model";
  if (status === 413) return "conversation_too_long";
  return status === 429 || status === 503 ? "busy" : "failed";
}
