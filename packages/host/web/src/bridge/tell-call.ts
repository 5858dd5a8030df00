import { isJsonObject } from "@countersign/protocol/shape";
import type { AppBridge } from "@modelcontextprotocol/ext-apps/app-bridge";
import type { CallResult } from "../wire.ts";
import { toolResultOf } from "./serve-apps.ts";

/** How the call that a view shows has ended. */
export type Ending = { readonly kind: "result"; readonly result: CallResult } | { readonly kind: "cancelled"; readonly reason: string };

/** What the view's tool is called with; not `whole` while the model still writes it. */
export interface ToolInput {
  readonly arguments: unknown;
  readonly whole: boolean;
}

/**
 * Tells a view of MCP Apps 2026-01-26 of the one call that it shows, from the moment the view listens: the input while it is written, once when it is whole, and
 * after that how the call ended.
 */
export class TellCall {
  readonly #bridge: AppBridge;
  #input: ToolInput;
  #ending: Ending | undefined;
  #listens = false;
  #toldWhole = false;

  constructor(bridge: AppBridge, { input, ending }: { readonly input: ToolInput; readonly ending: Ending | undefined }) {
    this.#bridge = bridge;
    this.#input = input;
    this.#ending = ending;
  }

  /** Whether the view speaks MCP Apps and listens. */
  get isHeard(): boolean {
    return this.#listens;
  }

  /** The view listens now. */
  begin(): void {
    this.#listens = true;
    this.#tellInput();
    if (this.#ending !== undefined) void tellEnding(this.#bridge, this.#ending);
  }

  input(input: ToolInput): void {
    if (input.whole === this.#input.whole && input.arguments === this.#input.arguments) return;
    this.#input = input;
    this.#tellInput();
  }

  /** Only the first end counts. */
  end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    if (this.#listens) void tellEnding(this.#bridge, ending);
  }

  #tellInput(): void {
    if (!this.#listens || this.#toldWhole) return;
    const { whole, arguments: args } = this.#input;
    const params = { arguments: isJsonObject(args) ? { ...args } : {} };
    this.#toldWhole = whole;
    void (whole ? this.#bridge.sendToolInput(params) : this.#bridge.sendToolInputPartial(params));
  }
}

async function tellEnding(bridge: AppBridge, ending: Ending): Promise<void> {
  const result = ending.kind === "result" ? toolResultOf(ending.result.raw) : undefined;
  if (ending.kind === "cancelled") await bridge.sendToolCancelled({ reason: ending.reason });
  else if (result !== undefined) await bridge.sendToolResult(result);
}
