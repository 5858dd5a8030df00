import type { ErrorCode } from "@countersign/protocol/errors";
import type { JsonObject } from "@countersign/protocol/shape";
import type { CallView } from "../call/record.ts";
import type { ToolTarget } from "./tools.ts";
import type { ViewCall } from "./view-tools.ts";

/** The model's words: the whole message, or with `at` the piece of it that begins there (UTF-16 units), so that a piece that is heard twice changes nothing. */
export interface Said {
  readonly id: string;
  readonly text: string;
  readonly at?: number;
}

/** A call that the model is still writing. */
export interface Draft extends ToolTarget {
  readonly id: string;
  readonly arguments: JsonObject;
}

/** A call that was made; `draft` is the id under which it was written. */
export interface Made {
  readonly call: CallView;
  readonly arguments: JsonObject;
  readonly draft?: string;
}

/** A call that was written and not made. */
export interface Unmade {
  readonly draft: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Why the model said nothing more. `retryable`: the same words may be answered when they are said again. */
export interface Ended {
  readonly id: string;
  readonly error: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterS?: number;
}

/** What pages are told of a turn of the model, each beside the id of its conversation. */
export type ChatEvent =
  | { readonly turn: { readonly state: "answering" | "ended" } }
  | Said
  | { readonly draft: Draft }
  | Made
  | { readonly unmade: Unmade }
  | { readonly viewCall: ViewCall }
  | Ended;
