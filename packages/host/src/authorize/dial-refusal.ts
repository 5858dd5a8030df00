import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import { DialError } from "@countersign/service/dial/dial";

/**
 * Why an authorization server gave no usable answer. `unusable` is for one that answered with a redirect, which is never followed, or with too much.
 * Throws what is no {@link DialError}: a mistake of ours.
 */
export function refusalOfDial(error: unknown, unusable: ErrorCode): Refusal {
  if (!(error instanceof DialError)) throw error;
  switch (error.problem) {
    case "unsafe_address":
      return refuse("unsafe_url", error.message);
    case "redirected":
    case "too_large":
      return refuse(unusable, error.message);
    case "unreachable":
    case "timeout":
    case "aborted":
      return refuse("authorization_server_unreachable", error.message);
  }
}
