import type { OpenAiGlobals } from "../src/bridge/globals.ts";
import type { WidgetHost } from "../src/bridge/widget-host.ts";
import type { Call, Connector, Flow, FlowDevice, Tool, WidgetView } from "../src/wire.ts";

/** A call of the store's connector, dispatched by the user; fields by name. */
export function aCall(fields: Partial<Call> = {}): Call {
  return {
    id: "call_1",
    connectorId: "store",
    tool: "list_orders",
    origin: "user",
    state: "dispatched",
    flow: undefined,
    result: undefined,
    error: undefined,
    widgetId: undefined,
    createdAt: 1000,
    version: undefined,
    ...fields,
  };
}

export function aFlow(fields: Partial<Flow> = {}): Flow {
  return {
    id: "flow_1",
    connectorId: "store",
    issuer: "http://localhost:4200",
    authorizationServerHost: "localhost:4200",
    scope: ["orders:read"],
    state: "ready",
    startUrl: "/flows/flow_1/start",
    expiresAt: 600_000,
    offersDevice: false,
    device: undefined,
    ...fields,
  };
}

export function aDevice(fields: Partial<FlowDevice> = {}): FlowDevice {
  return {
    state: "waiting",
    userCode: "WDJB-MJHT",
    verificationUri: "http://localhost:4200/device",
    verificationUriComplete: undefined,
    expiresAt: 300_000,
    ...fields,
  };
}

export function aConnector(fields: Partial<Connector> = {}): Connector {
  return {
    id: "store",
    name: "Harbour Goods",
    url: "http://127.0.0.1:4300/mcp",
    mode: "mixed",
    settings: {
      mode: "auto",
      authorizationServer: "",
      clientId: "",
      hasClientSecret: false,
      tokenEndpointAuthMethod: "",
      scope: "",
      authorizeParameters: {},
      allowUnadvertisedPkce: false,
      omitResourceParameter: false,
    },
    removable: true,
    status: "connected",
    protocol: undefined,
    error: undefined,
    token: undefined,
    ...fields,
  };
}

export function aTool(fields: Partial<Tool> = {}): Tool {
  return {
    name: "list_orders",
    title: "List orders",
    description: undefined,
    inputSchema: { type: "object" },
    readOnly: true,
    destructive: false,
    visibility: new Set(["model", "app"]),
    security: [{ type: "oauth2", scopes: new Set(["orders:read"]) }],
    resourceUri: undefined,
    changed: undefined,
    invoking: undefined,
    invoked: undefined,
    ...fields,
  };
}

/** The result of a call that succeeded. */
export function aResult(structuredContent: unknown = { orders: [] }): NonNullable<Call["result"]> {
  const raw = { content: [{ type: "text", text: "done" }], structuredContent };
  return { content: raw.content, structuredContent, meta: undefined, isError: false, raw };
}

/** A view of the store's widget. */
export function aView(fields: Partial<WidgetView> = {}): WidgetView {
  return {
    id: "w",
    resourceUri: "ui://shop/view.html",
    frameUrl: "http://abc.localhost:4101/frame/x",
    html: "<p>",
    csp: undefined,
    permissions: undefined,
    profile: "countersign",
    prefersBorder: true,
    description: undefined,
    linkDomains: [],
    state: undefined,
    ...fields,
  };
}

export const someGlobals: OpenAiGlobals = {
  toolInput: {},
  toolOutput: null,
  toolResponseMetadata: null,
  widgetState: null,
  theme: "light",
  displayMode: "inline",
  locale: "en",
  maxHeight: 600,
  safeArea: { insets: { top: 0, right: 0, bottom: 0, left: 0 } },
  userAgent: { device: { type: "desktop" }, capabilities: { hover: true, touch: false } },
  view: { mode: "inline" },
  "countersign/authorization": { connection: "signed_out", state: "idle" },
  "countersign/openAuthPopup": false,
};

const down = { ok: false, error: { code: "unreachable", message: "Nobody answers.", retryable: true } } as const;

/** A host that does nothing but what a test gives it. */
export function aHost(parts: Partial<WidgetHost> = {}): WidgetHost {
  return {
    callTool: () => Promise.resolve(aCall({ state: "failed" })),
    listTools: () => Promise.resolve([]),
    readResource: () => Promise.resolve(down),
    listResources: () => Promise.resolve(down),
    openLink: () => Promise.resolve(false),
    openAuthPopup: undefined,
    setOpenInApp: () => false,
    say: () => Promise.resolve(false),
    setContext: undefined,
    sample: undefined,
    download: () => Promise.resolve(false),
    uploadFile: () => Promise.resolve(down),
    selectFiles: () => Promise.resolve([]),
    linkFile: () => Promise.resolve(down),
    resize: () => {},
    requestDisplayMode: () => "inline",
    requestModal: () => Promise.resolve(false),
    close: () => {},
    saveState: () => Promise.resolve(true),
    globals: () => someGlobals,
    noteLadder: () => {},
    onViolation: () => {},
    ...parts,
  };
}
