import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import { openDatabase, type Database } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { createHost, type Host } from "../../src/host.ts";
import type { HostOptions } from "../../src/options.ts";
import { checkAnswer } from "./document-check.ts";
import { StandInAuthorizationServer } from "./authorization-server.ts";
import { FaultyDatabase } from "./faulty-database.ts";
import { StandInMcpServer, type StandInTool } from "./mcp-server.ts";

export const consoleOrigin = "http://127.0.0.1:4100";

export interface FlowSeen {
  readonly id: string;
  readonly state: string;
  readonly startUrl: string;
  readonly scope: readonly string[];
  readonly issuer: string;
}

export interface AskingSeen {
  readonly style: string;
  readonly round: number;
  readonly again: boolean;
  readonly quiet: boolean;
  readonly items: readonly {
    readonly kind: string;
    readonly message: string;
    readonly visitUrl?: string | undefined;
    readonly opened?: boolean | undefined;
  }[];
}

export interface CallSeen {
  readonly id: string;
  readonly tool: string;
  readonly state: string;
  readonly rounds: number;
  readonly version: number;
  readonly queued?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly flow?: FlowSeen | undefined;
  readonly progress?: { readonly progress: number; readonly total?: number | undefined; readonly message?: string | undefined } | undefined;
  readonly asking?: AskingSeen | undefined;
  readonly result?: { readonly structuredContent?: unknown; readonly isError?: boolean | undefined } | undefined;
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean; readonly callId: string } | undefined;
}

const flowShape: z.ZodType<FlowSeen> = z.looseObject({
  id: z.string(),
  state: z.string(),
  startUrl: z.string(),
  scope: z.array(z.string()),
  issuer: z.string(),
});

const askingShape: z.ZodType<AskingSeen> = z.looseObject({
  style: z.string(),
  round: z.number(),
  again: z.boolean(),
  quiet: z.boolean(),
  items: z.array(z.looseObject({ kind: z.string(), message: z.string(), visitUrl: z.string().optional(), opened: z.boolean().optional() })),
});

export const callShape: z.ZodType<CallSeen> = z.looseObject({
  id: z.string(),
  tool: z.string(),
  state: z.string(),
  rounds: z.number(),
  version: z.number(),
  queued: z.boolean().optional(),
  quiet: z.boolean().optional(),
  flow: flowShape.optional(),
  progress: z.looseObject({ progress: z.number(), total: z.number().optional(), message: z.string().optional() }).optional(),
  asking: askingShape.optional(),
  result: z.looseObject({ structuredContent: z.unknown().optional(), isError: z.boolean().optional() }).optional(),
  error: z.looseObject({ code: z.string(), message: z.string(), retryable: z.boolean(), callId: z.string() }).optional(),
});

const sealingKey = new Secret(randomBytes(32).toString("base64url"));

export interface WorldOptions {
  readonly tools?: Record<string, StandInTool>;
  readonly databaseUrl?: string;
  readonly host?: Partial<HostOptions>;
  /** One open database for every process of this world, each of which can die; the test closes it. */
  readonly database?: Database<unknown>;
  /** Time stands still but for what the test moves. */
  readonly stoppedClock?: boolean;
}

/** What a page sees when the process behind its request dies. */
export class HostDied extends Error {}

interface RunningHost {
  readonly host: Host;
  readonly faults: FaultyDatabase | undefined;
}

/** A host with one server and one authorization server, all real but small, and a clock that a test can move. */
export class World {
  readonly authorizationServer: StandInAuthorizationServer;
  readonly server: StandInMcpServer;
  readonly #databaseUrl: string;
  readonly #overrides: Partial<HostOptions>;
  readonly #shared: Database<unknown> | undefined;
  readonly #stoppedAt: number | undefined;
  readonly #hosts: RunningHost[] = [];
  /** Chooses who answers the next request; the newest by default. */
  route: (hosts: readonly Host[]) => Host | undefined = (hosts) => hosts.at(-1);
  #database: Database<unknown> | undefined;
  readonly audit: { readonly event: string; readonly code?: string; readonly reason?: string }[] = [];
  offsetMs = 0;

  private constructor(authorizationServer: StandInAuthorizationServer, server: StandInMcpServer, options: WorldOptions) {
    this.authorizationServer = authorizationServer;
    this.server = server;
    this.#databaseUrl = options.databaseUrl ?? "memory:";
    this.#overrides = options.host ?? {};
    this.#shared = options.database;
    this.#stoppedAt = options.stoppedClock === true ? Date.now() : undefined;
    this.#database = options.database;
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const authorizationServer = await StandInAuthorizationServer.start();
    const server = await StandInMcpServer.start({
      issuers: [authorizationServer.origin],
      judgeToken: (token) => {
        const granted = authorizationServer.granted.get(token);
        return granted?.active === true ? granted.scope : undefined;
      },
      tools: options.tools ?? { browse: {}, list_orders: { demands: ["orders:read"] } },
    });
    const world = new World(authorizationServer, server, options);
    await world.startHost();
    return world;
  }

  /** The newest host. */
  get host(): Host {
    return this.#newest().host;
  }

  /** What the newest host writes, and where it dies: only with a shared database. */
  get faults(): FaultyDatabase {
    const { faults } = this.#newest();
    if (faults === undefined) throw new Error("the world has no shared database");
    return faults;
  }

  /** Hosts that have not died, the oldest first. */
  get hosts(): readonly Host[] {
    return this.#alive().map(({ host }) => host);
  }

  get database(): Database<unknown> {
    if (this.#database === undefined) throw new Error("the host is not running");
    return this.#database;
  }

  /** Asks the host that `route` chooses; an answer that leaves the API's document fails the test. Throws {@link HostDied} when the process behind it dies. */
  async fetch(request: Request): Promise<Response> {
    const response = await this.#serve(request);
    await checkAnswer(request, response);
    return response;
  }

  /** Starts a host on the same database file; an earlier one is left as it is, as after a crash. */
  async startHost(more: Partial<HostOptions> = {}): Promise<Host> {
    const faults = this.#shared === undefined ? undefined : new FaultyDatabase(this.#shared);
    const database = faults ?? (await openDatabase<unknown>({ url: this.#databaseUrl, schema: "host", migrations: [] }));
    this.#database = this.#shared ?? database;
    const host = await createHost({
      publicUrl: consoleOrigin,
      widgetOrigin: "http://{app}.localhost:4101",
      database,
      sealer: createSealer({ current: "k1", keys: { k1: sealingKey } }),
      connectors: [{ id: "store", name: "Store", url: this.server.url }],
      clients: { [this.authorizationServer.origin]: { clientId: "countersign-host" } },
      clock: () => (this.#stoppedAt ?? Date.now()) + this.offsetMs,
      audit: (event, fields) => void this.audit.push({ event, ...fields }),
      report: (event, fields) => {
        throw new Error(`${event}: ${String(fields["error"])}`);
      },
      ...this.#overrides,
      ...more,
    });
    this.#hosts.push({ host, faults });
    return host;
  }

  /** Stops the newest host in good order and starts another on the same database. */
  async restart(more: Partial<HostOptions> = {}): Promise<Host> {
    const { host } = this.#newest();
    await host.close();
    this.#hosts.pop();
    return this.startHost(more);
  }

  /**
   * What happens after a process has died: where others live they take its work over once its leases have ended; else a new process starts.
   */
  async survive(): Promise<void> {
    this.bury();
    const left = this.#alive();
    if (left.length === 0) await this.startHost();
    else {
      this.offsetMs += 121_000;
      for (const { host } of left) await host.sweep();
    }
  }

  /** The newest host's process is gone at once, with its connections; it does nothing more. */
  crash(): void {
    this.faults.die();
    this.bury();
  }

  /** Whether a host has died and nobody has noticed yet. */
  get hasUnburied(): boolean {
    return this.#hosts.some(({ faults }) => faults?.isDead === true);
  }

  /** Cuts the connections of hosts that have died. */
  bury(): void {
    for (const { host, faults } of this.#hosts) if (faults?.isDead === true) void host.close();
    const alive = this.#alive();
    this.#hosts.splice(0, this.#hosts.length, ...alive);
  }

  async #serve(request: Request): Promise<Response> {
    const alive = this.#alive();
    const host = this.route(alive.map((each) => each.host));
    const chosen = alive.find((each) => each.host === host);
    if (chosen === undefined) throw new HostDied("no host is running");
    const dies = chosen.faults?.died.then((point) => {
      throw new HostDied(`${point.when} ${point.write}`);
    });
    return dies === undefined ? chosen.host.fetch(request) : Promise.race([chosen.host.fetch(request), dies]);
  }

  #alive(): readonly RunningHost[] {
    return this.#hosts.filter(({ faults }) => faults?.isDead !== true);
  }

  #newest(): RunningHost {
    const newest = this.#hosts.at(-1);
    if (newest === undefined) throw new Error("the host is not running");
    return newest;
  }

  browser(): Browser {
    return new Browser(this);
  }

  /** A product's server with this API key, asking for this user of its own. */
  product(key: string, user: string): Product {
    return new Product(this, key, user);
  }

  async close(): Promise<void> {
    await Promise.all(this.#alive().map(({ host }) => host.close()));
    this.bury();
    await this.server.close();
    await this.authorizationServer.close();
  }
}

/** The server of a product that embeds the host, asking for one of its users. */
export class Product {
  readonly #world: World;
  readonly #key: string;
  readonly #user: string;
  readonly #held: Request[] = [];

  constructor(world: World, key: string, user: string) {
    this.#world = world;
    this.#key = key;
    this.#user = user;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${this.#key}`);
    if (!headers.has("countersign-user")) headers.set("countersign-user", this.#user);
    const request = new Request(new URL(path, consoleOrigin), { ...init, headers });
    // A request that is collected as garbage no longer passes its caller's abort on.
    if (init.signal !== undefined) this.#held.push(request);
    return this.#world.fetch(request);
  }

  post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  }

  async call(tool: string, args: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Promise<CallSeen> {
    const response = await this.post("/api/calls", { connectorId: "store", tool, arguments: args, origin: "user", ...more });
    return callShape.parse(await response.json());
  }

  /** Waits until the call is as wanted; every wait is a long poll, bounded. */
  async until(callId: string, wanted: (call: CallSeen) => boolean): Promise<CallSeen> {
    let query = "";
    for (let polls = 0; polls < 200; polls += 1) {
      const call = callShape.parse(await (await this.fetch(`/api/calls/${callId}${query}`)).json());
      query = `?wait=5&since=${call.version}`;
      if (wanted(call)) return call;
      if (isOver(call)) throw new Error(`the call is over: ${JSON.stringify(call)}`);
    }
    throw new Error("the call does not change");
  }

  parked(callId: string): Promise<CallSeen> {
    return this.until(callId, (call) => call.flow !== undefined);
  }

  settled(callId: string): Promise<CallSeen> {
    return this.until(callId, isOver);
  }
}

/** One browser: cookies, the console's origin, and a popup that follows redirects through the authorization server. */
export class Browser {
  readonly cookies: Map<string, string> = new Map();
  readonly #world: World;
  /** A request that is collected as garbage no longer passes its caller's abort on, so a stream's one is held. */
  readonly #held: Request[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookies.size > 0) headers.set("cookie", [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const request = new Request(new URL(path, consoleOrigin), { ...init, headers });
    if (init.signal !== undefined) this.#held.push(request);
    const response = await this.#world.fetch(request);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.cookies.set(name, value);
    }
    return response;
  }

  post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, {
      method: "POST",
      headers: { origin: consoleOrigin, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  /** Opens the console: a session, and its user's id. */
  async open(): Promise<string> {
    const response = await this.fetch("/api/session");
    return z.object({ user: z.object({ id: z.string() }) }).parse(await response.json()).user.id;
  }

  /** Makes a view of the store's widget; gives its id. */
  async openWidget(connectorId = "store"): Promise<string> {
    const response = await this.post("/api/widgets", { connectorId, resourceUri: "ui://shop/view.html" });
    return z.object({ id: z.string() }).parse(await response.json()).id;
  }

  async call(tool: string, args: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Promise<CallSeen> {
    const response = await this.post("/api/calls", { connectorId: "store", tool, arguments: args, origin: "user", ...more });
    return callShape.parse(await response.json());
  }

  async read(callId: string, waitS = 0): Promise<CallSeen> {
    const response = await this.fetch(`/api/calls/${callId}?wait=${waitS}`);
    return callShape.parse(await response.json());
  }

  /** Waits until the call is as wanted; every wait is a long poll, bounded. */
  async until(callId: string, wanted: (call: CallSeen) => boolean): Promise<CallSeen> {
    let call = await this.read(callId);
    for (let polls = 0; polls < 200 && !wanted(call); polls += 1) {
      if (isOver(call)) throw new Error(`the call is over: ${JSON.stringify(call)}`);
      call = await this.read(callId, 5);
    }
    return call;
  }

  /** The call once it waits for sign-in. */
  parked(callId: string): Promise<CallSeen> {
    return this.until(callId, (call) => call.flow !== undefined);
  }

  /** The call once its server asks the user something; of a later round than `after`. */
  asked(callId: string, after = 0): Promise<CallSeen> {
    return this.until(callId, (call) => call.asking !== undefined && call.asking.round > after);
  }

  /** Opens one of the addresses that the call asks for; gives where the host leads to. */
  async visit(call: CallSeen, index = 0): Promise<string> {
    const response = await this.fetch(call.asking?.items[index]?.visitUrl ?? "");
    return response.headers.get("location") ?? `${response.status}`;
  }

  answer(call: CallSeen, answers: readonly unknown[]): Promise<Response> {
    return this.post(`/api/calls/${call.id}/answers`, { round: call.asking?.round, answers });
  }

  settled(callId: string): Promise<CallSeen> {
    return this.until(callId, isOver);
  }

  /** Goes to the authorization server; gives where the popup would go next: the callback. */
  async visitAuthorizationServer(startUrl: string): Promise<string> {
    const started = await this.fetch(startUrl);
    const location = started.headers.get("location");
    if (location === null) throw new Error(`no redirect: ${started.status} ${await started.text()}`);
    const answered = await fetch(location, { redirect: "manual" });
    return answered.headers.get("location") ?? "";
  }

  /** The whole popup. */
  async signIn(startUrl: string): Promise<Response> {
    return this.fetch(await this.visitAuthorizationServer(startUrl));
  }

  /** Signs in through one call of a protected tool. */
  async signInBy(tool: string, args: Record<string, unknown> = {}): Promise<CallSeen> {
    const parked = await this.parked((await this.call(tool, args)).id);
    await this.signIn(parked.flow?.startUrl ?? "");
    return this.settled(parked.id);
  }

  /** Collects everything that the event stream says until `stop` is called. */
  async listen(): Promise<{ heard(): string; stop(): Promise<string> }> {
    const abort = new AbortController();
    const response = await this.fetch("/api/events", { signal: abort.signal });
    let heard = "";
    const reading = (async () => {
      for await (const chunk of response.body ?? []) heard += new TextDecoder().decode(chunk);
    })();
    return {
      heard: () => heard,
      stop: async () => {
        abort.abort();
        await reading.catch(() => {});
        return heard;
      },
    };
  }
}

function isOver(call: CallSeen): boolean {
  return call.state === "completed" || call.state === "failed" || call.state === "refused";
}
