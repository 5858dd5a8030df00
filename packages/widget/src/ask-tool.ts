import type { HostBridge } from "./bridge.ts";
import { callError, toCallError, toolError } from "./call-error.ts";
import { type JsonObject, readToolResult, type ToolResult } from "./wire.ts";

/** One try of a call, by the bridge alone. Gives a successful result, else throws a `CallError`; an empty answer is `protocol_error` and `unreadable`. */
export async function askTool(bridge: HostBridge, name: string, args: JsonObject, signal: AbortSignal | undefined): Promise<ToolResult> {
  const result = readToolResult(await typed(bridge.callTool(name, args, signal)));
  if (result === undefined) {
    throw callError("protocol_error", "The host gave no usable answer.", false, "unreadable");
  }
  if (result.isError === true) {
    throw toolError(result);
  }
  return result;
}

/** Makes whatever a host rejects with a `CallError`. */
export async function typed<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw toCallError(thrown);
  }
}
