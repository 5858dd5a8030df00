import type { Refusal } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import type { SecurityScheme } from "@countersign/protocol/security";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import type { Hono } from "hono";
import { z } from "zod";
import { revokeToken } from "../authorize/token-endpoint.ts";
import type { ToolDefinition } from "../connections/tool-definition.ts";
import type { Connector, Connectors } from "../connectors.ts";
import type { Events } from "../events.ts";
import type { HostLimits } from "../options.ts";
import type { Vault } from "../vault.ts";
import { readBody, respond, toPublicError, type Asking } from "./guard.ts";

export interface ConnectorRoutes {
  readonly connectors: Connectors;
  readonly vault: Vault;
  readonly events: Events;
  readonly limits: HostLimits;
  readonly ask: (request: Request) => Promise<Result<Asking, Refusal>>;
}

/** What a page is told of a connector: never a token, only that there is one and what it may do. */
export async function toConnectorView(routes: Pick<ConnectorRoutes, "connectors" | "vault">, userId: string, connector: Connector): Promise<unknown> {
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

const newConnector = z.strictObject({ url: z.string().min(1).max(2048) });

/** `/api/connectors`. */
export function addConnectorRoutes(app: Hono, routes: ConnectorRoutes): void {
  const { connectors, ask } = routes;
  app.post("/api/connectors", async ({ req: { raw: request } }) => {
    const asking = await ask(request);
    if (!asking.ok) return respondRefusal(asking.error);
    const { userId } = asking.value.session;
    const body = await readBody(request, newConnector);
    const added = body.ok ? await connectors.add(userId, body.value.url) : body;
    if (!added.ok) return respondRefusal(added.error);
    probeConnector(routes, userId, added.value);
    return respondJson(201, await toConnectorView(routes, userId, added.value));
  });
  app.delete("/api/connectors/:id", async ({ req }) => {
    const asking = await ask(req.raw);
    if (!asking.ok) return respondRefusal(asking.error);
    const { userId } = asking.value.session;
    const removed = await connectors.remove(userId, req.param("id"));
    if (removed.ok) await signOut(routes, userId, removed.value);
    return respond(removed, 200, () => ({ removed: true }));
  });
  app.post("/api/connectors/:id/sign-out", async ({ req }) => {
    const asking = await ask(req.raw);
    if (!asking.ok) return respondRefusal(asking.error);
    const { userId } = asking.value.session;
    const connector = await connectors.find(userId, req.param("id"));
    if (!connector.ok) return respondRefusal(connector.error);
    await signOut(routes, userId, connector.value);
    await announceConnector(routes, userId, connector.value);
    return respondJson(200, await toConnectorView(routes, userId, connector.value));
  });
  app.get("/api/connectors/:id/tools", async ({ req }) => {
    const asking = await ask(req.raw);
    if (!asking.ok) return respondRefusal(asking.error);
    const { userId } = asking.value.session;
    const connector = await connectors.find(userId, req.param("id"));
    if (!connector.ok) return respondRefusal(connector.error);
    const tools = await connectors.connection(userId, connector.value).tools(routes.limits.toolsAgeMs);
    return respond(tools, 200, (list) => ({ tools: [...list.values()].map(toToolView) }));
  });
}

/** Forgets the tokens at once; telling the issuer may take its time. */
async function signOut(routes: ConnectorRoutes, userId: string, connector: Connector): Promise<void> {
  const removed = await routes.vault.remove(userId, connector.resource);
  for (const { peer, token } of removed) void revokeToken(peer, token);
}

function toToolView(tool: ToolDefinition): unknown {
  const { name, title, description, inputSchema, annotations, visibility, schemes, resourceUri } = tool;
  return {
    name,
    title,
    description,
    inputSchema,
    annotations,
    visibility: [...visibility],
    security: schemes === undefined ? null : schemes.map(toSchemeView),
    ...(resourceUri === undefined ? {} : { resourceUri }),
  };
}

function toSchemeView(scheme: SecurityScheme): unknown {
  return scheme.type === "noauth" ? scheme : { type: scheme.type, scopes: [...scheme.scopes].toSorted() };
}
