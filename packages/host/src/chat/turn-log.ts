import type { ChatEvent } from "./chat-event.ts";

/** Arguments of all calls of one turn together, in UTF-16 units of their JSON; those of further calls are left out. */
const argumentsMax = 500_000;

/**
 * What was told of one turn, as short as it can be said again: each message whole, each call as it is now. A page that was reloaded, or that lost the stream,
 * reads it and goes on from there.
 */
export class TurnLog {
  readonly #told = new Map<string, ChatEvent>();
  #argumentChars = 0;

  note(event: ChatEvent): void {
    if ("turn" in event || "viewCall" in event) return;
    if ("text" in event) {
      const known = this.#told.get(event.id);
      const before = known !== undefined && "text" in known ? known.text : "";
      this.#told.set(event.id, { id: event.id, text: event.at === undefined ? event.text : before.slice(0, event.at) + event.text });
    } else if ("draft" in event && typeof event.draft === "object") this.#told.set(event.draft.id, event);
    else if ("call" in event) this.#told.set(event.draft ?? event.call.id, { ...event, arguments: this.#bounded(event.arguments) });
    else if ("unmade" in event) this.#told.set(`${event.unmade.draft} unmade`, event);
    else if ("error" in event) this.#told.set(event.id, event);
  }

  /** In the order in which they were first told. */
  events(): readonly ChatEvent[] {
    return [...this.#told.values()];
  }

  #bounded<T extends object>(args: T): T | Record<string, never> {
    this.#argumentChars += JSON.stringify(args).length;
    return this.#argumentChars <= argumentsMax ? args : {};
  }
}
