import type { ViewTool } from "./api.ts";
import type { WidgetLink } from "./bridge/connect.ts";

/** Tools of all views together, for one turn of the model. */
const toolsMax = 20;

/** The views that are shown now, by the id of their view. */
export interface OpenViews {
  readonly add: (viewId: string, link: WidgetLink) => () => void;
  /** Tells views that they are about to be removed, and waits for them a moment. */
  readonly teardown: (viewIds?: readonly string[]) => Promise<void>;
  /** The tools that shown views offer to the model. */
  readonly tools: () => Promise<readonly ViewTool[]>;
  /** Runs a tool of a shown view; undefined when the view is gone. */
  readonly callTool: (viewId: string, name: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>;
}

/** Makes the list of views of one page. */
export function createOpenViews(): OpenViews {
  const open = new Map<string, WidgetLink>();
  return {
    add: (viewId, link) => {
      open.set(viewId, link);
      return () => {
        if (open.get(viewId) === link) open.delete(viewId);
      };
    },
    teardown: async (viewIds) => {
      const leaving = viewIds === undefined ? [...open.values()] : viewIds.flatMap((id) => open.get(id) ?? []);
      await Promise.all(leaving.map((link) => link.teardown()));
    },
    tools: async () => {
      const lists = [...open].map(async ([viewId, link]) =>
        ((await link.tools?.().catch(() => [])) ?? []).map((tool) => ({ ...tool, widgetId: viewId })),
      );
      return (await Promise.all(lists)).flat().slice(0, toolsMax);
    },
    callTool: async (viewId, name, args) => open.get(viewId)?.callTool(name, args),
  };
}
