import { refuse, type Refusal } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { respondRefusal } from "@countersign/service/respond";
import type { Hono } from "hono";
import { z } from "zod";
import type { Flows } from "../authorize/flows.ts";
import type { CallBroker } from "../call.ts";
import type { Connectors } from "../connectors.ts";
import type { Events } from "../events.ts";
import type { Widgets } from "../resources/widgets.ts";
import { readBody, respond, waitMs, type Asking } from "./guard.ts";

export interface CallRoutes {
  readonly broker: CallBroker;
  readonly flows: Flows;
  readonly widgets: Widgets;
  readonly connectors: Connectors;
  readonly events: Events;
  readonly ask: (request: Request) => Promise<Result<Asking, Refusal>>;
}

const idText = z.string().min(1).max(100);

const newCall = z.strictObject({
  connectorId: idText,
  tool: z.string().min(1).max(128),
  arguments: z.record(z.string(), z.unknown()).default({}),
  origin: z.enum(["user", "widget"]),
  widgetId: idText.exactOptional(),
  idempotencyKey: z.string().min(8).max(200).exactOptional(),
});

const newWidget = z.strictObject({ connectorId: idText, resourceUri: z.string().startsWith("ui://").max(2048), callId: idText.exactOptional() });

/** `/api/calls`, `/api/flows`, `/api/widgets` and `/api/events`. */
export function addCallRoutes(app: Hono, routes: CallRoutes): void {
  const { broker, flows, ask } = routes;
  app.post("/api/calls", async ({ req: { raw: request } }) => {
    const asking = await ask(request);
    if (!asking.ok) return respondRefusal(asking.error);
    const body = await readBody(request, newCall);
    return body.ok ? respond(await broker.start({ userId: asking.value.session.userId, ...body.value }), 202) : respondRefusal(body.error);
  });
  app.get("/api/calls/:id", async ({ req }) => {
    const asking = await ask(req.raw);
    if (!asking.ok) return respondRefusal(asking.error);
    const { userId } = asking.value.session;
    const ms = waitMs(req.raw);
    return respond(ms === 0 ? await broker.read(userId, req.param("id")) : await broker.wait(userId, req.param("id"), ms, req.raw.signal));
  });
  app.get("/api/calls/:id/trace", async ({ req }) => {
    const asking = await ask(req.raw);
    if (!asking.ok) return respondRefusal(asking.error);
    const callId = req.param("id");
    return respond(await broker.trace(asking.value.session.userId, callId), 200, (steps) => ({ steps: steps.map((step) => ({ callId, ...step })) }));
  });
  app.post("/api/calls/:id/cancel", async ({ req }) => {
    const asking = await ask(req.raw);
    return asking.ok ? respond(await broker.cancel(asking.value.session.userId, req.param("id"))) : respondRefusal(asking.error);
  });
  app.post("/api/flows/:id/cancel", async ({ req }) => {
    const asking = await ask(req.raw);
    return asking.ok ? respond(await flows.cancel(asking.value.session.userId, req.param("id"))) : respondRefusal(asking.error);
  });
  addWidgetRoutes(app, routes);
  app.get("/api/events", async ({ req: { raw: request } }) => {
    const asking = await ask(request);
    if (!asking.ok) return respondRefusal(asking.error);
    const stream = routes.events.stream(asking.value.session.userId, request.signal);
    if (stream === undefined) return respondRefusal(refuse("rate_limited", "too many pages are open"));
    return new Response(stream, { headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" } });
  });
}

function addWidgetRoutes(app: Hono, { widgets, connectors, ask }: CallRoutes): void {
  app.post("/api/widgets", async ({ req: { raw: request } }) => {
    const asking = await ask(request);
    if (!asking.ok) return respondRefusal(asking.error);
    const { userId } = asking.value.session;
    const body = await readBody(request, newWidget);
    if (!body.ok) return respondRefusal(body.error);
    const connector = await connectors.find(userId, body.value.connectorId);
    if (!connector.ok) return respondRefusal(connector.error);
    return respond(await widgets.create(userId, connector.value, body.value.resourceUri, body.value.callId), 201);
  });
  app.get("/api/widgets/:id", async ({ req }) => {
    const asking = await ask(req.raw);
    return asking.ok ? respond(await widgets.read(asking.value.session.userId, req.param("id"))) : respondRefusal(asking.error);
  });
}
