import { type AppCapability, hostViews } from "@countersign/protocol/host-profile-view";
import { ladderLogger, readLadderStep } from "@countersign/protocol/ladder";
import type { JsonObject } from "@countersign/protocol/shape";
import { isJsonObject } from "@countersign/protocol/shape";
import {
  type CallToolResult,
  type CreateMessageRequest,
  isCallToolResult,
  type ListResourcesResult,
  ProtocolError,
  type ReadResourceResult,
} from "@modelcontextprotocol/client";
import type { AppBridge, McpUiDownloadFileRequest, McpUiHostCapabilities } from "@modelcontextprotocol/ext-apps/app-bridge";
import { z } from "zod";
import type { ApiProblem } from "../api.ts";
import type { Tool, WidgetView } from "../wire.ts";
import type { FrameTransport } from "./transport.ts";
import { fromBase64 } from "./uploads.ts";
import { type DownloadFile, failureOf, problemOf, type SamplingQuestion, type WidgetHost } from "./widget-host.ts";

/** Keeps the timers of MCP SDKs alive while a user signs in. */
const progressEveryMs = 15_000;
const messageCharsMax = 20_000;
const contextCharsMax = 20_000;
const samplingTokensMax = 4000;
const downloadsMax = 10;

/** What is announced to a view at `ui/initialize`: exactly what this host does for it, as far as the host of the view's profile announces it too. */
export function capabilitiesOf(host: WidgetHost, view: Pick<WidgetView, "csp" | "permissions" | "profile">): McpUiHostCapabilities {
  const announced = hostViews[view.profile].capabilities.value;
  const having = <T extends object>(capability: AppCapability, told: T): Partial<T> => (announced.includes(capability) ? told : {});
  const popup = host.openAuthPopup === undefined ? {} : having("countersign/open-auth-popup", { "countersign/open-auth-popup": {} });
  return {
    ...having("openLinks", { openLinks: {} }),
    ...having("downloadFile", { downloadFile: {} }),
    ...having("serverTools", { serverTools: {} }),
    ...having("serverResources", { serverResources: {} }),
    ...having("logging", { logging: {} }),
    ...having("message", { message: { text: {} } }),
    ...(host.setContext === undefined ? {} : having("updateModelContext", { updateModelContext: { text: {}, structuredContent: {} } })),
    ...(host.sample === undefined ? {} : having("sampling", { sampling: {} })),
    sandbox: { permissions: view.permissions ?? {}, csp: view.csp ?? {} },
    experimental: { ...having("countersign/authorization", { "countersign/authorization": {} }), ...popup },
  };
}

/** Answers what a view may ask by MCP Apps 2026-01-26. Every tool call goes to the broker; nothing reaches a server in another way. */
export function serveApps(bridge: AppBridge, host: WidgetHost, transport: FrameTransport): void {
  serveCalls(bridge, host, transport);
  bridge.onreadresource = async ({ uri }) => valueOf<ReadResourceResult>(await host.readResource(uri), readResult);
  bridge.onlistresources = async (params) => valueOf<ListResourcesResult>(await host.listResources(params?.cursor), listResult);
  bridge.onopenlink = async ({ url }) => ((await host.openLink(url, { wayBack: false })) ? {} : { isError: true });
  bridge.ondownloadfile = async ({ contents }) => ((await download(host, contents)) ? {} : { isError: true });
  bridge.onmessage = async ({ content }) => {
    const text = textsOf(content).join("\n\n");
    if (text === "" || text.length > messageCharsMax) return { isError: true };
    return (await host.say(text, { scrollToBottom: true })) ? {} : { isError: true };
  };
  const { setContext, sample } = host;
  if (setContext !== undefined) {
    bridge.onupdatemodelcontext = async ({ content, structuredContent }) => {
      const text = [...textsOf(content ?? []), ...(structuredContent === undefined ? [] : [JSON.stringify(structuredContent)])].join("\n");
      if (text.length > contextCharsMax) throw new ProtocolError(-32602, "the context is too large");
      setContext(text);
      return {};
    };
  }
  if (sample !== undefined) {
    bridge.oncreatesamplingmessage = async (params) => {
      const question = questionOf(params);
      if (question === undefined) throw new ProtocolError(-32602, "only texts, at most 20 messages, and no tools");
      const answer = await sample(question);
      if (!answer.ok) throw errorOf(answer.error);
      const { model, text } = answer.value;
      return { role: "assistant", content: { type: "text", text }, model, stopReason: "endTurn" };
    };
  }
  bridge.onrequestdisplaymode = async ({ mode }) => ({ mode: host.requestDisplayMode(mode) });
  bridge.onrequestteardown = () => host.close();
  bridge.onloggingmessage = ({ level, logger, data }) => {
    const step = logger === ladderLogger ? readLadderStep(data) : undefined;
    if (step === undefined) console.debug("[widget]", level, data);
    else host.noteLadder(step);
  };
}

function serveCalls(bridge: AppBridge, host: WidgetHost, transport: FrameTransport): void {
  bridge.oncalltool = async (params, extra) => {
    const token = extra.mcpReq._meta?.progressToken;
    let progress = 0;
    const tick = (): void => {
      progress += 1;
      if (token !== undefined) void bridge.notification({ method: "notifications/progress", params: { progressToken: token, progress } });
    };
    const timer = setInterval(tick, progressEveryMs);
    try {
      const call = await host.callTool(params.name, params.arguments ?? {}, extra.mcpReq.signal);
      const result = call.result?.raw;
      if (isCallToolResult(result)) return result;
      const failure = failureOf(call);
      throw new ProtocolError(failure.code, failure.message, failure.data);
    } finally {
      clearInterval(timer);
      // A request that the view has cancelled gets no answer, but it is over only now.
      transport.release(extra.mcpReq.id);
    }
  };
  bridge.setRequestHandler("tools/list", { params: z.looseObject({}) }, async () => ({ tools: (await host.listTools()).map(describeTool) }));
}

/** A tool as MCP lists it. */
export function describeTool(tool: Tool): { name: string; title: string; description?: string; inputSchema: JsonObject & { type: "object" } } {
  const { name, title, description, inputSchema } = tool;
  return { name, title, ...(description === undefined ? {} : { description }), inputSchema: { ...inputSchema, type: "object" } };
}

function textsOf(content: readonly { readonly type: string }[]): readonly string[] {
  return content.flatMap((block) => (block.type === "text" && "text" in block && typeof block.text === "string" ? [block.text] : []));
}

// Judged loosely: what a server sent is handed on as it is, once it has the shape that the SDK's own types promise.
const readResult: z.ZodType<ReadResourceResult> = z.looseObject({
  contents: z.array(z.union([z.looseObject({ uri: z.string(), text: z.string() }), z.looseObject({ uri: z.string(), blob: z.string() })])).max(100),
});
const listResult: z.ZodType<ListResourcesResult> = z.looseObject({
  resources: z.array(z.looseObject({ uri: z.string(), name: z.string() })).max(1000),
  nextCursor: z.string().optional(),
});

function valueOf<T>(
  answer: { readonly ok: true; readonly value: JsonObject } | { readonly ok: false; readonly error: ApiProblem },
  shape: z.ZodType<T>,
): T {
  if (!answer.ok) throw errorOf(answer.error);
  const parsed = shape.safeParse(answer.value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError(-32000, "the server's answer has another shape", { code: "protocol_error", retryable: false });
}

function errorOf(problem: ApiProblem): ProtocolError {
  const { code, message, data } = problemOf(problem);
  return new ProtocolError(code, message, data);
}

function questionOf(params: CreateMessageRequest["params"]): SamplingQuestion | undefined {
  const messages = params.messages.map(({ role, content }) => {
    const blocks = Array.isArray(content) ? content : [content];
    return { role, text: blocks.every((block) => block.type === "text") ? textsOf(blocks).join("\n") : "" };
  });
  const bad = messages.length === 0 || messages.length > 20 || messages.some(({ text }) => text === "" || text.length > messageCharsMax);
  if (bad || params.tools !== undefined) return undefined;
  const maxTokens = Math.min(samplingTokensMax, Math.max(1, Math.floor(params.maxTokens)));
  return { messages, maxTokens, ...(params.systemPrompt === undefined ? {} : { systemPrompt: params.systemPrompt.slice(0, 4000) }) };
}

/** Files that came whole are saved; those of the app's own server are read first; web addresses are opened like any link. */
async function download(host: WidgetHost, contents: McpUiDownloadFileRequest["params"]["contents"]): Promise<boolean> {
  if (contents.length === 0 || contents.length > downloadsMax) return false;
  const files: DownloadFile[] = [];
  for (const content of contents) {
    if (content.type === "resource") {
      const file = fileOf(content.resource, undefined);
      if (file === undefined) return false;
      files.push(file);
    } else if (/^https?:/i.test(content.uri)) {
      if (!(await host.openLink(content.uri, { wayBack: false }))) return false;
    } else {
      const read = await host.readResource(content.uri);
      const parsed = read.ok ? readResult.safeParse(read.value) : undefined;
      const [first] = parsed?.data?.contents ?? [];
      const file = first === undefined ? undefined : fileOf(first, content.name);
      if (file === undefined) return false;
      files.push(file);
    }
  }
  return files.length === 0 || host.download(files);
}

function fileOf(resource: unknown, name: string | undefined): DownloadFile | undefined {
  if (!isJsonObject(resource) || typeof resource["uri"] !== "string") return undefined;
  const { uri, mimeType, text, blob } = resource;
  const type = typeof mimeType === "string" ? mimeType : "application/octet-stream";
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : typeof blob === "string" ? fromBase64(blob) : undefined;
  const last = uri.split(/[?#]/, 1)[0]?.split("/").at(-1) ?? "";
  return bytes === undefined ? undefined : { name: name ?? (last === "" ? "file" : last), type, bytes };
}

/** A result that may be passed on to a view. */
export function toolResultOf(raw: unknown): CallToolResult | undefined {
  return isCallToolResult(raw) ? raw : undefined;
}
