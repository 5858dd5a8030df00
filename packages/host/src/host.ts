import { Places } from "@countersign/service/places";
import type { EpochMs } from "@countersign/protocol/brand";
import { refuse } from "@countersign/protocol/errors";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { err, ok } from "@countersign/protocol/result";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import { Instances } from "@countersign/storage/instances";
import type { Database } from "@countersign/storage/open";
import { Hono } from "hono";
import { ApiClients, bringsKey, embeddedUserId } from "./api-clients.ts";
import { AssertionKeys } from "./authorize/assertion-keys.ts";
import { ClientDocuments } from "./authorize/client-document.ts";
import { Clients } from "./authorize/clients.ts";
import { DeviceSignIn } from "./authorize/device.ts";
import { Discoverer } from "./authorize/discovery.ts";
import { Flows } from "./authorize/flows.ts";
import { Peers } from "./authorize/peers.ts";
import { Registrations } from "./authorize/registration.ts";
import { SignIn } from "./authorize/sign-in.ts";
import { StartLinks } from "./authorize/start-links.ts";
import { CallBroker } from "./call.ts";
import { Chat } from "./chat/chat.ts";
import { Connectors } from "./connectors.ts";
import { Reconnect } from "./connectors/reconnect.ts";
import { ConnectorRegistry } from "./connectors/registry.ts";
import { ConnectorSignIn } from "./connectors/sign-in.ts";
import { Events, type HostEvent, type Notice } from "./events.ts";
import { deleteExpiredRecords } from "./keep/sweep.ts";
import { watchSealer } from "./keep/watch-sealer.ts";
import { forgetUser } from "./forget-user.ts";
import { pollPlaces } from "./limits/places.ts";
import { Rates } from "./limits/rates.ts";
import { hostLimits, type HostLimits, type HostOptions } from "./options.ts";
import { createViewParts, type ViewParts } from "./resources/view-parts.ts";
import { addViewRoutes } from "./routes/views.ts";
import { ModelQuestions } from "./chat/model-questions.ts";
import { addCallRoutes } from "./routes/calls.ts";
import { addClientDocumentRoutes } from "./routes/client-documents.ts";
import { addConnectorRoutes, announceConnector, showConnectors, toConnectorView } from "./routes/connectors.ts";
import { openConsoleFiles, type ConsoleFiles } from "./routes/console-files.ts";
import { createDoor } from "./routes/guard.ts";
import { refuseOtherMethods, serveOperation } from "./routes/operation.ts";
import { apiDocument } from "./routes/openapi.ts";
import { readTurn, say, stopAnswer } from "./routes/chat-operations.ts";
import { addDoctorRoutes } from "./routes/doctor.ts";
import { deleteUser, operations, readSession } from "./routes/operations.ts";
import { addPlaceRoutes } from "./routes/places.ts";
import { addSettingsRoutes } from "./routes/settings.ts";
import type { SessionView } from "./routes/schemas/session.ts";
import { Profiles } from "./profiles.ts";
import { Sessions } from "./sessions.ts";
import { steadyClock } from "./steady-clock.ts";
import { Vault } from "./vault.ts";

/** A host without ports. */
export interface Host {
  /** The console's origin. */
  fetch(request: Request): Promise<Response>;
  /** The widgets' origins, all of them. */
  widgetFetch(request: Request): Promise<Response>;
  /** Ends what is overdue, and takes over what a process that is gone left behind. Runs by itself every few seconds. */
  sweep(): Promise<void>;
  /** Whether the database answers. */
  ready(): Promise<boolean>;
  /** Ends event streams and answers long polls, so that stopping need not wait for them. */
  stopWaiting(): void;
  /** Begins nothing new by itself, and lets the calls that run end, for at most so long; those that do not are as after a crash. */
  drain(ms: number): Promise<void>;
  close(): Promise<void>;
}

interface Parts {
  readonly keys: AssertionKeys;
  readonly documents: ClientDocuments;
  readonly apiClients: ApiClients;
  readonly rates: Rates;
  readonly database: Database<unknown>;
  readonly sessions: Sessions;
  readonly profiles: Profiles;
  readonly connectors: Connectors;
  readonly connectorSignIn: ConnectorSignIn;
  readonly reconnect: Reconnect;
  readonly events: Events;
  readonly vault: Vault;
  readonly flows: Flows;
  readonly signIn: SignIn;
  readonly device: DeviceSignIn;
  readonly startLinks: StartLinks;
  readonly views: ViewParts;
  readonly questions: ModelQuestions | undefined;
  readonly broker: CallBroker;
  readonly chat: Chat | undefined;
  readonly files: ConsoleFiles;
  readonly limits: HostLimits;
}

const noModel = refuse("not_found", "no model is configured");
const sweepEveryMs = 5000;
const sweepMinutes = 2;
/** Longer than any call lives on after its flow was due, so that a start finds everything that still waits. */
const sweepMinutesMax = 120;

/** Makes a host on an open database, takes over what an earlier process left, and starts its sweeping. */
export async function createHost(options: HostOptions): Promise<Host> {
  const clock = options.clock ?? steadyClock();
  const report = options.report ?? (() => {});
  const parts = assemble(options, clock, report);
  const app = routesOf(options, parts);
  await parts.events.follow((notice) => reread(parts, notice));
  const instances = new Instances(options.database, clock);
  let sweptAt = Number.NEGATIVE_INFINITY;
  const sweep = async (orphansAt: EpochMs): Promise<void> => {
    const now = clock();
    // A machine that slept, or a sweep that failed, leaves a gap to look back over.
    const minutes = Math.min(sweepMinutesMax, sweepMinutes + Math.ceil(Math.max(0, now - sweptAt) / 60_000));
    await sweepAll(parts, now, minutes, orphansAt);
    await instances.alive(options.sealer.keyId);
    sweptAt = now;
  };
  // An embedded database has one process, so at its start nobody else drives anything.
  const alone = options.database.dialect === "sqlite";
  if (alone) await parts.vault.dropLeases();
  const { soleUser } = options;
  if (soleUser !== undefined) await parts.broker.endLeft(embeddedUserId(soleUser.clientId, soleUser.user));
  await sweep(alone ? Number.MAX_SAFE_INTEGER : clock());
  let sweeping: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweep(clock()).catch((error: unknown) => report("sweep_failed", { error }));
  }, sweepEveryMs);
  timer.unref();
  return {
    fetch: async (request) => app.fetch(request),
    widgetFetch: (request) => parts.views.widgets.serve(request),
    sweep: () => sweep(clock()),
    ready: async () => (await parts.flows.get("readiness")) === undefined,
    stopWaiting: () => {
      parts.events.close();
      parts.broker.stopWaiting();
    },
    drain: async (ms) => {
      clearInterval(timer);
      await parts.broker.drain(ms);
    },
    close: async () => {
      clearInterval(timer);
      await sweeping;
      parts.reconnect.close();
      parts.events.close();
      await parts.chat?.close();
      parts.questions?.close();
      await parts.broker.close();
      await parts.device.close();
      await parts.connectors.close();
      await instances.gone();
      await options.database.close();
    },
  };
}

function assemble(options: HostOptions, clock: () => EpochMs, report: NonNullable<HostOptions["report"]>): Parts {
  const { database, publicUrl, widgetOrigin } = options;
  const audit = options.audit ?? (() => {});
  const sealer = watchSealer(options.sealer, audit);
  const limits = { ...hostLimits, ...options.limits };
  const local = isLoopbackUrl(new URL(publicUrl));
  const timeoutMs = limits.authorizationTimeoutMs;
  const events = new Events(database.signals);
  const rates = new Rates(clock, limits.rateFactor);
  const sessions = new Sessions(database, publicUrl.startsWith("https:"), clock, rates);
  const profiles = new Profiles(database, clock);
  const registry = new ConnectorRegistry({ database, sealer, preconfigured: options.connectors, localAllowed: local, clock });
  const keys = new AssertionKeys({ database, sealer, clock });
  const documents = new ClientDocuments(publicUrl, options.clientMetadataUrl);
  const registrations = new Registrations({ database, sealer, documents, timeoutMs, clock });
  const clients = new Clients({ configured: options.clients, keys, documents, registrations });
  const discoverer = new Discoverer({ clients, timeoutMs, clock });
  const peers = new Peers({ clients, connectors: registry, timeoutMs, clock });
  const vault = new Vault({ database, sealer, clock, peers });
  const connectors = new Connectors({ database, registry, vault, profiles, limits, clock });
  const flows = new Flows({ database, discoverer, clients, events, audit, report, flowMs: limits.flowMs, clock });
  const files = openConsoleFiles(options.consoleFolder, widgetOrigin);
  const place = { consoleOrigin: publicUrl, development: local };
  const shim = files.text("/openai-shim.js") ?? "";
  const configured = Object.keys(options.clients);
  const views = createViewParts({ database, sealer, connectors, vault, place, widgetOrigin, shim, configured, clock });
  const announce = async (userId: string, connectorId: string): Promise<void> => {
    const connector = await connectors.find(userId, connectorId);
    if (connector.ok) await announceConnector({ connectors, vault, events }, userId, connector.value);
  };
  connectors.onChange((userId, connectorId) => void announce(userId, connectorId).catch(() => {}));
  const reconnect = new Reconnect({ connectors, events, schedule: scheduleUnref, random: Math.random });
  connectors.onChange((userId, connectorId) => void reconnect.check(userId, connectorId).catch(() => {}));
  // Before the calls: those that waited for the server itself are to find it connected anew.
  const connectorSignIn = new ConnectorSignIn({ connectors, vault, flows, announce });
  const onToken = (userId: string, connectorId: string): void => void announce(userId, connectorId).catch(() => {});
  const signIn = new SignIn({ database, sealer, flows, vault, sessions, peers, publicUrl, clock, audit, onToken });
  const device = new DeviceSignIn({ database, sealer, flows, vault, peers, timeoutMs, clock, audit, report, onToken });
  const broker = new CallBroker({ ...views, database, sealer, connectors, vault, flows, events, limits, clock, audit, report });
  const { model } = options;
  const { viewTools } = views;
  const chat =
    model === undefined
      ? undefined
      : new Chat({ database, sealer, broker, connectors, events, model, viewTools, toolsAgeMs: limits.toolsAgeMs, clock });
  const apiClients = new ApiClients(options.apiClients ?? []);
  const startLinks = new StartLinks({ database, flows, connectors, signIn, sessions, apiClients, publicUrl, clock, audit, rates });
  const questions = model === undefined ? undefined : new ModelQuestions(model);
  const doors = { reconnect, keys, documents, apiClients, startLinks, rates, sessions, profiles };
  return { ...doors, database, connectors, connectorSignIn, events, vault, flows, signIn, device, views, broker, chat, questions, files, limits };
}

/** Later, unless the process ends before. */
function scheduleUnref(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}

function routesOf(options: HostOptions, parts: Parts): Hono {
  const app = new Hono();
  const polls = new Places(pollPlaces);
  const door = createDoor({ ...parts, publicUrl: options.publicUrl });
  app.get(readSession.path, ({ req }) => answerSession(req.raw, options, parts));
  addConnectorRoutes(app, { ...parts, door });
  addCallRoutes(app, { ...parts, widgets: parts.views.widgets, polls, door });
  addViewRoutes(app, { ...parts, ...parts.views, polls, door });
  addSettingsRoutes(app, { ...parts, door });
  addDoctorRoutes(app, { door, localAllowed: isLoopbackUrl(new URL(options.publicUrl)) });
  const { chat } = parts;
  serveOperation(app, door, say, ({ userId, body }) => chat?.say(userId, body.conversationId, body.message, body.viewTools) ?? err(noModel));
  serveOperation(app, door, stopAnswer, ({ userId }) => (chat === undefined ? err(noModel) : ok(chat.stop(userId))));
  serveOperation(app, door, readTurn, ({ userId, id }) => (chat === undefined ? err(noModel) : ok(chat.read(userId, id))));
  app.get("/api/openapi.json", () => new Response(apiDocument, { headers: { "content-type": "application/json", "cache-control": "no-cache" } }));
  serveOperation(app, door, deleteUser, async ({ userId }) => {
    await forgetUser(parts, userId);
    return ok({ deleted: true });
  });
  refuseOtherMethods(app, operations);
  addPlaceRoutes(app, { ...parts, ...parts.views });
  addClientDocumentRoutes(app, parts.documents, parts.keys);
  app.all("/api/*", () => respondRefusal(refuse("not_found")));
  app.get("*", ({ req }) => parts.files.serve(req.raw) ?? respondRefusal(refuse("not_found")));
  app.notFound(() => respondRefusal(refuse("not_found")));
  app.onError((error) => {
    options.report?.("request_failed", { error });
    return respondRefusal(refuse("internal_error"));
  });
  return app;
}

async function answerSession(request: Request, options: HostOptions, parts: Parts): Promise<Response> {
  const site = request.headers.get("sec-fetch-site");
  if (site === "cross-site" || site === "same-site") return respondRefusal(refuse("forbidden_origin"));
  if (bringsKey(request)) return respondRefusal(refuse("client_not_allowed", "a product's users have no session"));
  const opened = await parts.sessions.open(request);
  if (!opened.ok) return respondRefusal(refuse(opened.error.code, opened.error.detail), { "retry-after": String(opened.error.retryAfterS) });
  const { session, setCookie } = opened.value;
  const body: SessionView = {
    user: { id: session.userId },
    connectors: await showConnectors(parts, session.userId),
    widgetOrigin: options.widgetOrigin,
    profile: await parts.profiles.of(session.userId),
    ...(options.model === undefined ? {} : { model: { name: options.model.model } }),
  };
  return respondJson(200, body, setCookie === undefined ? {} : { "set-cookie": setCookie });
}

async function reread(parts: Parts, notice: Notice): Promise<HostEvent | undefined> {
  const { userId, type, id } = notice;
  if (type === "call") {
    const call = await parts.broker.reread(userId, id);
    return call === undefined ? undefined : { type, data: call };
  }
  if (type === "flow") {
    const flow = await parts.flows.view(id);
    return flow === undefined ? undefined : { type, data: flow };
  }
  if (type === "settings") return { type, data: { profile: await parts.profiles.of(userId) } };
  const connector = await parts.connectors.find(userId, id);
  return connector.ok ? { type, data: await toConnectorView(parts, userId, connector.value) } : undefined;
}

async function sweepAll(parts: Parts, now: EpochMs, minutes: number, orphansAt: EpochMs): Promise<void> {
  await parts.flows.sweep(minutes);
  await parts.broker.sweep(minutes, orphansAt);
  await parts.device.sweep(minutes, orphansAt, orphansAt > now ? Math.ceil(parts.limits.flowMs / 60_000) + 1 : 0);
  await deleteExpiredRecords(parts.database, now);
}
