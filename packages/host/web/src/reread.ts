import type { HostApi } from "./api.ts";
import { type ConsoleState, openFlows, ownCallIds } from "./state.ts";
import type { Store } from "./store.ts";
import { isCallEnded } from "./wire.ts";

/** Reads the sign-ins again that are shown for a connector itself: their end may have had no event here. One that a call waits for comes with its call. */
export async function rereadFlows({ store, api }: { readonly store: Store; readonly api: Pick<HostApi, "flow"> }): Promise<void> {
  for (const { flow } of openFlows(store.get()).filter(({ calls }) => calls.length === 0)) {
    const answer = await api.flow(flow.id);
    if (answer.ok) store.dispatch({ type: "flow", flow: answer.value });
    // One that the host no longer has is over, however it ended.
    else if (answer.error.code === "not_found") store.dispatch({ type: "flow", flow: { ...flow, state: "expired" } });
  }
}

/** Whether something is shown that only an event would end: it is read again now and then, because events may be lost. */
export function awaitsEvents(state: ConsoleState): boolean {
  const runs = ownCallIds(state).some((id) => state.calls[id] !== undefined && !isCallEnded(state.calls[id]));
  return runs || openFlows(state).length > 0;
}
