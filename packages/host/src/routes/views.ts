import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { readBytes } from "@countersign/service/body";
import { respondJson } from "@countersign/service/respond";
import type { Hono } from "hono";
import type { McpConnection } from "../connections/connection.ts";
import type { Connectors } from "../connectors.ts";
import type { Places } from "@countersign/service/places";
import type { AppReturns } from "../resources/app-returns.ts";
import { fileBytesMax, type Files } from "../resources/files.ts";
import type { ModelQuestions } from "../chat/model-questions.ts";
import type { ViewTools } from "../chat/view-tools.ts";
import type { WidgetStates } from "../resources/widget-states.ts";
import type { Widgets } from "../resources/widgets.ts";
import type { Sessions } from "../sessions.ts";
import { type Door, waitMs } from "./guard.ts";
import { serveOperation } from "./operation.ts";
import {
  addFile,
  answerViewCall,
  linkFile,
  listFiles,
  listWidgetResources,
  openPopup,
  readPopup,
  readWidgetResource,
  sample,
  writeWidgetState,
} from "./view-operations.ts";

export interface ViewRoutes {
  readonly widgets: Widgets;
  readonly states: WidgetStates;
  readonly widgetFiles: Files;
  readonly returns: AppReturns;
  readonly connectors: Connectors;
  readonly sessions: Sessions;
  readonly viewTools: ViewTools;
  readonly questions: ModelQuestions | undefined;
  readonly polls: Places;
  readonly door: Door;
}

/** `/api/widgets/:id/…`: what a page asks in the name of one of its user's views. */
export function addViewRoutes(app: Hono, routes: ViewRoutes): void {
  const { widgets, states, door, questions } = routes;
  serveOperation(app, door, writeWidgetState, async ({ userId, id, body }) => {
    const view = await widgets.belongings(userId, id);
    return view.ok ? states.write(userId, view.value.session, body.state) : view;
  });
  serveOperation(app, door, readWidgetResource, async ({ userId, id, body }) => {
    const connection = await connectionOf(routes, userId, id);
    return connection.ok ? connection.value.readResource(body.uri) : connection;
  });
  serveOperation(app, door, listWidgetResources, async ({ userId, id, body }) => {
    const connection = await connectionOf(routes, userId, id);
    return connection.ok ? connection.value.listResources(body.cursor) : connection;
  });
  serveOperation(app, door, sample, async ({ userId, id, body }) => {
    const view = await widgets.belongings(userId, id);
    if (!view.ok) return view;
    return questions === undefined ? err(refuse("not_found", "no model is configured")) : questions.ask(userId, body);
  });
  serveOperation(app, door, answerViewCall, ({ userId, id, body }) => routes.viewTools.answer(userId, id, body.result));
  addFileRoutes(app, routes);
  addPopupRoutes(app, routes);
}

function addFileRoutes(app: Hono, { widgets, widgetFiles, door }: ViewRoutes): void {
  serveOperation(app, door, addFile, async ({ userId, id, request }) => {
    const view = await widgets.belongings(userId, id);
    if (!view.ok) return view;
    const bytes = await readBytes(request, fileBytesMax);
    if (!bytes.ok) return bytes;
    const name = (new URL(request.url).searchParams.get("name") ?? "").slice(0, 300);
    return widgetFiles.add(userId, view.value.connectorId, { name, mediaType: request.headers.get("content-type"), bytes: bytes.value });
  });
  serveOperation(app, door, listFiles, async ({ userId, id }) => {
    const view = await widgets.belongings(userId, id);
    return view.ok ? ok({ files: await widgetFiles.list(userId, view.value.connectorId) }) : view;
  });
  serveOperation(app, door, linkFile, async ({ userId, id, body }) => {
    const view = await widgets.belongings(userId, id);
    const link = view.ok ? await widgetFiles.link(userId, view.value.connectorId, body.fileId) : view;
    return view.ok && link.ok
      ? ok({ downloadUrl: `${view.value.origin}/file/${link.value.token}` })
      : err(link.ok ? refuse("not_found") : link.error);
  });
}

function addPopupRoutes(app: Hono, { widgets, returns, sessions, polls, door }: ViewRoutes): void {
  serveOperation(app, door, openPopup, async ({ userId, id: widgetId, request, body }) => {
    const view = await widgets.belongings(userId, widgetId);
    if (!view.ok) return view;
    const { binding, setCookie } = sessions.bindBrowser(request);
    const begun = await returns.begin({ userId, widgetId, binding, linkDomains: view.value.linkDomains }, body.url);
    if (!begun.ok) return begun;
    return respondJson(openPopup.status, begun.value, setCookie === undefined ? {} : { "set-cookie": setCookie });
  });
  serveOperation(app, door, readPopup, async ({ userId, id, request }) => {
    const free = polls.take(userId, undefined);
    if (free === undefined) return err(refuse("rate_limited", "too many reads wait already"));
    return returns.wait(userId, id, waitMs(request), request.signal).finally(free);
  });
}

async function connectionOf({ widgets, connectors }: ViewRoutes, userId: string, widgetId: string): Promise<Result<McpConnection, Refusal>> {
  const view = await widgets.belongings(userId, widgetId);
  const connector = view.ok ? await connectors.find(userId, view.value.connectorId) : view;
  return connector.ok ? ok(await connectors.current(userId, connector.value)) : connector;
}
