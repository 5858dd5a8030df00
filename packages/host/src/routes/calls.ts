import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { respondJson } from "@countersign/service/respond";
import type { Hono } from "hono";
import type { ApiClient } from "../api-clients.ts";
import type { DeviceSignIn } from "../authorize/device.ts";
import type { Flows } from "../authorize/flows.ts";
import type { StartLinks } from "../authorize/start-links.ts";
import type { CallBroker } from "../call.ts";
import { readHints } from "../call/hints.ts";
import type { Connectors } from "../connectors.ts";
import type { Reconnect } from "../connectors/reconnect.ts";
import type { Events } from "../events.ts";
import type { Profiles } from "../profiles.ts";
import type { Places } from "@countersign/service/places";
import type { Widgets } from "../resources/widgets.ts";
import { type Asking, type Door, sinceVersion, waitMs } from "./guard.ts";
import { serveOperation } from "./operation.ts";
import {
  answerCall,
  cancelCall,
  cancelFlow,
  createWidget,
  followEvents,
  makeLink,
  openQuestion,
  readCall,
  readFlow,
  readWidget,
  startCall,
  startDevice,
} from "./operations.ts";
import { noteLadder, readTrace } from "./trace-operations.ts";

export interface CallRoutes {
  readonly broker: CallBroker;
  readonly flows: Flows;
  readonly device: DeviceSignIn;
  readonly startLinks: StartLinks;
  readonly widgets: Widgets;
  readonly connectors: Connectors;
  /** Which host each user lets this one act out. */
  readonly profiles: Pick<Profiles, "of">;
  readonly events: Events;
  readonly reconnect: Reconnect;
  /** For requests that wait for a call. */
  readonly polls: Places;
  readonly door: Door;
}

/** `/api/calls`, `/api/flows`, `/api/widgets` and `/api/events`. */
export function addCallRoutes(app: Hono, routes: CallRoutes): void {
  const { broker, door, widgets } = routes;
  serveOperation(app, door, startCall, async ({ request, userId, client, body }) => {
    // Only a product's server can know that its model asked; a page could say anything.
    if (body.origin === "model" && client === undefined) return err(refuse("invalid_request", "origin: a page does not speak for a model"));
    const { conversationId, ...call } = body;
    const view = call.widgetId === undefined ? undefined : await widgets.belongings(userId, call.widgetId);
    const hints = {
      ...readHints(request),
      ...(conversationId === undefined ? {} : { conversation: conversationId }),
      ...(view?.ok === true ? { widgetSession: view.value.session } : {}),
    };
    const started = { userId, ...call, hints };
    const answer = await waiting(routes, { request, userId, client }, (ms) =>
      ms === 0 ? broker.start(started) : broker.startAndWait(started, ms, request.signal),
    );
    return answer.ok && answer.value.emptied === true ? respondJson(400, {}, { "countersign-call": answer.value.id }) : answer;
  });
  serveOperation(app, door, readCall, ({ id, ...asking }) =>
    waiting(routes, asking, (ms) => {
      const { request, userId } = asking;
      return ms === 0 ? broker.read(userId, id) : broker.wait(userId, id, { ms, signal: request.signal, since: sinceVersion(request) });
    }),
  );
  serveOperation(app, door, readTrace, async ({ userId, id: callId }) => {
    const trace = await broker.trace(userId, callId);
    return trace.ok ? ok({ steps: trace.value.steps.map((step) => ({ callId, ...step })), ladder: trace.value.ladder }) : trace;
  });
  serveOperation(app, door, noteLadder, async ({ userId, id, body }) => {
    const kept = await broker.noteLadder(userId, id, body);
    return kept.ok ? ok({ ladder: kept.value }) : kept;
  });
  serveOperation(app, door, answerCall, ({ userId, id, body }) => broker.answer(userId, id, body.round, body.answers));
  serveOperation(app, door, openQuestion, async ({ userId, id, body }) => {
    const address = await broker.visit(userId, id, body.round, body.item);
    return address.ok ? ok({ url: address.value }) : address;
  });
  serveOperation(app, door, cancelCall, ({ userId, id }) => broker.cancel(userId, id));
  addFlowRoutes(app, routes);
  addWidgetRoutes(app, routes);
  serveOperation(app, door, followEvents, ({ request, userId, client }) => {
    const stream = routes.events.stream(userId, request.signal, client?.id);
    if (stream === undefined) return err(refuse("rate_limited", "too many streams are open"));
    void routes.reconnect.watch(userId).catch(() => {});
    return new Response(stream, { headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" } });
  });
}

/** Answers with what `work` gives after at most the asked time; whoever waits takes a place meanwhile. */
async function waiting<T>(
  { polls }: CallRoutes,
  { request, userId, client }: Asking,
  work: (ms: number) => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> {
  const ms = waitMs(request);
  if (ms === 0) return work(0);
  const free = polls.take(userId, client?.id);
  return free === undefined ? err(refuse("rate_limited", "too many requests wait already")) : work(ms).finally(free);
}

function addFlowRoutes(app: Hono, { flows, device, startLinks, door }: CallRoutes): void {
  serveOperation(app, door, readFlow, async ({ userId, id }) => {
    const flow = await flows.own(userId, id);
    return flow === undefined ? err(refuse("not_found")) : ok(flow);
  });
  serveOperation(app, door, cancelFlow, ({ userId, id }) => flows.cancel(userId, id));
  serveOperation(app, door, startDevice, ({ userId, id }) => device.start(userId, id));
  serveOperation(app, door, makeLink, ({ userId, client, id, body }) =>
    client === undefined ? err(refuse("client_not_allowed")) : startLinks.make(client, userId, id, body.account),
  );
}

function addWidgetRoutes(app: Hono, { widgets, connectors, profiles, door }: CallRoutes): void {
  serveOperation(app, door, createWidget, async ({ userId, client, body }) => {
    const { connectorId, resourceUri, callId, pageOrigin } = body;
    const problem = judgePageOrigin(client, pageOrigin);
    if (problem !== undefined) return err(problem);
    const connector = await connectors.find(userId, connectorId);
    if (!connector.ok) return connector;
    // What a product shows on its own pages is no console, so nothing is acted out there.
    const shown = pageOrigin === undefined ? { profile: await profiles.of(userId) } : { pageOrigin };
    return widgets.create(userId, connector.value, resourceUri, { ...(callId === undefined ? {} : { callId }), ...shown });
  });
  serveOperation(app, door, readWidget, ({ userId, id }) => widgets.read(userId, id));
}

/** A product shows views on its own pages, the console on its own only. */
function judgePageOrigin(client: ApiClient | undefined, pageOrigin: string | undefined): Refusal | undefined {
  if (client === undefined)
    return pageOrigin === undefined ? undefined : refuse("invalid_request", "pageOrigin: views of the console are on its own pages");
  if (pageOrigin === undefined) return refuse("invalid_request", "pageOrigin: name the origin of the page that frames the view");
  return client.origins.includes(pageOrigin) ? undefined : refuse("forbidden_origin", "the page's origin is not configured for this product");
}
