import type { HostProfile } from "@countersign/protocol/ladder";
import type { ElicitAnswer } from "@countersign/protocol/elicitation";
import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import type { NewFile, SamplingAnswer, SamplingQuestion } from "./bridge/widget-host.ts";
import { readTurn, type TurnRead } from "./chat.ts";
import type { SignInMode } from "./connector-settings.ts";
import { parseJson, readList, readText } from "./json.ts";
import { type Popup, readPopup, readReturn } from "./popup.ts";
import { readSession, type Session } from "./session.ts";
import {
  type Call,
  type CallOrigin,
  type Connector,
  type Flow,
  readCall,
  readConnector,
  readFlow,
  readTools,
  readWidget,
  type Tool,
  type WidgetView,
} from "./wire.ts";
import { readFile, type StoredFile } from "./stored-file.ts";
import { type CallTrace, readLadder, readTrace } from "./trace-wire.ts";
import type { LadderStep } from "@countersign/protocol/ladder";
import type { LadderNote } from "@countersign/protocol/trace-document";

/** Why the host did not do what was asked. `message` is for people. */
export interface ApiProblem {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** The call that ended so, where an answer says nothing else. */
  readonly callId?: string;
}

export type Answer<T> = Promise<Result<T, ApiProblem>>;

export interface CallRequest {
  readonly connectorId: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly origin: Exclude<CallOrigin, "model">;
  readonly widgetId?: string;
  readonly idempotencyKey?: string;
  readonly conversationId?: string;
}

/** Settings as the form writes them: a member that is left out is discovered, a secret that is left out stays as it is. */
export interface SettingsInput {
  readonly mode: SignInMode;
  readonly authorizationServer?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly tokenEndpointAuthMethod?: string;
  readonly scope?: string;
  readonly authorizeParameters?: Readonly<Record<string, string>>;
  readonly allowUnadvertisedPkce?: boolean;
  readonly omitResourceParameter?: boolean;
}

export interface NewConnector {
  readonly url: string;
  readonly name?: string;
  readonly settings: SettingsInput;
}

export interface ConnectorChange {
  readonly name?: string;
  readonly settings: SettingsInput;
}

/** A tool that a shown view offers to the model. */
export interface ViewTool {
  readonly widgetId: string;
  readonly name: string;
  readonly description: string;
  readonly inputSchema: unknown;
}

/** The console's own HTTP API, typed. Nothing throws: a lost connection is a problem like any other. */
export interface HostApi {
  readonly session: () => Answer<Session>;
  readonly tools: (connectorId: string) => Answer<readonly Tool[]>;
  readonly addConnector: (connector: NewConnector) => Answer<Connector>;
  readonly changeConnector: (connectorId: string, change: ConnectorChange) => Answer<Connector>;
  /** Begins a sign-in to the server itself, or gives the one that runs. */
  readonly signInConnector: (connectorId: string) => Answer<Flow>;
  readonly removeConnector: (connectorId: string) => Answer<void>;
  /** Agrees to a tool that has changed, as it was shown. */
  readonly agreeToTool: (connectorId: string, tool: string, digest: string) => Answer<void>;
  readonly chooseProfile: (profile: HostProfile) => Answer<void>;
  readonly signOut: (connectorId: string) => Answer<void>;
  readonly startCall: (request: CallRequest) => Answer<Call>;
  readonly call: (callId: string) => Answer<Call>;
  readonly cancelCall: (callId: string) => Answer<void>;
  readonly answerCall: (callId: string, round: number, answers: readonly ElicitAnswer[]) => Answer<Call>;
  readonly trace: (callId: string) => Answer<CallTrace>;
  /** Keeps what the view of a call said of a call of its own. Gives all that is kept. */
  readonly noteLadder: (callId: string, step: LadderStep) => Answer<readonly LadderNote[]>;
  readonly flow: (flowId: string) => Answer<Flow>;
  readonly cancelFlow: (flowId: string) => Answer<void>;
  /** Begins the sign-in on another device, or gives the one that runs. */
  readonly startDevice: (flowId: string) => Answer<Flow>;
  readonly createWidget: (request: { connectorId: string; resourceUri: string; callId: string }) => Answer<WidgetView>;
  readonly widget: (widgetId: string) => Answer<WidgetView>;
  readonly say: (message: string, conversationId: string, viewTools: readonly ViewTool[]) => Answer<void>;
  /** Stops the answer that the model gives to the user, in whatever conversation. */
  readonly stopAnswer: () => Answer<void>;
  /** What was told of the last turn of a conversation. */
  readonly turn: (conversationId: string) => Answer<TurnRead>;
  /** Gives what a shown view's own tool answered to the model. */
  readonly answerViewCall: (id: string, result: unknown) => Answer<void>;
  readonly saveWidgetState: (widgetId: string, state: string) => Answer<void>;
  readonly readResource: (widgetId: string, uri: string) => Answer<JsonObject>;
  readonly listResources: (widgetId: string, cursor: string | undefined) => Answer<JsonObject>;
  readonly addFile: (widgetId: string, file: NewFile) => Answer<StoredFile>;
  readonly files: (widgetId: string) => Answer<readonly StoredFile[]>;
  readonly linkFile: (widgetId: string, fileId: string) => Answer<string>;
  readonly openPopup: (widgetId: string, url: string) => Answer<Popup>;
  /** Waits up to 20 seconds for the window to come back. */
  readonly waitForPopup: (popupId: string) => Answer<"open" | Readonly<Record<string, string>>>;
  readonly sample: (widgetId: string, question: SamplingQuestion) => Answer<SamplingAnswer>;
}

/** Nothing came back, or not all of it. */
export const unreachable: ApiProblem = {
  code: "unreachable",
  message: "Countersign does not answer. Check that it is running, then try again.",
  retryable: true,
};
export const malformed: ApiProblem = {
  code: "malformed",
  message: "Countersign gave an answer that this page does not understand. Reload the page.",
  retryable: false,
};

/** Makes the client. `send` is `fetch` of the page; every request is same-origin and carries the session cookie. */
export function createApi(send: typeof fetch): HostApi {
  const ask = async <T>(method: string, path: string, body: unknown, read: (json: unknown) => T | undefined): Answer<T> => {
    const answer = await exchange(send, method, path, body);
    if (!answer.ok) return answer;
    const value = read(answer.value);
    return value === undefined ? err(malformed) : ok(value);
  };
  const tell = async (method: string, path: string, body?: unknown): Answer<void> => {
    const answer = await exchange(send, method, path, body);
    return answer.ok ? ok(undefined) : answer;
  };
  const id = encodeURIComponent;
  return {
    session: () => ask("GET", "/api/session", undefined, readSession),
    tools: (connectorId) => ask("GET", `/api/connectors/${id(connectorId)}/tools`, undefined, readTools),
    addConnector: (connector) => ask("POST", "/api/connectors", connector, readConnector),
    changeConnector: (connectorId, change) => ask("PATCH", `/api/connectors/${id(connectorId)}`, change, readConnector),
    signInConnector: (connectorId) => ask("POST", `/api/connectors/${id(connectorId)}/sign-in`, {}, readFlow),
    removeConnector: (connectorId) => tell("DELETE", `/api/connectors/${id(connectorId)}`),
    agreeToTool: (connectorId, tool, digest) => tell("POST", `/api/connectors/${id(connectorId)}/tools/agree`, { tool, digest }),
    chooseProfile: (profile) => tell("PUT", "/api/settings/profile", { profile }),
    signOut: (connectorId) => tell("POST", `/api/connectors/${id(connectorId)}/sign-out`, {}),
    startCall: async (request) => {
      const answer = await ask("POST", "/api/calls", request, readCall);
      const callId = answer.ok ? undefined : answer.error.callId;
      return callId === undefined ? answer : ask("GET", `/api/calls/${id(callId)}`, undefined, readCall);
    },
    call: (callId) => ask("GET", `/api/calls/${id(callId)}`, undefined, readCall),
    answerCall: (callId, round, answers) => ask("POST", `/api/calls/${id(callId)}/answers`, { round, answers }, readCall),
    cancelCall: (callId) => tell("POST", `/api/calls/${id(callId)}/cancel`, {}),
    trace: (callId) => ask("GET", `/api/calls/${id(callId)}/trace`, undefined, readTrace),
    noteLadder: (callId, step) =>
      ask("POST", `/api/calls/${id(callId)}/ladder`, step, (json) => (isJsonObject(json) ? readLadder(json["ladder"]) : undefined)),
    flow: (flowId) => ask("GET", `/api/flows/${id(flowId)}`, undefined, readFlow),
    cancelFlow: (flowId) => tell("POST", `/api/flows/${id(flowId)}/cancel`, {}),
    startDevice: (flowId) => ask("POST", `/api/flows/${id(flowId)}/device`, {}, readFlow),
    createWidget: (request) => ask("POST", "/api/widgets", request, readWidget),
    widget: (widgetId) => ask("GET", `/api/widgets/${id(widgetId)}`, undefined, readWidget),
    say: (message, conversationId, viewTools) =>
      tell("POST", "/api/chat", { message, conversationId, ...(viewTools.length === 0 ? {} : { viewTools }) }),
    stopAnswer: () => tell("POST", "/api/chat/stop", {}),
    turn: (conversationId) => ask("GET", `/api/chat/${id(conversationId)}`, undefined, readTurn),
    answerViewCall: (id, result) => tell("POST", `/api/view-calls/${encodeURIComponent(id)}`, { result }),
    ...createViewApi({ send, ask, tell }),
  };
}

interface Ways {
  readonly send: typeof fetch;
  readonly ask: <T>(method: string, path: string, body: unknown, read: (json: unknown) => T | undefined) => Answer<T>;
  readonly tell: (method: string, path: string, body?: unknown) => Answer<void>;
}

type ViewApi = Pick<
  HostApi,
  "saveWidgetState" | "readResource" | "listResources" | "addFile" | "files" | "linkFile" | "openPopup" | "waitForPopup" | "sample"
>;

/** What is asked in the name of a view. */
function createViewApi({ send, ask, tell }: Ways): ViewApi {
  const path = (widgetId: string, rest: string): string => `/api/widgets/${encodeURIComponent(widgetId)}/${rest}`;
  const anyObject = (json: unknown): JsonObject | undefined => (isJsonObject(json) ? json : undefined);
  return {
    saveWidgetState: (widgetId, state) => tell("PUT", path(widgetId, "state"), { state }),
    readResource: (widgetId, uri) => ask("POST", path(widgetId, "resources/read"), { uri }, anyObject),
    listResources: (widgetId, cursor) => ask("POST", path(widgetId, "resources/list"), cursor === undefined ? {} : { cursor }, anyObject),
    addFile: async (widgetId, file) => {
      const blob = new Blob([file.bytes], { type: file.type === "" ? "application/octet-stream" : file.type });
      const answer = await exchange(send, "POST", path(widgetId, `files?name=${encodeURIComponent(file.name)}`), blob);
      if (!answer.ok) return answer;
      const stored = readFile(answer.value);
      return stored === undefined ? err(malformed) : ok(stored);
    },
    files: (widgetId) =>
      ask("GET", path(widgetId, "files"), undefined, (json) => (isJsonObject(json) ? readList(json["files"], readFile, 50) : undefined)),
    linkFile: (widgetId, fileId) =>
      ask("POST", path(widgetId, "file-links"), { fileId }, (json) => (isJsonObject(json) ? readText(json["downloadUrl"]) : undefined)),
    openPopup: (widgetId, url) => ask("POST", path(widgetId, "popups"), { url }, readPopup),
    waitForPopup: (popupId) => ask("GET", `/api/popups/${encodeURIComponent(popupId)}?wait=20`, undefined, readReturn),
    sample: (widgetId, question) =>
      ask("POST", path(widgetId, "sampling"), question, (json) => {
        const text = isJsonObject(json) ? readText(json["text"], 200_000) : undefined;
        return text === undefined || !isJsonObject(json) ? undefined : { text, model: readText(json["model"], 200) ?? "" };
      }),
  };
}

/** One request and its JSON, unread; nothing throws. */
export async function exchange(send: typeof fetch, method: string, path: string, body: unknown, signal?: AbortSignal): Answer<unknown> {
  const headers = new Headers({ accept: "application/json" });
  const isFile = body instanceof Blob;
  if (body !== undefined) headers.set("content-type", isFile ? body.type : "application/json");
  try {
    const response = await send(path, {
      method,
      headers,
      body: body === undefined ? null : isFile ? body : JSON.stringify(body),
      // What a view keeps is sent even when the page is just being left.
      keepalive: method === "PUT",
      cache: "no-store",
      redirect: "error",
      signal: signal ?? null,
    });
    const json = parseJson(await response.text());
    if (response.ok) return ok(json);
    const callId = readText(response.headers.get("countersign-call"), 100);
    return err({ ...readProblem(json, response.status), ...(callId === undefined ? {} : { callId }) });
  } catch {
    return err(unreachable);
  }
}

/** Why the host refused, from its answer. */
export function readProblem(json: unknown, status: number): ApiProblem {
  if (!isJsonObject(json) || json["code"] === undefined) {
    return status >= 500 ? unreachable : { code: "refused", message: `The request was refused (${status}).`, retryable: false };
  }
  return {
    code: readText(json["code"], 100) ?? "refused",
    message: readText(json["error_description"], 500) ?? readText(json["message"], 500) ?? "The request was refused.",
    retryable: json["retryable"] === true,
  };
}
