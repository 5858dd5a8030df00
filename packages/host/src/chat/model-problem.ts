import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";

/** Why the model gave no answer, or not the whole of it. */
export type ModelProblemKind =
  | "unreachable"
  | "silent"
  | "busy"
  | "no_credit"
  | "key_refused"
  | "unknown_model"
  | "conversation_too_long"
  | "refused"
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
  /** For the user of the console: what happened and what to do. The endpoint's own words are another party's and are not shown. */
  readonly text: string;
  /** The same words may be answered when they are said again. */
  readonly retryable: boolean;
}

const again = { retryable: true } as const;
const final = { retryable: false } as const;

const problems: Readonly<Record<ModelProblemKind, ProblemEntry>> = {
  unreachable: {
    code: "unavailable",
    text: "Nothing answers at the model's address. Try again; if it stays so, check that the endpoint runs and that COUNTERSIGN_MODEL_URL is its address.",
    ...again,
  },
  silent: { code: "unavailable", text: "The model stopped answering. Try again.", ...again },
  busy: { code: "rate_limited", text: "The model is busy. Wait a little, then try again.", ...again },
  no_credit: { code: "rate_limited", text: "The account at the model's endpoint has no credit left. Add some there, then try again.", ...again },
  key_refused: {
    code: "unavailable",
    text: "The model's endpoint refuses the key. Set a good one in COUNTERSIGN_MODEL_KEY and start Countersign again.",
    ...final,
  },
  unknown_model: {
    code: "unavailable",
    text: "The endpoint does not know this model or this address. Check COUNTERSIGN_MODEL and COUNTERSIGN_MODEL_URL (up to /v1), and start Countersign again.",
    ...final,
  },
  conversation_too_long: { code: "request_too_large", text: "The conversation is too long for the model. Start a new one.", ...final },
  refused: {
    code: "protocol_error",
    text: "The model's endpoint refuses the request. A model that takes no tools answers so: check COUNTERSIGN_MODEL.",
    ...final,
  },
  failed: { code: "unavailable", text: "The model's endpoint had a problem. Try again.", ...again },
  broken_answer: { code: "protocol_error", text: "The model's answer could not be read to its end. Try again.", ...again },
  answer_too_large: { code: "response_too_large", text: "The model's answer was too long and was ended.", ...final },
  answer_cut: { code: "response_too_large", text: "The answer ends here because the model reached its limit.", ...final },
  call_cut: { code: "response_too_large", text: "The model reached its limit in the middle of a tool call; nothing was called.", ...final },
  filtered: { code: "protocol_error", text: "The model's endpoint held back the rest of the answer.", ...final },
  too_many_rounds: { code: "rate_limited", text: "The assistant called tools too many times in one turn and was stopped.", ...final },
  stopped: { code: "cancelled", text: "You stopped the answer.", ...final },
};

/** The code and the words of a problem. */
export function describeProblem({ kind }: ModelProblem): ProblemEntry {
  return problems[kind];
}

/** The problem as a refusal, for whoever asks over the HTTP API. */
export function refusalOf(problem: ModelProblem): Refusal {
  return refuse(problems[problem.kind].code, problems[problem.kind].text);
}

/**
 * What a refused request means, by its status and the `error.code` of its body, as far as compatible endpoints agree on them: a conversation that is too long is a
 * 400 at most of them, and an account without credit a 429.
 */
export function problemOfRefusal(status: number, code: string | undefined): ModelProblemKind {
  if (status === 413 || code === "context_length_exceeded") return "conversation_too_long";
  if (code === "insufficient_quota" || status === 402) return "no_credit";
  if (status === 401 || status === 403) return "key_refused";
  if (status === 404) return "unknown_model";
  if (status === 429 || status === 503) return "busy";
  return status >= 500 || status === 408 ? "failed" : "refused";
}
