import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { ucpVersion } from "./names.ts";

const headerLengthMax = 2100;
/** A dictionary of structured fields (RFC 8941 section 3.2) as far as it is used: members and parameters with quoted strings. */
const agentField = /^\s*profile="([^"\\]*)"((?:\s*[;,]\s*[a-z*][a-z0-9_.*-]*(?:=(?:"[^"\\]*"|[A-Za-z0-9:/.-]+))?)*)\s*$/;
const versionField = /[;,]\s*version="([^"\\]*)"/;

/**
 * Judges how a platform presents itself by the `UCP-Agent` header. The profile is an address and no more than that: nothing is fetched from it, and nobody is
 * who they say. Refuses one that is missing or no HTTPS URL, and a version that is not spoken here, with `invalid_request`.
 */
export function judgeAgentHeader(header: string | null): Result<void, Refusal> {
  const parsed = header === null || header.length > headerLengthMax ? null : agentField.exec(header);
  if (parsed === null) return err(refuse("invalid_request", 'UCP-Agent must be profile="https://…"'));
  const version = versionField.exec(parsed[2] ?? "")?.[1];
  if (version !== undefined && version !== ucpVersion) return err(refuse("invalid_request", `only UCP ${ucpVersion} is spoken here`));
  return judgeProfileUrl(parsed[1] ?? "");
}

/** Judges the profile address alone, as MCP's `meta["ucp-agent"].profile` has it. */
export function judgeProfileUrl(text: string): Result<void, Refusal> {
  const url = text.length > 2048 ? null : URL.parse(text);
  const isUsable = url !== null && url.protocol === "https:" && url.username === "" && url.password === "";
  return isUsable ? ok(undefined) : err(refuse("invalid_request", "the platform's profile must be an HTTPS URL"));
}
