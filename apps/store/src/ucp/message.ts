import { errorCatalogue, type Refusal } from "@countersign/protocol/errors";

/** One entry of `messages`. `severity` says who can resolve an error: the platform, the buyer, or nobody. */
export type UcpMessage =
  | {
      readonly type: "error";
      readonly code: string;
      readonly content: string;
      readonly severity: "recoverable" | "requires_buyer_input" | "requires_buyer_review" | "unrecoverable";
      /** JSONPath (RFC 9535) of what it is about. */
      readonly path?: string;
    }
  | { readonly type: "info"; readonly code: string; readonly content: string };

/** What the platform can put right by another request. */
export function recoverable(code: string, content: string, path?: string): UcpMessage {
  return { type: "error", code, content, severity: "recoverable", ...(path === undefined ? {} : { path }) };
}

/** The codes that UCP gives to refusals of the core; any other keeps its own name. */
const standardCodes: Readonly<Record<string, string>> = { payment_denied: "payment_failed", payment_declined: "payment_failed" };
const terminal: ReadonlySet<string> = new Set(["checkout_expired", "checkout_not_open", "not_found"]);

/** Tells a refusal of the core as a message: its public text, never its detail. */
export function messageOf({ code }: Refusal): UcpMessage {
  const content = errorCatalogue[code].text;
  if (terminal.has(code)) return { type: "error", code, content, severity: "unrecoverable" };
  return recoverable(standardCodes[code] ?? code, content);
}
