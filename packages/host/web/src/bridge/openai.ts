import type { BridgeMessage } from "@countersign/protocol/bridge";
import { member } from "@countersign/protocol/shape";
import { readText } from "../json.ts";
import { clampHeight } from "./size.ts";
import type { FrameTransport } from "./transport.ts";
import { failureOf, type WidgetHost } from "./widget-host.ts";

type Ask = Extract<BridgeMessage, { kind: "request" | "notification" }>;
type Outcome = { readonly result: unknown } | { readonly error: { code: number; message: string; data?: unknown } };

const invalidParams: Outcome = { error: { code: -32602, message: "Invalid params" } };
const failed: Outcome = {
  error: {
    code: -32603,
    message: "Something went wrong on our side.",
    data: { code: "internal_error", message: "Something went wrong on our side.", retryable: false },
  },
};
const textMax = 20_000;

/** Serves what the `window.openai` shim asks for. `ignoreAutomaticHeight`: the view also speaks MCP Apps and reports its size there. */
export async function serveOpenAi(ask: Ask, host: WidgetHost, transport: FrameTransport, ignoreAutomaticHeight: boolean): Promise<void> {
  if (ask.kind === "request") {
    // Whatever goes wrong here, the view's promise must not hang.
    transport.answer(ask.id, await outcomeOf(ask.method, ask.params, host).catch(() => failed));
    return;
  }
  const height = clampHeight(member(ask.params, "height"));
  const automatic = member(ask.params, "automatic") === true;
  if (ask.method === "openai/notifyIntrinsicHeight" && height !== undefined && !(automatic && ignoreAutomaticHeight)) host.resize(height);
}

async function outcomeOf(method: string, params: unknown, host: WidgetHost): Promise<Outcome> {
  switch (method) {
    case "openai/callTool": {
      const name = readText(member(params, "name"), 200);
      if (name === undefined) return invalidParams;
      const call = await host.callTool(name, member(params, "arguments") ?? {});
      return call.result === undefined ? { error: failureOf(call) } : { result: call.result.raw };
    }
    case "openai/setWidgetState":
      return host.saveState(member(params, "state")) ? { result: {} } : refused("The state is too large to keep.");
    case "openai/sendFollowUpMessage": {
      const prompt = readText(member(params, "prompt"), textMax);
      if (prompt === undefined) return invalidParams;
      return (await host.say(prompt)) ? { result: {} } : refused("The message was not taken.");
    }
    case "openai/requestDisplayMode":
      return { result: { mode: host.requestDisplayMode(readText(member(params, "mode"), 20) ?? "") } };
    case "openai/openExternal": {
      const href = readText(member(params, "href"), 8193);
      if (href === undefined) return invalidParams;
      return (await host.openLink(href)) ? { result: {} } : refused("The link was not opened.");
    }
    default:
      return { error: { code: -32601, message: "Method not found" } };
  }
}

function refused(message: string): Outcome {
  return { error: { code: -32000, message, data: { code: "refused", message, retryable: false } } };
}
