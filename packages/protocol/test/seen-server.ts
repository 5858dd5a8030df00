import type { AuthorizationDocument, EraObservation, ServerObservation, ToolObservation, ViewObservation } from "../src/server-observation.ts";

/** Observations of a server that does all right, to vary. */
export const spoken: EraObservation = { seen: "spoken", session: false, body: "json", capabilities: [] };
export const protectedTool: ToolObservation = {
  name: "orders",
  scheme: "oauth2",
  scopes: [],
  declaredAt: ["top", "meta"],
  visibility: ["model", "app"],
  visibilityBy: "ui",
  view: "ui://a",
  readOnly: true,
};
export const openTool: ToolObservation = { ...protectedTool, name: "search", scheme: "noauth" };
export const asDocument: AuthorizationDocument = {
  clientIdMetadata: true,
  registration: true,
  iss: true,
  authMethods: ["none"],
  deviceGrant: false,
};
export const viewDocument: Extract<ViewObservation, { seen: "document" }> = {
  seen: "document",
  uri: "ui://a",
  mime: "mcp-app",
  bytes: 10,
  csp: "ui",
  frames: false,
  domain: false,
};

export function allEras(era: EraObservation): ServerObservation["eras"] {
  return { "2026-07-28": era, "2025-11-25": era, "2025-06-18": era, "2025-03-26": era, "2024-11-05": era, "HTTP+SSE": era };
}

export function listing(tools: readonly ToolObservation[]): ServerObservation["tools"] {
  return { seen: "listed", tools, firstPage: tools.length, complete: true, repeated: [] };
}

export const goodServer: ServerObservation = {
  url: "https://shop.example/mcp",
  scheme: "https",
  loopback: false,
  eras: allEras(spoken),
  transport: { stream: "refused", batch: "refused", sessionDemanded: undefined, foreignOrigin: "refused" },
  resourceMetadata: [
    {
      seen: "document",
      url: "https://shop.example/prm",
      judged: { resource: "https://shop.example/mcp", authorizationServers: ["https://id.example"] },
    },
  ],
  authorizationServers: [
    {
      issuer: "https://id.example",
      documents: [{ seen: "document", url: "https://id.example/.well-known/oauth-authorization-server", judged: asDocument }],
    },
  ],
  crossOrigin: {
    seen: "preflight",
    allowsOrigin: true,
    allowsHeaders: ["authorization", "content-type", "mcp-protocol-version"],
    exposesHeaders: ["www-authenticate"],
  },
  tools: listing([protectedTool, openTool]),
  protectedCall: { seen: "http", challenge: { status: 401, header: "bearer", scope: [] } },
  protectedCallOf: {},
  badToken: { seen: "challenged", challenge: { status: 401, header: "bearer", scope: [] } },
  views: [viewDocument],
};
