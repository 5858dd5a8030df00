import { type HostProfile, profileOf } from "@countersign/protocol/ladder";
import { member } from "@countersign/protocol/shape";

/**
 * How a demand for the user's approval of a payment reaches them.
 *
 * `scope`: a challenge for the transaction scope, so that the host's own sign-in leads to the approval. `elicitation`: the host shows the address (MCP
 * elicitation, mode url). `link`: a result with the address, and with a handle by which the app's view waits.
 */
export type ApprovalForm = "scope" | "elicitation" | "link";

/** What the choice rests on. */
export interface ApprovalFacts {
  /** What the app's owner fixed, or `auto`. */
  readonly setting: "auto" | ApprovalForm;
  readonly profile: HostProfile;
  /** Protocol revision 2026-07-28, or the 2025 family. */
  readonly era: "modern" | "legacy";
  /** The request declares elicitation of mode url. */
  readonly elicitsUrls: boolean;
  /** The app's tokens are the wallet's, so that a transaction scope can be asked for and a token tells who approved. */
  readonly isWalletIssuer: boolean;
  readonly isSignedIn: boolean;
}

interface ClientRow {
  /** In the order of trying. */
  readonly forms: readonly ApprovalForm[];
  /** What the row rests on. */
  readonly source: string;
}

/** One row a client. A wrong row costs the user a step, never money: the approval is the wallet's record, whichever way the user came to it. */
export const approvalForms: Readonly<Record<HostProfile, ClientRow>> = {
  countersign: { forms: ["scope", "elicitation", "link"], source: "docs/flows/approve-a-payment.md" },
  chatgpt: { forms: ["scope", "link"], source: "Apps SDK, authorization: `mcp/www_authenticate` with a new scope; no elicitation is declared" },
  claude: { forms: ["link"], source: "claude-code #28258, #44652, #68720: a challenge to a call is mostly ignored" },
  vscode: { forms: ["scope", "elicitation", "link"], source: "vscode #270383, #334970: 401 and 403 to any request" },
  cursor: { forms: ["elicitation", "link"], source: "forum.cursor.com 160328: nothing is known of challenges to a call" },
  goose: { forms: ["elicitation", "link"], source: "goose #7334, #8725: a challenge to a call opens no sign-in" },
  copilot: { forms: ["elicitation", "link"], source: "learn.microsoft.com, plugin-mcp-apps: one authorization scheme for the whole server" },
  generic: { forms: ["elicitation", "scope", "link"], source: "what a client declares goes before what can only be guessed" },
};

/** Chooses the form. Every fact can be the client's invention, and `link` is always left. */
export function chooseApproval(facts: ApprovalFacts): ApprovalForm {
  const wanted = facts.setting === "auto" ? approvalForms[facts.profile].forms : [facts.setting];
  return wanted.find((form) => isPossible[form](facts)) ?? "link";
}

const isPossible: Readonly<Record<ApprovalForm, (facts: ApprovalFacts) => boolean>> = {
  scope: (facts) => facts.isWalletIssuer,
  // In the 2025 family the call comes back without anything that proves it was asked: only a token of the wallet tells that it is the payer's.
  elicitation: (facts) =>
    facts.era === "modern" ? facts.elicitsUrls : (facts.elicitsUrls || facts.setting === "elicitation") && facts.isWalletIssuer && facts.isSignedIn,
  link: () => true,
};

const reserved = "io.modelcontextprotocol/";

/** What a call tells of its client: `_meta` of 2026-07-28, which clients of the 2025 family may send too, and the user agent. */
export function readClient(meta: unknown, userAgent: string | null): Pick<ApprovalFacts, "profile" | "era" | "elicitsUrls"> {
  const name = member(member(meta, `${reserved}clientInfo`), "name");
  const elicitation = member(member(meta, `${reserved}clientCapabilities`), "elicitation");
  const profile = profileOf(typeof name === "string" ? name : undefined, false);
  return {
    profile: profile === "generic" ? profileOf(userAgent ?? undefined, false) : profile,
    era: member(meta, `${reserved}protocolVersion`) === undefined ? "legacy" : "modern",
    elicitsUrls: member(elicitation, "url") !== undefined,
  };
}
