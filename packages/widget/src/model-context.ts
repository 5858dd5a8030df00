import type { HostBridge, ModelContext } from "./bridge.ts";

/** What the model is told: the app's own words, and below them how the library's questions to the user ended. */
export interface ToldContext {
  update(context: ModelContext): Promise<void>;
  /** Adds a line. Not every host takes it, and nothing depends on it. */
  tell(line: string): void;
}

const linesMax = 3;

/** Each update of a host's model context replaces the one before, so both parts are sent together. */
export function openModelContext(bridge: HostBridge): ToldContext {
  let own: ModelContext = {};
  let lines: readonly string[] = [];
  const send = (): Promise<void> => {
    const text = [...(own.text === undefined ? [] : [own.text]), ...lines].join("\n");
    return bridge.updateModelContext(text === "" ? own : { ...own, text });
  };
  return {
    update(context) {
      own = context;
      return send();
    },
    tell(line) {
      lines = [...lines, line].slice(-linesMax);
      send().catch(() => undefined);
    },
  };
}
