import type { Entry } from "./state.ts";
import type { Call } from "./wire.ts";

type Draft = Extract<Entry, { readonly kind: "draft" }>;

/** A call that is still written, or was never made, as the card of a call shows it: it has no server, no sign-in and no result. */
export function writtenCall({ id, connectorId, tool, unmade }: Draft): Call {
  const state = unmade === undefined ? "writing" : "unmade";
  const none = { flow: undefined, result: undefined, error: undefined, widgetId: undefined, createdAt: undefined, version: undefined };
  return { ...none, id, connectorId, tool, state, origin: "model" };
}

/** Whether the call's arguments may still grow. */
export function isWriting(call: Pick<Call, "state">): boolean {
  return call.state === "writing";
}

/** Whether there is a call at all. */
export function isMade(call: Pick<Call, "state">): boolean {
  return call.state !== "writing" && call.state !== "unmade";
}
