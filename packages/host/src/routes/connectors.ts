import { ok } from "@countersign/protocol/result";
import type { Hono } from "hono";
import { revokeToken } from "../authorize/token-endpoint.ts";
import type { ToolDefinition } from "../connections/tool-definition.ts";
import type { Connector, Connectors } from "../connectors.ts";
import type { Events } from "../events.ts";
import type { HostLimits } from "../options.ts";
import type { Vault } from "../vault.ts";
import { type Door, toPublicError } from "./guard.ts";
import { serveOperation } from "./operation.ts";
import { addConnector, listConnectors, listTools, readConnector, removeConnector, signOut } from "./operations.ts";
import { toSchemeView, type ConnectorView, type ToolView } from "./schemas/connectors.ts";

export interface ConnectorRoutes {
  readonly connectors: Connectors;
  readonly vault: Vault;
  readonly events: Events;
  readonly limits: HostLimits;
  readonly door: Door;
}

/** What a page is told of a connector: never a token, only that there is one and what it may do. */
export async function toConnectorView(
  routes: Pick<ConnectorRoutes, "connectors" | "vault">,
  userId: string,
  connector: Connector,
): Promise<ConnectorView> {
  const held = await routes.vault.find(userId, connector.resource);
  const { status, ...rest } = routes.connectors.status(userId, connector.id);
  return {
    id: connector.id,
    name: connector.name,
    url: connector.resource,
    mode: "mixed",
    removable: !connector.preconfigured,
    status,
    ...("error" in rest ? { error: toPublicError(rest.error) } : {}),
    ...(held === undefined ? {} : { token: { issuer: held.holder.issuer, scope: [...held.scope].toSorted(), expiresAt: held.expiresAt } }),
  };
}

/** Tells the user's pages how a connector stands now. */
export async function announceConnector(
  routes: Pick<ConnectorRoutes, "connectors" | "vault" | "events">,
  userId: string,
  connector: Connector,
): Promise<void> {
  routes.events.publish(userId, { type: "connector", data: await toConnectorView(routes, userId, connector) }, connector.id);
}

/** Connects in the background and tells the pages how it went. */
export function probeConnector(routes: Pick<ConnectorRoutes, "connectors" | "vault" | "events">, userId: string, connector: Connector): void {
  routes.connectors
    .probe(userId, connector)
    .then(() => announceConnector(routes, userId, connector))
    .catch(() => {});
}

/** `/api/connectors`. */
export function addConnectorRoutes(app: Hono, routes: ConnectorRoutes): void {
  const { connectors, door } = routes;
  serveOperation(app, door, listConnectors, async ({ userId }) => ok({ connectors: await showConnectors(routes, userId) }));
  serveOperation(app, door, addConnector, async ({ userId, body }) => {
    const added = await connectors.add(userId, body.url);
    if (!added.ok) return added;
    probeConnector(routes, userId, added.value);
    return ok(await toConnectorView(routes, userId, added.value));
  });
  serveOperation(app, door, readConnector, async ({ userId, id }) => {
    const connector = await connectors.find(userId, id);
    return connector.ok ? ok(await toConnectorView(routes, userId, connector.value)) : connector;
  });
  serveOperation(app, door, removeConnector, async ({ userId, id }) => {
    const removed = await connectors.remove(userId, id);
    if (!removed.ok) return removed;
    await forgetTokens(routes, userId, removed.value);
    return ok({ removed: true });
  });
  serveOperation(app, door, signOut, async ({ userId, id }) => {
    const connector = await connectors.find(userId, id);
    if (!connector.ok) return connector;
    await forgetTokens(routes, userId, connector.value);
    await announceConnector(routes, userId, connector.value);
    return ok(await toConnectorView(routes, userId, connector.value));
  });
  serveOperation(app, door, listTools, async ({ userId, id }) => {
    const connector = await connectors.find(userId, id);
    if (!connector.ok) return connector;
    const tools = await connectors.connection(userId, connector.value).tools(routes.limits.toolsAgeMs);
    return tools.ok ? ok({ tools: [...tools.value.values()].map(toToolView) }) : tools;
  });
}

/** The user's connectors as they stand; those that are not connected begin to connect. */
export async function showConnectors(
  routes: Pick<ConnectorRoutes, "connectors" | "vault" | "events">,
  userId: string,
): Promise<readonly ConnectorView[]> {
  const list = await routes.connectors.list(userId);
  for (const connector of list) {
    if (routes.connectors.status(userId, connector.id).status !== "connected") probeConnector(routes, userId, connector);
  }
  return Promise.all(list.map((connector) => toConnectorView(routes, userId, connector)));
}

/** Forgets the tokens at once; telling the issuer may take its time. */
async function forgetTokens(routes: ConnectorRoutes, userId: string, connector: Connector): Promise<void> {
  const removed = await routes.vault.remove(userId, connector.resource);
  for (const { peer, token } of removed) void revokeToken(peer, token);
}

function toToolView(tool: ToolDefinition): ToolView {
  const { name, title, description, inputSchema, annotations, visibility, schemes, resourceUri, invoking, invoked } = tool;
  return {
    name,
    title,
    description,
    inputSchema,
    annotations,
    visibility: [...visibility],
    security: schemes === undefined ? null : schemes.map(toSchemeView),
    ...(resourceUri === undefined ? {} : { resourceUri }),
    ...(invoking === undefined ? {} : { invoking }),
    ...(invoked === undefined ? {} : { invoked }),
  };
}
