import type { EpochMs } from "@countersign/protocol/brand";
import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";

/**
 * What the kit knows of an approval it asked for, sealed into what travels through the client. `state`: the `requestState` of MCP 2026-07-28, which comes back once
 * with the same call. `handle`: what the app's view waits by.
 */
export type ApprovalAsk = AskedCall &
  ({ readonly use: "state"; readonly argsDigest: string } | { readonly use: "handle"; readonly args: JsonObject | null });

interface AskedCall {
  /** Never repeats. */
  readonly id: string;
  readonly requestId: string;
  readonly tool: string;
  /** `sub` of the caller's token; null for a guest. */
  readonly subject: string | null;
  /** Whether `subject` is the wallet's name for the caller, so that nobody else may approve. */
  readonly isPayer: boolean;
  /** How often this call was asked before. */
  readonly round: number;
  readonly expiresAt: EpochMs;
}

/** The call that brings a state back. */
export interface ReturningCall {
  readonly tool: string;
  readonly argsDigest: string;
  readonly subject: string | null;
  readonly now: EpochMs;
}

export type AskVerdict = "good" | "expired" | "other_principal" | "other_tool" | "other_arguments";

/** Why what came back is not taken. `unreadable`: this app did not seal it. `spent`: it has come back before. */
export type AskRefusal = Exclude<AskVerdict, "good"> | "unreadable" | "spent";

/** Judges a state against the call that brings it back: the same caller, tool and arguments, in time. Whether it is the first time is the memory's to say. */
export function judgeState(ask: ApprovalAsk & { readonly use: "state" }, call: ReturningCall): AskVerdict {
  if (call.now >= ask.expiresAt) return "expired";
  if (ask.subject !== call.subject) return "other_principal";
  if (ask.tool !== call.tool) return "other_tool";
  return ask.argsDigest === call.argsDigest ? "good" : "other_arguments";
}

/** Reads what was sealed; undefined for anything that this code did not write. */
export function readAsk(value: unknown): ApprovalAsk | undefined {
  const texts = ["id", "requestId", "tool"].map((name) => member(value, name));
  const [id, requestId, tool] = texts;
  const [subject, isPayer, round, expiresAt] = ["subject", "isPayer", "round", "expiresAt"].map((name) => member(value, name));
  if (typeof id !== "string" || typeof requestId !== "string" || typeof tool !== "string" || typeof isPayer !== "boolean") return undefined;
  if ((subject !== null && typeof subject !== "string") || !isCount(round) || !isCount(expiresAt)) return undefined;
  const asked = { id, requestId, tool, subject, isPayer, round, expiresAt };
  const args = member(value, "args");
  const argsDigest = member(value, "argsDigest");
  if (member(value, "use") === "state") return typeof argsDigest === "string" ? { ...asked, use: "state", argsDigest } : undefined;
  return member(value, "use") === "handle" && (args === null || isJsonObject(args)) ? { ...asked, use: "handle", args } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
