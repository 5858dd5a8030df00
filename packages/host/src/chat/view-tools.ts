import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { JsonObject } from "@countersign/protocol/shape";
import { plainText } from "../connections/tool-definition.ts";
import { newId } from "../digest.ts";
import type { Widgets } from "../resources/widgets.ts";
import type { ModelTool } from "./model.ts";

/** A tool that a shown view offers to the model (MCP Apps, app-registered tools), as its page tells of it. */
export interface ViewTool {
  readonly widgetId: string;
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

/** A call that waits for the page that shows the view. */
export interface ViewCall {
  readonly id: string;
  readonly widgetId: string;
  readonly tool: string;
  readonly arguments: JsonObject;
}

export interface ViewToolBox {
  readonly tools: readonly ModelTool[];
  /** Which tool of which view a name leads to. */
  readonly targets: ReadonlyMap<string, { readonly widgetId: string; readonly tool: string }>;
}

const answerMs = 30_000;

/** The tools of views that a page shows. They run in the page: the model's call is told to it, and its answer is taken once. */
export class ViewTools {
  readonly #widgets: Pick<Widgets, "belongings">;
  readonly #waiting = new Map<string, { readonly userId: string; readonly resolve: (result: JsonObject | undefined) => void }>();

  constructor(widgets: Pick<Widgets, "belongings">) {
    this.#widgets = widgets;
  }

  /** The tools under names of their own: `view__<connector>__<tool>`. A view that is not this user's offers nothing. */
  async collect(userId: string, offered: readonly ViewTool[]): Promise<ViewToolBox> {
    const tools: ModelTool[] = [];
    const targets = new Map<string, { readonly widgetId: string; readonly tool: string }>();
    for (const { widgetId, name: tool, description, inputSchema } of offered) {
      const view = await this.#widgets.belongings(userId, widgetId);
      if (!view.ok) continue;
      const name = `view__${view.value.connectorId}__${tool}`.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
      if (targets.has(name)) continue;
      targets.set(name, { widgetId, tool });
      const words = `A tool of the app's view that the user sees now: ${plainText(description) ?? ""}`;
      tools.push({ type: "function", function: { name, description: words, parameters: inputSchema } });
    }
    return { tools, targets };
  }

  /** Tells the page and waits for its answer, at most half a minute, and no longer than `signal` lets it. */
  async call(
    userId: string,
    target: { readonly widgetId: string; readonly tool: string },
    args: JsonObject,
    tell: (call: ViewCall) => void,
    signal: AbortSignal,
  ): Promise<Result<JsonObject, Refusal>> {
    const id = newId("vcl");
    const { promise, resolve } = Promise.withResolvers<JsonObject | undefined>();
    this.#waiting.set(id, { userId, resolve });
    const timer = setTimeout(() => resolve(undefined), answerMs);
    const left = (): void => resolve(undefined);
    signal.addEventListener("abort", left, { once: true });
    if (signal.aborted) left();
    else tell({ id, ...target, arguments: args });
    const result = await promise;
    signal.removeEventListener("abort", left);
    clearTimeout(timer);
    this.#waiting.delete(id);
    if (result !== undefined) return ok(result);
    return err(signal.aborted ? refuse("cancelled") : refuse("call_expired", "the view did not answer"));
  }

  /** Takes a page's answer; refuses one that nobody waits for. */
  answer(userId: string, id: string, result: JsonObject): Result<{ readonly taken: true }, Refusal> {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.userId !== userId) return err(refuse("not_found"));
    this.#waiting.delete(id);
    waiting.resolve(result);
    return ok({ taken: true });
  }

  close(): void {
    for (const { resolve } of this.#waiting.values()) resolve(undefined);
  }
}
