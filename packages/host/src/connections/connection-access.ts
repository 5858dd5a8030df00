import type { BearerChallenge } from "@countersign/protocol/challenge";
import type { Refusal } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";

/** A request that belongs to no call, which the server refused: with the token that it was sent with, if it was. */
export interface RefusedRequest {
  readonly purpose: "list" | "read";
  readonly used: Secret | undefined;
  readonly challenge: BearerChallenge & { readonly status: 401 | 403 };
}

/** How a listing ended, and whether it was answered without a token. */
export type ListingOutcome =
  | { readonly ok: true; readonly anonymous: boolean; readonly protocol: string | undefined }
  | { readonly ok: false; readonly refusal: Refusal };

/** The user's access to the server, for connecting, listing and reading. A call brings its own token. */
export interface ConnectionAccess {
  /** The token to send, undefined to ask without one. Refuses with `authorization_required` when nothing may be sent without a token and none is held. */
  bearer(purpose: "list" | "read"): Promise<Result<Secret | undefined, Refusal>>;
  /** What to ask once more with, undefined when only the user can help. */
  renewed(request: RefusedRequest): Promise<Secret | undefined>;
  listed(outcome: ListingOutcome): Promise<void>;
}
