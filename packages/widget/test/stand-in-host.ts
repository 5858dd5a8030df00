import { connect, type App } from "../src/connect.ts";
import { createFrame, type StandInFrame } from "./stand-in-frame.ts";

/** What a tool of the stand-in answers: a result, or `fail` with what the host then says instead. Undefined: no answer at all. */
export type Answer = Record<string, unknown> | { readonly fail: unknown } | undefined;
export type Tools = Readonly<Record<string, (args: Readonly<Record<string, unknown>>) => Answer | Promise<Answer>>>;

export interface HostOptions {
  readonly tools: Tools;
  readonly name?: string;
  readonly refusesMessages?: boolean;
  /** Of the handshake; all that the library uses by default. */
  readonly capabilities?: Record<string, unknown>;
}

/** A host in memory that carries calls to scripted tools and keeps what it was asked. */
export interface StandInHost {
  readonly frame: StandInFrame;
  readonly app: App;
  readonly calls: readonly { readonly tool: string; readonly args: Readonly<Record<string, unknown>> }[];
  /** What went to the chat. */
  readonly messages: readonly string[];
  /** `data` of the log messages. */
  readonly steps: readonly unknown[];
  readonly contexts: readonly unknown[];
}

const unknownTool: Answer = {
  fail: { code: -32000, message: "x", data: { code: "unknown_tool", message: "No such tool.", retryable: false } },
};

const everything = { serverTools: {}, message: { text: {} }, logging: {}, updateModelContext: { text: {} } };

/** Connects the library to a host that speaks MCP Apps. */
export async function connectApps(options: HostOptions): Promise<StandInHost> {
  const frame = createFrame();
  const host = { frame, calls: [], messages: [], steps: [], contexts: [] };
  frame.onPost((message) => void serve(host, options, message));
  return { ...host, app: await connect({ window: frame.window, name: "shop" }) };
}

interface Heard {
  readonly frame: StandInFrame;
  readonly calls: { tool: string; args: Record<string, unknown> }[];
  readonly messages: string[];
  readonly steps: unknown[];
  readonly contexts: unknown[];
}

async function serve(host: Heard, options: HostOptions, message: unknown): Promise<void> {
  const { id, method, params } = shapeOf(message);
  const reply = (outcome: Record<string, unknown>): void => host.frame.deliver({ jsonrpc: "2.0", id, ...outcome });
  if (method === "ui/initialize") {
    const hostCapabilities = options.capabilities ?? everything;
    reply({
      result: { protocolVersion: "2026-01-26", hostInfo: { name: options.name ?? "stand-in", version: "1" }, hostCapabilities, hostContext: {} },
    });
  } else if (method === "tools/call") {
    const tool = String(params["name"]);
    const args = shapeOf({ params: params["arguments"] }).params;
    host.calls.push({ tool, args });
    const answer = await (options.tools[tool] ?? (() => unknownTool))(args);
    if (answer !== undefined) {
      reply("fail" in Object(answer) ? { error: Reflect.get(Object(answer), "fail") } : { result: answer });
    }
  } else if (method === "ui/message") {
    host.messages.push(JSON.stringify(params["content"]));
    reply({ result: { isError: options.refusesMessages === true } });
  } else if (method === "ui/update-model-context") {
    host.contexts.push(params);
    reply({ result: {} });
  } else if (method === "notifications/message") {
    host.steps.push(params);
  }
}

function shapeOf(message: unknown): { readonly id: unknown; readonly method: unknown; readonly params: Record<string, unknown> } {
  const { id, method, params } = Object(message);
  return { id, method, params: { ...Object(params) } };
}
