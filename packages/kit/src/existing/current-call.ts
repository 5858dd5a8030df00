import { AsyncLocalStorage } from "node:async_hooks";
import type { ContentBlock } from "@modelcontextprotocol/server";
import { refused, type ToolAnswer } from "../answer.ts";
import type { ToolContext } from "../context.ts";
import type { Report } from "../report.ts";

/** One call while the existing server works on it. */
export interface RunningCall {
  readonly ctx: ToolContext;
  readonly report: Report;
  /** What the handler answered instead of a result: it takes the place of whatever the server writes. */
  instead: ToolAnswer | undefined;
}

/** A tool result as the SDK's `registerTool` takes it, of either major version. */
export interface SdkToolResult {
  content: ContentBlock[];
  structuredContent?: { [name: string]: unknown };
  isError?: boolean;
  _meta?: { [name: string]: unknown };
  [name: string]: unknown;
}

const running = new AsyncLocalStorage<RunningCall>();

/** Runs the server's work on one call, so that its handlers can ask whose call it is. */
export function runCall<T>(call: RunningCall, work: () => Promise<T>): Promise<T> {
  return running.run(call, work);
}

/**
 * The call in whose handler this is asked: who is signed in, with which scopes. For the handlers of tools of a protected server, however deep.
 * Throws outside of one: a handler of a resource or prompt finds its caller in the SDK's own `authInfo`.
 */
export function currentCall(): ToolContext {
  return findCall().ctx;
}

/**
 * Lets a handler of the kit stand in a server of the SDK: `server.registerTool("pay", config, handled(handler))`. A challenge that it answers
 * becomes the response in the form that the client understands; what it throws is reported, and the caller learns nothing of it.
 */
export function handled<Args>(handler: (args: Args, ctx: ToolContext) => ToolAnswer | Promise<ToolAnswer>): (args: Args) => Promise<SdkToolResult> {
  return async (args) => {
    const call = findCall();
    let answer: ToolAnswer;
    try {
      answer = await handler(args, call.ctx);
    } catch (error) {
      call.report({ event: "tool_failed", tool: call.ctx.tool, error });
      answer = refused({ code: "internal_error" });
    }
    if (answer.kind === "result") return toSdkResult(answer);
    call.instead = answer;
    return toSdkResult(refused({ code: "authorization_required" }));
  };
}

function findCall(): RunningCall {
  const call = running.getStore();
  if (call === undefined) throw new TypeError("this runs outside of a call to a protected server");
  return call;
}

function toSdkResult(result: Extract<ToolAnswer, { readonly kind: "result" }>): SdkToolResult {
  return {
    content: [...result.content],
    ...(result.structuredContent === undefined ? {} : { structuredContent: { ...result.structuredContent } }),
    ...(result.isError ? { isError: true } : {}),
    ...(result._meta === undefined ? {} : { _meta: { ...result._meta } }),
  };
}
