import type { ErrorCode } from "@countersign/protocol/errors";
import type { LinkStep } from "./policy/judge-link.ts";
import type { ApprovalForm } from "./policy/choose-approval.ts";
import type { ChallengeForm } from "./policy/choose-form.ts";
import type { AskRefusal } from "./policy/judge-ask.ts";

/** What an app's owner may want in the log. No event carries a token or an argument. */
export type AppEvent =
  | { readonly event: "refused"; readonly status: number; readonly reason: string }
  | {
      readonly event: "challenged";
      readonly status: 200 | 401 | 403;
      readonly form: ChallengeForm;
      readonly tool: string | undefined;
      readonly scope: string;
    }
  /** A view calls by the rung `link` of the ladder: a link moved on, or a tool ran, or was refused, for a linked account. */
  | { readonly event: "account_link"; readonly step: LinkStep }
  | { readonly event: "linked_call"; readonly rung: "link"; readonly tool: string; readonly outcome: "ran" | ErrorCode }
  /** A tool waits for the user's approval of a payment; in the form `scope` the event is `challenged`. */
  | { readonly event: "approval_asked"; readonly tool: string; readonly form: Exclude<ApprovalForm, "scope">; readonly request: string }
  /** What was asked for came back wrong: forged, late, twice, from somebody else, or with another call. Nothing ran. */
  | { readonly event: "approval_refused"; readonly tool: string; readonly reason: AskRefusal }
  | { readonly event: "tool_failed"; readonly tool: string; readonly error: unknown }
  | { readonly event: "protocol_error"; readonly error: Error };

export type Report = (event: AppEvent) => void;
