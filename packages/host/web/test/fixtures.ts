import type { Call, Connector, Flow, FlowDevice, Tool } from "../src/wire.ts";

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
    removable: true,
    status: "connected",
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
    ...fields,
  };
}

/** The result of a call that succeeded. */
export function aResult(structuredContent: unknown = { orders: [] }): NonNullable<Call["result"]> {
  const raw = { content: [{ type: "text", text: "done" }], structuredContent };
  return { content: raw.content, structuredContent, meta: undefined, isError: false, raw };
}
