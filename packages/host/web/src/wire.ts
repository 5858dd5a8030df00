import { defaultProfile, readProfile } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import { type Progress, readProgress } from "@countersign/protocol/progress";
import type { SecurityScheme } from "@countersign/protocol/security";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { type Asking, readAsking } from "./asking.ts";
import { type ConnectorSettings, readSettings } from "./connector-settings.ts";
import { type ToolChange, readToolChange } from "./tool-change.ts";
import { readList, readNumber, readText, readTexts, readTime } from "./json.ts";

/** What the console's own HTTP API answers, parsed once here into the values that everything else uses. Times are epoch milliseconds. */

export interface TokenHeld {
  readonly issuer: string;
  readonly scope: readonly string[];
  readonly expiresAt: number | undefined;
}

export interface Connector {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** What is in force now. */
  readonly mode: "mixed" | "full";
  readonly settings: ConnectorSettings;
  /** False for a connector that every user has from configuration. */
  readonly removable: boolean;
  readonly status: "connected" | "connecting" | "sign_in_required" | "failed";
  readonly protocol: string | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly token: TokenHeld | undefined;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  readonly inputSchema: JsonObject;
  readonly readOnly: boolean;
  readonly destructive: boolean;
  readonly visibility: ReadonlySet<"model" | "app">;
  readonly security: readonly SecurityScheme[] | undefined;
  readonly resourceUri: string | undefined;
  /** What differs from the tool that the user agreed to: it is paused until they agree again. */
  readonly changed: ToolChange | undefined;
  /** The server's words for while the tool runs and for after it. */
  readonly invoking: string | undefined;
  readonly invoked: string | undefined;
}

/** A sign-in that goes on on another device. `expired`: of this code; another one can be asked for. */
export interface FlowDevice {
  readonly state: "waiting" | "expired";
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  readonly expiresAt: number;
}

export interface Flow {
  readonly id: string;
  readonly connectorId: string;
  readonly issuer: string;
  readonly authorizationServerHost: string;
  readonly scope: readonly string[];
  readonly state: string;
  readonly startUrl: string | undefined;
  readonly expiresAt: number | undefined;
  /** Whether sign-in on another device is offered. */
  readonly offersDevice: boolean;
  readonly device: FlowDevice | undefined;
}

export interface CallError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

export interface CallResult {
  readonly content: readonly JsonObject[];
  readonly structuredContent: unknown;
  readonly meta: JsonObject | undefined;
  readonly isError: boolean;
  /** The result exactly as the server gave it, for widgets. */
  readonly raw: JsonObject;
}

export type CallOrigin = "user" | "widget" | "model";

export interface Call {
  readonly id: string;
  readonly connectorId: string;
  readonly tool: string;
  readonly origin: CallOrigin;
  readonly state: string;
  readonly flow: Flow | undefined;
  readonly result: CallResult | undefined;
  readonly error: CallError | undefined;
  readonly widgetId: string | undefined;
  /** The host that is acted out answers the view with HTTP 400 and `{}`: the error is for the user and the trace. */
  readonly emptied?: boolean;
  readonly createdAt: number | undefined;
  readonly asking?: Asking | undefined;
  /** How far the server says that it is. */
  readonly progress?: Progress | undefined;
  /** No window may open by itself for it: the user has just refused one of this connector. */
  readonly quiet?: boolean;
  /** Grows with every change of the call, when the server says it; an older one never replaces a newer one. */
  readonly version: number | undefined;
}

export interface WidgetView {
  readonly id: string;
  readonly resourceUri: string;
  readonly frameUrl: string;
  readonly html: string | undefined;
  readonly csp: JsonObject | undefined;
  readonly permissions: JsonObject | undefined;
  /** The host that is acted out for the view: what it may ask for, and what its frame may do. */
  readonly profile: HostProfile;
  readonly prefersBorder: boolean;
  /** What the app says that the view shows, for the model. */
  readonly description: string | undefined;
  /** Sources whose pages open without a question. */
  readonly linkDomains: readonly string[];
  /** What the widget kept, as JSON text. */
  readonly state: string | undefined;
}

const flowOpenStates: ReadonlySet<string> = new Set(["starting", "ready", "opened"]);
const callEndStates: ReadonlySet<string> = new Set([
  "completed",
  "failed",
  "refused",
  "denied",
  "cancelled",
  "expired",
  "flow_failed",
  "outcome_unknown",
]);

/** Whether a tool is made for the app's own views, and so nothing that a person looks for. */
export function isForViews(tool: Tool): boolean {
  return !tool.visibility.has("model");
}

/** Whether the user can still finish this flow in a window. */
export function isFlowOpen(flow: Flow): boolean {
  return flowOpenStates.has(flow.state);
}

/** Whether the call will not change any more. */
export function isCallEnded(call: Call): boolean {
  return call.result !== undefined || call.error !== undefined || callEndStates.has(call.state);
}

/** One connector, as the session, the list and `event: connector` carry it. */
export function readConnector(json: unknown): Connector | undefined {
  if (!isJsonObject(json)) return undefined;
  const id = readText(json["id"]);
  const url = readText(json["url"]);
  if (id === undefined || url === undefined) return undefined;
  const status = json["status"];
  return {
    id,
    url,
    name: readText(json["name"], 100) ?? url,
    mode: json["mode"] === "full" ? "full" : "mixed",
    settings: readSettings(json["settings"]),
    removable: json["removable"] !== false,
    status: status === "connected" || status === "failed" || status === "sign_in_required" ? status : "connecting",
    protocol: readText(json["protocol"], 100),
    error: readProblem(json["error"]),
    token: readToken(json["token"]),
  };
}

function readProblem(json: unknown): Connector["error"] {
  const message = isJsonObject(json) ? readText(json["message"], 500) : undefined;
  return message === undefined || !isJsonObject(json) ? undefined : { code: readText(json["code"], 100) ?? "internal_error", message };
}

function readToken(json: unknown): TokenHeld | undefined {
  if (!isJsonObject(json)) return undefined;
  return { issuer: readText(json["issuer"]) ?? "", scope: readScope(json["scope"]), expiresAt: readTime(json["expiresAt"]) };
}

function readScope(json: unknown): readonly string[] {
  return typeof json === "string" ? json.split(" ").filter((token) => token !== "") : readTexts(json, 100);
}

/** The tools of one connector. */
export function readTools(json: unknown): readonly Tool[] {
  return isJsonObject(json) ? readList(json["tools"], readTool) : [];
}

function readTool(json: unknown): Tool | undefined {
  if (!isJsonObject(json)) return undefined;
  const name = readText(json["name"], 200);
  if (name === undefined) return undefined;
  const annotations = isJsonObject(json["annotations"]) ? json["annotations"] : {};
  const visibility = readTexts(json["visibility"]).filter((v) => v === "model" || v === "app");
  return {
    name,
    title: titleGiven(json["title"], name) ?? titleGiven(annotations["title"], name) ?? titleOf(name),
    description: readText(json["description"], 2000)?.trim() || undefined,
    inputSchema: isJsonObject(json["inputSchema"]) ? json["inputSchema"] : {},
    readOnly: annotations["readOnlyHint"] === true,
    destructive: annotations["destructiveHint"] === true,
    visibility: new Set(json["visibility"] === undefined ? ["model", "app"] : visibility),
    security: Array.isArray(json["security"]) ? readList(json["security"], readScheme) : undefined,
    resourceUri: readText(json["resourceUri"]),
    changed: readToolChange(json["changed"]),
    invoking: readText(json["invoking"], 64),
    invoked: readText(json["invoked"], 64),
  };
}

/** A title that says more than the name. */
function titleGiven(value: unknown, name: string): string | undefined {
  const title = readText(value, 200)?.trim();
  return title === "" || title === name ? undefined : title;
}

function readScheme(json: unknown): SecurityScheme | undefined {
  if (!isJsonObject(json)) return undefined;
  if (json["type"] === "noauth") return { type: "noauth" };
  if (json["type"] === "oauth2") return { type: "oauth2", scopes: new Set(readScope(json["scopes"])) };
  return undefined;
}

/** `list_orders` as people read it: "List orders". */
export function titleOf(name: string): string {
  const words = name.replaceAll(/[_\-./]+/g, " ").trim();
  return words === "" ? name : words[0]?.toUpperCase() + words.slice(1);
}

/** A flow, alone or inside a call. */
export function readFlow(json: unknown): Flow | undefined {
  if (!isJsonObject(json)) return undefined;
  const id = readText(json["id"]);
  const state = readText(json["state"]);
  if (id === undefined || state === undefined) return undefined;
  const issuer = readText(json["issuer"]) ?? "";
  return {
    id,
    state,
    issuer,
    connectorId: readText(json["connectorId"]) ?? "",
    authorizationServerHost: readText(json["authorizationServerHost"]) ?? hostOf(issuer),
    scope: readScope(json["scope"]),
    startUrl: readText(json["startUrl"]),
    expiresAt: readTime(json["expiresAt"]),
    offersDevice: json["offersDevice"] === true,
    device: readDevice(json["device"]),
  };
}

function readDevice(json: unknown): FlowDevice | undefined {
  if (!isJsonObject(json)) return undefined;
  const userCode = readText(json["userCode"], 40);
  const verificationUri = readText(json["verificationUri"]);
  const expiresAt = readTime(json["expiresAt"]);
  if (userCode === undefined || verificationUri === undefined || expiresAt === undefined) return undefined;
  const verificationUriComplete = readText(json["verificationUriComplete"]);
  return { state: json["state"] === "expired" ? "expired" : "waiting", userCode, verificationUri, verificationUriComplete, expiresAt };
}

/** The host part of a URL as the address bar shows it; the text itself when it is no URL. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** A call, from an answer or from `event: call`. */
export function readCall(json: unknown): Call | undefined {
  if (!isJsonObject(json)) return undefined;
  const [id, tool, state] = [readText(json["id"]), readText(json["tool"]), readText(json["state"])];
  if (id === undefined || tool === undefined || state === undefined) return undefined;
  const origin = json["origin"];
  return {
    id,
    tool,
    state,
    connectorId: readText(json["connectorId"]) ?? "",
    origin: origin === "widget" || origin === "model" ? origin : "user",
    flow: readFlow(json["flow"]),
    result: readResult(json["result"]),
    error: readCallError(json["error"]),
    asking: readAsking(json["asking"]),
    quiet: json["quiet"] === true,
    widgetId: readText(json["widgetId"]),
    emptied: json["emptied"] === true,
    createdAt: readTime(json["createdAt"]),
    progress: readProgress(json["progress"]),
    version: readNumber(json["version"]),
  };
}

function readResult(json: unknown): CallResult | undefined {
  if (!isJsonObject(json)) return undefined;
  return {
    content: readList(json["content"], (item) => (isJsonObject(item) ? item : undefined), 200),
    structuredContent: json["structuredContent"],
    meta: isJsonObject(json["_meta"]) ? json["_meta"] : undefined,
    isError: json["isError"] === true,
    raw: json,
  };
}

function readCallError(json: unknown): CallError | undefined {
  if (!isJsonObject(json)) return undefined;
  return {
    code: readText(json["code"], 100) ?? "internal_error",
    message: readText(json["message"], 500) ?? "Something went wrong.",
    retryable: json["retryable"] === true,
  };
}

/** `POST /api/widgets` and `GET /api/widgets/:id`. */
export function readWidget(json: unknown): WidgetView | undefined {
  if (!isJsonObject(json)) return undefined;
  const id = readText(json["id"]);
  const frameUrl = readText(json["frameUrl"]);
  if (id === undefined || frameUrl === undefined) return undefined;
  return {
    id,
    resourceUri: readText(json["resourceUri"], 2048) ?? "",
    frameUrl,
    html: typeof json["html"] === "string" ? json["html"] : undefined,
    csp: isJsonObject(json["csp"]) ? json["csp"] : undefined,
    permissions: isJsonObject(json["permissions"]) ? json["permissions"] : undefined,
    profile: readProfile(json["profile"]) ?? defaultProfile,
    prefersBorder: json["prefersBorder"] !== false,
    description: readText(json["description"], 1000),
    linkDomains: readTexts(json["linkDomains"], 200),
    state: readText(json["state"], 65_536),
  };
}
