import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Hono } from "hono";
import { revokeToken } from "../authorize/token-endpoint.ts";
import type { Flows } from "../authorize/flows.ts";
import type { ToolDefinition } from "../connections/tool-definition.ts";
import type { Connector, Connectors } from "../connectors.ts";
import type { ToolChange } from "../connectors/pins.ts";
import { parseSettings, replaceSettings, viewSettings, type ConnectorSettings } from "../connectors/settings.ts";
import type { ConnectorSignIn } from "../connectors/sign-in.ts";
import type { Events } from "../events.ts";
import type { HostLimits } from "../options.ts";
import type { Vault } from "../vault.ts";
import { type Door, toPublicError } from "./guard.ts";
import { serveOperation } from "./operation.ts";
import {
  addConnector,
  agreeToTool,
  changeConnector,
  listConnectors,
  listTools,
  readConnector,
  removeConnector,
  signInConnector,
  signOut,
} from "./operations.ts";
import { toSchemeView, type ConnectorChange, type ConnectorView, type ToolChangeView, type ToolView } from "./schemas/connectors.ts";

export interface ConnectorRoutes {
  readonly connectors: Connectors;
  readonly connectorSignIn: ConnectorSignIn;
  readonly vault: Vault;
  readonly flows: Flows;
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
  const { status, error, protocol } = await routes.connectors.standing(userId, connector.id);
  return {
    id: connector.id,
    name: connector.name,
    url: connector.resource,
    mode: await routes.connectors.modeOf(userId, connector),
    settings: viewSettings(connector.settings),
    removable: !connector.preconfigured,
    status,
    ...(protocol === undefined ? {} : { protocol }),
    ...(error === undefined ? {} : { error: toPublicError(error) }),
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

/** Connects in the background; the pages are told when that changes how the connector stands. */
export function probeConnector({ connectors }: Pick<ConnectorRoutes, "connectors">, userId: string, connector: Connector): void {
  connectors.probe(userId, connector).catch(() => {});
}

/** `/api/connectors`. */
export function addConnectorRoutes(app: Hono, routes: ConnectorRoutes): void {
  const { connectors, door } = routes;
  serveOperation(app, door, listConnectors, async ({ userId }) => ok({ connectors: await showConnectors(routes, userId) }));
  serveOperation(app, door, addConnector, async ({ userId, body }) => {
    const settings = body.settings === undefined ? ok(undefined) : parseSettings(body.settings);
    const added = settings.ok ? await connectors.add(userId, { ...body, settings: settings.value }) : settings;
    if (!added.ok) return added;
    probeConnector(routes, userId, added.value);
    return ok(await toConnectorView(routes, userId, added.value));
  });
  serveOperation(app, door, readConnector, async ({ userId, id }) => {
    const connector = await connectors.find(userId, id);
    return connector.ok ? ok(await toConnectorView(routes, userId, connector.value)) : connector;
  });
  serveOperation(app, door, changeConnector, ({ userId, id, body }) => change(routes, userId, id, body));
  serveOperation(app, door, signInConnector, async ({ userId, id }) => {
    const connector = await connectors.find(userId, id);
    return connector.ok ? routes.connectorSignIn.begin(userId, connector.value) : connector;
  });
  serveOperation(app, door, removeConnector, async ({ userId, id }) => {
    const removed = await connectors.remove(userId, id);
    if (!removed.ok) return removed;
    await routes.flows.endOf(userId, id);
    await forgetTokens(routes, userId, removed.value);
    return ok({ removed: true });
  });
  serveOperation(app, door, signOut, async ({ userId, id }) => {
    const connector = await connectors.find(userId, id);
    if (!connector.ok) return connector;
    await forgetTokens(routes, userId, connector.value);
    await connectors.reconnect(userId, id);
    await announceConnector(routes, userId, connector.value);
    probeConnector(routes, userId, connector.value);
    return ok(await toConnectorView(routes, userId, connector.value));
  });
  serveOperation(app, door, listTools, async ({ userId, id }) => {
    const connector = await connectors.find(userId, id);
    if (!connector.ok) return connector;
    const tools = await (await connectors.current(userId, connector.value)).tools(routes.limits.toolsAgeMs);
    if (!tools.ok) return tools;
    const changes = await connectors.pins.changes(userId, id, tools.value.values());
    return ok({ tools: [...tools.value.values()].map((tool) => toToolView(tool, changes.get(tool.name))) });
  });
  serveOperation(app, door, agreeToTool, async ({ userId, id, body }) => {
    const connector = await connectors.find(userId, id);
    if (!connector.ok) return connector;
    const tools = await (await connectors.current(userId, connector.value)).tools(routes.limits.toolsAgeMs);
    if (!tools.ok) return tools;
    const tool = tools.value.get(body.tool);
    const agreed = tool === undefined ? err(refuse("unknown_tool")) : await connectors.pins.approve(userId, id, tool, body.digest);
    return agreed.ok ? ok({ agreed: true }) : agreed;
  });
}

/** The user's connectors as they stand; those that are not connected begin to connect. */
export async function showConnectors(routes: Pick<ConnectorRoutes, "connectors" | "vault">, userId: string): Promise<readonly ConnectorView[]> {
  const list = await routes.connectors.list(userId);
  for (const connector of list) {
    const { status } = await routes.connectors.standing(userId, connector.id);
    if (status !== "connected") probeConnector(routes, userId, connector);
  }
  return Promise.all(list.map((connector) => toConnectorView(routes, userId, connector)));
}

/** Changes name, mode or settings. A token stays, and a sign-in goes on, while it is of the issuer and the client that the settings name. */
async function change(routes: ConnectorRoutes, userId: string, id: string, body: ConnectorChange): Promise<Result<ConnectorView, Refusal>> {
  const { connectors, flows, vault } = routes;
  const before = await connectors.find(userId, id);
  if (!before.ok) return before;
  const old = before.value.settings;
  const input =
    body.settings === undefined ? undefined : replaceSettings(old, { ...body.settings, ...(body.mode === undefined ? {} : { mode: body.mode }) });
  if (input?.ok === false) return input;
  const settings = input?.value ?? (body.mode === undefined ? undefined : { ...old, mode: body.mode });
  if (before.value.preconfigured) return err(refuse("invalid_request", "this connector is part of the installation"));
  const changed = await connectors.update(userId, id, { name: body.name, settings });
  if (!changed.ok) return changed;
  // Sign-ins before tokens: what one of them stored until now is found with the others.
  await flows.endOf(userId, id, (flow) => fits(flow, settings ?? old));
  const held = await vault.find(userId, before.value.resource);
  // As the connector was before: only the client that the token was granted to can revoke it.
  if (held !== undefined && !fits({ issuer: held.holder.issuer, clientId: held.clientId }, settings ?? old)) {
    await forgetTokens(routes, userId, before.value);
  }
  await announceConnector(routes, userId, changed.value);
  if (settings !== undefined) probeConnector(routes, userId, changed.value);
  return ok(await toConnectorView(routes, userId, changed.value));
}

/** Whether a token or a sign-in is of the issuer and the client that the settings name, where they name any. */
function fits(grant: { readonly issuer: string; readonly clientId: string }, settings: ConnectorSettings | undefined): boolean {
  const { authorizationServer, clientId } = settings ?? {};
  return (authorizationServer ?? grant.issuer) === grant.issuer && (clientId ?? grant.clientId) === grant.clientId;
}

/** Forgets the tokens at once; telling the issuer may take its time. */
async function forgetTokens(routes: ConnectorRoutes, userId: string, connector: Connector): Promise<void> {
  const removed = await routes.vault.remove(userId, connector);
  for (const { peer, token } of removed) void revokeToken(peer, token);
}

function toToolView(tool: ToolDefinition, changed: ToolChange | undefined): ToolView {
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
    ...(changed === undefined ? {} : { changed: toChangeView(changed) }),
  };
}

function toChangeView({ digest, fields, before }: ToolChange): ToolChangeView {
  return { digest, fields, ...(before === undefined ? {} : { before }) };
}
