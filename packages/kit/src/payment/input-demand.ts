import type { BrowserUrl } from "@countersign/protocol/brand";
import { type ElicitRequestURLParams, inputRequired, type InputRequiredResult } from "@modelcontextprotocol/server";

/** A demand for input as MCP writes it, for clients that declare elicitation of addresses. */
export interface InputDemand {
  readonly era: "modern" | "legacy";
  readonly id: string;
  readonly message: string;
  /** Undefined: the client need only come back, without asking the user once more. */
  readonly link: BrowserUrl | undefined;
  readonly state: string;
}

/** Key of the one input request, and of its answer. */
export const inputKey = "approval";

/** MCP 2026-07-28, multi-round-trip requests. */
export function toInputRequired({ message, link, state }: InputDemand): InputRequiredResult {
  if (link === undefined) return inputRequired({ requestState: state });
  return inputRequired({ inputRequests: { [inputKey]: inputRequired.elicitUrl({ url: link, message }) }, requestState: state });
}

/** The error of MCP 2025-11-25, URL elicitation required. */
export interface ElicitationError {
  readonly code: -32042;
  readonly message: string;
  readonly data: { readonly elicitations: ElicitRequestURLParams[] };
}

/** MCP 2025-11-25, URL elicitation required: the client opens the address and makes the same call again. */
export function toElicitationError({ id, message, link }: InputDemand): ElicitationError {
  const elicitations: ElicitRequestURLParams[] = link === undefined ? [] : [{ mode: "url", elicitationId: id, url: link, message }];
  return { code: -32042, message, data: { elicitations } };
}
