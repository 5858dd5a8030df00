import type { BrowserUrl, EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { isSecureOrLoopback, parseBrowserUrl } from "./resource.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { boundedText, isJsonObject, member } from "./shape.ts";

/**
 * Where a tool's result tells a widget that a payment waits for the user's approval, in `_meta`, which the model does not see. The link may be shown to anyone: only
 * the user's passkey approves. The handle may not: whoever holds it learns the outcome.
 */
export const approvalMetaKey = "countersign/approval";

/** Where a widget puts the key `handle` when it calls {@link ApprovalAnswer.awaitTool}; the one argument of that tool. */
export const awaitApprovalArgument = "handle";

/** The tool that waits for an approval, as the kit names it. */
export const awaitApprovalTool = "await_approval";

/** A payment that waits for approval outside the chat. */
export interface ApprovalAnswer {
  /** The wallet's page for this payment: https, or http to this machine. The user opens it here or scans it as a QR code. */
  readonly link: BrowserUrl;
  /** The right to wait for the outcome of this payment, and for nothing else. */
  readonly handle: string;
  /** Nobody can approve after this. */
  readonly expiresAt: EpochMs;
  /** Name of the app-only tool on the same server that waits: `{ handle }` in, {@link ApprovalState} out; call it again while it says `pending`. */
  readonly awaitTool: string;
}

/** Every state of an approval that is waited for. */
export const approvalStates = ["pending", "approved", "denied", "expired"] as const;

/** Where an approval stands: `structuredContent.state` of the waiting tool's result. */
export type ApprovalState = (typeof approvalStates)[number];

const handleGrammar = /^[A-Za-z0-9_.-]{22,2048}$/;
const toolGrammar = /^[A-Za-z0-9_.-]{1,64}$/;
const linkLengthMax = 2048;
/** No approval is waited for longer than a day, whatever a server says. */
const lifetimeMsMax = 86_400_000;

/** Says whether a text is a handle: 22 to 2048 characters of the base64url alphabet and dots. */
export function isApprovalHandle(value: unknown): value is string {
  return typeof value === "string" && handleGrammar.test(value);
}

/** Writes the answer as a `_meta` object, to be merged with what else is there. */
export function approvalMeta(answer: ApprovalAnswer): Readonly<Record<string, ApprovalAnswer>> {
  const { link, handle, expiresAt, awaitTool } = answer;
  return { [approvalMetaKey]: { link, handle, expiresAt, awaitTool } };
}

/**
 * Reads the answer from a result's `_meta`: undefined when there is none. Refuses with `protocol_error` one that is malformed or ends more than a day from now,
 * and with `unsafe_url` a link that is neither https nor to this machine.
 */
export function readApprovalAnswer(meta: unknown, nowMs: EpochMs): Result<ApprovalAnswer | undefined, Refusal> {
  const told = member(meta, approvalMetaKey);
  if (told === undefined) return ok(undefined);
  const handle = member(told, "handle");
  const awaitTool = member(told, "awaitTool");
  const expiresAt = member(told, "expiresAt");
  const named = typeof awaitTool === "string" && toolGrammar.test(awaitTool) ? awaitTool : undefined;
  if (!isJsonObject(told) || !isApprovalHandle(handle) || named === undefined || !isEnd(expiresAt, nowMs)) {
    return err(refuse("protocol_error", "an approval is { link, handle, expiresAt, awaitTool }"));
  }
  const link = parseBrowserUrl(boundedText(member(told, "link"), linkLengthMax) ?? "");
  if (!link.ok) return link;
  if (!isSecureOrLoopback(new URL(link.value))) return err(refuse("unsafe_url", "an approval link is https"));
  return ok({ link: link.value, handle, expiresAt, awaitTool: named });
}

/** Reads the state from a waiting tool's `structuredContent`; undefined for anything else. */
export function readApprovalState(structuredContent: unknown): ApprovalState | undefined {
  const state = member(structuredContent, "state");
  return approvalStates.find((each) => each === state);
}

function isEnd(value: unknown, nowMs: EpochMs): value is EpochMs {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value <= nowMs + lifetimeMsMax;
}
