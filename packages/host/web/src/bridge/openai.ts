import type { BridgeMessage } from "@countersign/protocol/bridge";
import { member } from "@countersign/protocol/shape";
import type { Answer } from "../api.ts";
import { readNumber, readText } from "../json.ts";
import type { StoredFile } from "../stored-file.ts";
import { clampHeight } from "./size.ts";
import type { FrameTransport } from "./transport.ts";
import type { Uploads } from "./uploads.ts";
import { failureOf, problemOf, type WidgetHost } from "./widget-host.ts";

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
const urlMax = 8193;

export interface OpenAiServices {
  readonly host: WidgetHost;
  readonly uploads: Uploads;
  readonly transport: Pick<FrameTransport, "answer">;
  /** The view also speaks MCP Apps and reports its size there. */
  readonly ignoreMeasuredHeight: boolean;
}

/** Serves what the `window.openai` shim asks for, and the extensions that MCP Apps has no method for. */
export async function serveOpenAi(ask: Ask, services: OpenAiServices): Promise<void> {
  const { host, transport } = services;
  if (ask.kind === "request") {
    // Whatever goes wrong here, the view's promise must not hang.
    transport.answer(ask.id, await outcomeOf(ask.method, ask.params, services).catch(() => failed));
    return;
  }
  const height = clampHeight(member(ask.params, "height"));
  const counts = ask.method === "openai/notifyIntrinsicHeight" || (ask.method === "openai/measuredHeight" && !services.ignoreMeasuredHeight);
  if (counts && height !== undefined) host.resize(height);
}

type Serve = (params: unknown, services: OpenAiServices) => Promise<Outcome> | Outcome;

const methods: Readonly<Record<string, Serve>> = {
  "openai/callTool": async (params, { host }) => {
    const name = readText(member(params, "name"), 200);
    if (name === undefined) return invalidParams;
    const call = await host.callTool(name, member(params, "arguments") ?? {});
    return call.result === undefined ? { error: failureOf(call) } : { result: call.result.raw };
  },
  "openai/setWidgetState": async (params, { host }) =>
    (await host.saveState(member(params, "state")))
      ? { result: {} }
      : refused("The state was not kept: it is too large, or Countersign does not answer."),
  "openai/sendFollowUpMessage": async (params, { host }) => {
    const prompt = readText(member(params, "prompt"), textMax);
    if (prompt === undefined || prompt === "") return invalidParams;
    const taken = await host.say(prompt, { scrollToBottom: member(params, "scrollToBottom") !== false });
    return taken ? { result: {} } : refused("The message was not taken.");
  },
  "openai/requestDisplayMode": (params, { host }) => ({ result: { mode: host.requestDisplayMode(readText(member(params, "mode"), 20) ?? "") } }),
  "openai/openExternal": async (params, { host }) => {
    const href = readText(member(params, "href"), urlMax);
    if (href === undefined) return invalidParams;
    const opened = await host.openLink(href, { wayBack: member(params, "redirectUrl") !== false });
    return opened ? { result: {} } : refused("The link was not opened.");
  },
  "openai/setOpenInAppUrl": (params, { host }) => {
    const href = readText(member(params, "href"), urlMax);
    if (href === undefined) return invalidParams;
    return host.setOpenInApp(href) ? { result: {} } : refused("This address may not be opened.");
  },
  "openai/requestModal": async (params, { host }) => {
    const template = readText(member(params, "template"), 2048);
    const shown = await host.requestModal({ template, params: member(params, "params") ?? null });
    return shown ? { result: {} } : refused("The dialog was not shown.");
  },
  "openai/requestClose": (_, { host }) => {
    host.close();
    return { result: {} };
  },
  "openai/beginUpload": (params, { uploads }) => {
    const size = readNumber(member(params, "size"));
    const begun = size === undefined ? undefined : uploads.begin({ name: textOf(params, "name"), type: textOf(params, "type"), size });
    return begun === undefined ? refused("The file is empty, too large, or too many are on their way.") : { result: { uploadId: begun } };
  },
  "openai/appendUpload": async (params, { uploads }) => {
    const data = member(params, "data");
    const answer = typeof data === "string" ? await uploads.append(textOf(params, "uploadId"), data) : "unknown";
    if (answer === "more") return { result: {} };
    return answer === "unknown" ? invalidParams : outcomeOfFile(answer);
  },
  "openai/selectFiles": async (_, { host }) => ({ result: { files: (await host.selectFiles()).map(nameFile) } }),
  "openai/getFileDownloadUrl": async (params, { host }) => {
    const link = await host.linkFile(textOf(params, "fileId"));
    return link.ok ? { result: { downloadUrl: link.value } } : { error: problemOf(link.error) };
  },
  "countersign/open-auth-popup": async (params, { host }) => {
    const url = readText(member(params, "url"), urlMax);
    if (url === undefined) return invalidParams;
    if (host.openAuthPopup === undefined) return refused("The app declares no place that a window may come back from.");
    const back = await host.openAuthPopup(url);
    return back.ok ? { result: { parameters: back.value } } : { error: problemOf(back.error) };
  },
};

async function outcomeOf(method: string, params: unknown, services: OpenAiServices): Promise<Outcome> {
  const serve = Object.hasOwn(methods, method) ? methods[method] : undefined;
  return serve === undefined ? { error: { code: -32601, message: "Method not found" } } : serve(params, services);
}

function outcomeOfFile(answer: Awaited<Answer<StoredFile>>): Outcome {
  return answer.ok ? { result: nameFile(answer.value) } : { error: problemOf(answer.error) };
}

/** A file in the words of `window.openai`. */
function nameFile({ fileId, fileName, mimeType }: StoredFile): StoredFile {
  return { fileId, fileName, mimeType };
}

function textOf(params: unknown, name: string): string {
  return readText(member(params, name), 300) ?? "";
}

function refused(message: string): Outcome {
  return { error: { code: -32000, message, data: { code: "refused", message, retryable: false } } };
}
