import { ok } from "@countersign/protocol/result";
import type { Hono } from "hono";
import type { Profiles } from "../profiles.ts";
import { announceConnector, type ConnectorRoutes, probeConnector } from "./connectors.ts";
import { serveOperation } from "./operation.ts";
import { chooseProfile } from "./operations.ts";

export interface SettingsRoutes extends Pick<ConnectorRoutes, "connectors" | "vault" | "events" | "door"> {
  readonly profiles: Profiles;
}

/** `/api/settings`. */
export function addSettingsRoutes(app: Hono, routes: SettingsRoutes): void {
  const { profiles, events, door } = routes;
  serveOperation(app, door, chooseProfile, async ({ userId, body }) => {
    if (await profiles.choose(userId, body.profile)) {
      events.publish(userId, { type: "settings", data: body }, userId);
      await reconnectAll(routes, userId);
    }
    return ok(body);
  });
}

/** Another host may meet other tools, and may not get in at all. Calls that run end where they began. */
async function reconnectAll(routes: SettingsRoutes, userId: string): Promise<void> {
  for (const connector of await routes.connectors.list(userId)) {
    await routes.connectors.reconnect(userId, connector.id);
    await announceConnector(routes, userId, connector);
    probeConnector(routes, userId, connector);
  }
}
