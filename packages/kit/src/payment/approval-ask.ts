import { createHash } from "node:crypto";
import { isApprovalHandle } from "@countersign/protocol/approval-answer";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { type ApprovalAsk, readAsk } from "../policy/judge-ask.ts";
import type { Payee } from "./payee.ts";

const argsLengthMax = 1_000;

/** Seals what was asked for. The name under which it is sealed says what it is for, so that a handle is no state and neither is any other sealed value of the app. */
export function sealAsk(payee: Payee, ask: ApprovalAsk): string {
  return payee.approvals.sealer.seal(JSON.stringify(ask), nameOf(payee, ask.use));
}

/** Opens a state or a handle of this payee; undefined for anything else. Whether it has expired is the caller's to judge. */
export function openAsk<Use extends ApprovalAsk["use"]>(payee: Payee, sealed: unknown, use: Use): (ApprovalAsk & { readonly use: Use }) | undefined {
  const opened = isApprovalHandle(sealed) ? payee.approvals.sealer.open(sealed, nameOf(payee, use)) : undefined;
  const ask = opened?.ok === true ? readAsk(JSON.parse(opened.value)) : undefined;
  return ask !== undefined && isFor(ask, use) ? ask : undefined;
}

/** The arguments as they go into a handle; null when they are too long for one. */
export function carriedArgs(args: unknown): JsonObject | null {
  const given = args ?? {};
  return isJsonObject(given) && JSON.stringify(given).length <= argsLengthMax ? given : null;
}

/** A digest of arguments that does not depend on the order of their members. */
export function digestOfArgs(args: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(ordered(args ?? {})))
    .digest("base64url");
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isJsonObject(value)) return value;
  const members = Object.keys(value).toSorted();
  return { members: members.map((name) => [name, ordered(value[name])]) };
}

function isFor<Use extends ApprovalAsk["use"]>(ask: ApprovalAsk, use: Use): ask is ApprovalAsk & { readonly use: Use } {
  return ask.use === use;
}

function nameOf(payee: Payee, use: ApprovalAsk["use"]): string {
  return `countersign/approval/${use}/${payee.id}`;
}
