import { err, ok, type Result } from "@countersign/protocol/result";
import { ucpVersion } from "./names.ts";

const headerLengthMax = 2100;
/** A dictionary of structured fields (RFC 8941 section 3.2) as far as it is used: members and parameters with quoted strings. */
const agentField = /^\s*profile="([^"\\]*)"((?:\s*[;,]\s*[a-z*][a-z0-9_.*-]*(?:=(?:"[^"\\]*"|[A-Za-z0-9:/.-]+))?)*)\s*$/;
const versionField = /[;,]\s*version="([^"\\]*)"/;

/** What is wrong with how a platform presents itself, by the names that UCP has (Negotiation Errors). */
export type AgentFault = "invalid_profile_url" | "version_unsupported";

/** For each fault its status over REST, and what to put right. Over MCP each is {@link agentFaultCode}. */
export const agentFaults: Readonly<Record<AgentFault, { readonly status: 400 | 422; readonly content: string }>> = {
  invalid_profile_url: { status: 400, content: 'A platform names its profile by an HTTPS URL: UCP-Agent: profile="https://…".' },
  version_unsupported: { status: 422, content: `Only UCP ${ucpVersion} is spoken here.` },
};

/** Of a JSON-RPC error. */
export const agentFaultCode = -32001;

/**
 * Judges how a platform presents itself by the `UCP-Agent` header. The profile is an address and no more than that: nothing is fetched from it, and nobody is
 * who they say. Refuses one that is missing or no HTTPS URL, and a version that is not spoken here.
 */
export function judgeAgentHeader(header: string | null): Result<void, AgentFault> {
  const parsed = header === null || header.length > headerLengthMax ? null : agentField.exec(header);
  if (parsed === null) return err("invalid_profile_url");
  const version = versionField.exec(parsed[2] ?? "")?.[1];
  if (version !== undefined && version !== ucpVersion) return err("version_unsupported");
  return judgeProfileUrl(parsed[1] ?? "");
}

/** Judges the profile address alone, as MCP's `meta["ucp-agent"].profile` has it. */
export function judgeProfileUrl(text: string): Result<void, AgentFault> {
  const url = text.length > 2048 ? null : URL.parse(text);
  const isUsable = url !== null && url.protocol === "https:" && url.username === "" && url.password === "";
  return isUsable ? ok(undefined) : err("invalid_profile_url");
}
