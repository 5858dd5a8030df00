import type { Store } from "./store.ts";
import type { Connector } from "./wire.ts";

/** Shows a connector as an answer tells of it, unless an event told of it since `before`: that is newer, since connecting goes on while the answer is on its way. */
export function showAnswer(store: Store, before: readonly Connector[], connector: Connector): void {
  const known = store.get().connectors.find((each) => each.id === connector.id);
  if (known === undefined || before.includes(known)) store.dispatch({ type: "connector", connector });
}
