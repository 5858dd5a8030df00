import type { Answer } from "./api.ts";
import { parseJson } from "./json.ts";
import type { WidgetView } from "./wire.ts";

/** What views keep: read at once, stored at the host behind. */
export interface ViewStates {
  /** The newest state of a view, null before there is one. */
  readonly latest: (view: Pick<WidgetView, "id" | "state">) => unknown;
  /** Keeps a state. Resolves once it, or a newer one, is stored; false when it is too large or could not be stored. */
  readonly save: (viewId: string, state: unknown) => Promise<boolean>;
}

const bytesMax = 64 * 1024;

/** Stores one state of each view at a time, and of those that come meanwhile only the newest. */
export function createViewStates(store: (viewId: string, state: string) => Answer<void>): ViewStates {
  const latest = new Map<string, string>();
  const running = new Map<string, Promise<boolean>>();
  const next = new Map<string, Promise<boolean>>();
  const write = async (viewId: string): Promise<boolean> => (await store(viewId, latest.get(viewId) ?? "null")).ok;
  return {
    latest: (view) => {
      const text = latest.get(view.id) ?? view.state;
      return text === undefined ? null : (parseJson(text) ?? null);
    },
    save: (viewId, state) => {
      const text = JSON.stringify(state ?? null);
      if (new TextEncoder().encode(text).length > bytesMax) return Promise.resolve(false);
      latest.set(viewId, text);
      const before = running.get(viewId);
      const waiting = next.get(viewId);
      if (waiting !== undefined) return waiting;
      const run = (): Promise<boolean> => {
        next.delete(viewId);
        const task = write(viewId).finally(() => {
          if (running.get(viewId) === task) running.delete(viewId);
        });
        running.set(viewId, task);
        return task;
      };
      if (before === undefined) return run();
      const queued = before.then(run, run);
      next.set(viewId, queued);
      return queued;
    },
  };
}
