import { setTimeout as delay } from "node:timers/promises";
import type { Secret } from "@countersign/protocol/secret";
import { hostClients } from "@countersign/protocol/host-profile-client";
import type { HostProfile } from "@countersign/protocol/ladder";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { type Client, ProtocolError } from "@modelcontextprotocol/client";
import type { DialBounds } from "@countersign/service/dial/dial";
import { currentExchange, Exchange, inExchange, type ServerMessage } from "./exchange.ts";
import { type OpenClient, openClient } from "./open-client.ts";
import { StreamGate } from "./stream-gate.ts";

/** A connection in the making or made. */
interface Opening {
  readonly client: Promise<OpenClient>;
  /** What was seen on the wire meanwhile. It is an exchange of its own: nothing of it is taken for an answer to the request that had to wait for it. */
  readonly by: Exchange;
  /** Whether the server keeps a session, which it may forget. Known once it is made. */
  hasSession: boolean;
}

/** A stream that nobody has used for so long is closed. */
const idleMs = 5 * 60_000;
const streamMsMax = 2000;
const streamLingerMs = 10_000;

/** The SDK's client for one server: opened when first used, again after the server forgot it, and anew after a reset; what runs ends on the one it began on. */
export class Link {
  readonly #url: URL;
  readonly #bounds: DialBounds;
  readonly #profile: HostProfile;
  readonly #gate = new StreamGate();
  readonly #listeners = new Set<(notification: ServerMessage) => void>();
  readonly #active = new Set<Exchange>();
  readonly #running = new Map<Client, number>();
  readonly #retired = new Set<Client>();
  #opening: Opening | undefined;
  #idle: NodeJS.Timeout | undefined;
  #protocol: string | undefined;

  constructor(url: URL, bounds: DialBounds, profile: HostProfile) {
    this.#url = url;
    this.#bounds = bounds;
    this.#profile = profile;
  }

  /** What is spoken, such as `2025-11-25`; undefined before the first connection. */
  get protocol(): string | undefined {
    return this.#protocol;
  }

  /** Runs `work` on an open client, as this exchange. */
  run<T>(exchange: Exchange, work: (client: Client) => Promise<T>): Promise<T> {
    return inExchange(exchange, async () => {
      this.#active.add(exchange);
      const opening = this.#open(exchange);
      try {
        return await this.#use(await this.#opened(exchange, opening), work);
      } catch (error) {
        // A session that the server has forgotten is answered with 404, and the request has not run.
        if (exchange.status !== 404 || !opening.hasSession) throw error;
        exchange.sent = false;
        if (this.#opening === opening) this.reset();
        return await this.#use(await this.#opened(exchange, this.#open(exchange)), work);
      } finally {
        this.#active.delete(exchange);
        this.#forgetSession(opening);
      }
    });
  }

  /** See {@link McpConnection.follow}. */
  follow(hear: (notification: ServerMessage) => void, bearer: Secret | undefined): () => void {
    const release = this.#gate.want(bearer);
    this.#listeners.add(hear);
    return () => {
      this.#listeners.delete(hear);
      release();
    };
  }

  /**
   * Holds the session's standing stream open for one call: servers may ask there what belongs to it (MCP 2025-11-25). `opened` resolves once the stream can carry
   * something, or nobody asks for one, or the server does not answer in time: a call is not held up for it.
   */
  holdStream(bearer: Secret | undefined): { opened(): Promise<void>; release(): void } {
    const release = this.#gate.want(bearer);
    return {
      opened: () => Promise.race([this.#gate.opened(), delay(streamMsMax, undefined, { ref: false })]),
      release: () => release(streamLingerMs),
    };
  }

  /** Hears every notification for as long as the link lives, without keeping any stream open for it. */
  onNotification(hear: (notification: ServerMessage) => void): void {
    this.#listeners.add(hear);
  }

  /** Begins anew with the next request. */
  reset(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    void this.#retire(opening);
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const opening = this.#opening;
    this.#opening = undefined;
    const open = await opening?.client.catch(() => undefined);
    await Promise.allSettled([...this.#retired, ...(open === undefined ? [] : [open.client])].map((client) => client.close()));
    this.#retired.clear();
  }

  /** A host that does not send the session's id back has another session for each request. */
  #forgetSession(opening: Opening): void {
    if (opening.hasSession && !hostClients[this.#profile].keepsSession.value && this.#opening === opening) this.reset();
  }

  /** The client, once it is connected; the exchange that waited for it shares its end. */
  #opened(exchange: Exchange, opening: Opening): Promise<OpenClient> {
    return opening.client.catch((error: unknown) => {
      exchange.adopt(opening.by);
      throw error;
    });
  }

  /** Connects with the token of the exchange that needs it first. */
  #open({ bearer }: Exchange): Opening {
    if (this.#opening !== undefined) return this.#opening;
    const by = new Exchange(bearer === undefined ? {} : { bearer });
    const opening: Opening = { client: inExchange(by, () => this.#connect()), by, hasSession: false };
    this.#opening = opening;
    const forget = (): void => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    opening.client.then((open) => {
      opening.hasSession = open.oneStream || open.client.transport?.sessionId !== undefined;
      open.client.onclose = forget;
    }, forget);
    return opening;
  }

  async #connect(): Promise<OpenClient> {
    const open = await openClient({ url: this.#url, bounds: this.#bounds, gate: this.#gate, profile: this.#profile });
    open.client.fallbackNotificationHandler = async (notification) => this.#hear(open, readMessage(notification));
    open.client.fallbackRequestHandler = async (request, context) => this.#answer(open, readMessage(request), context.mcpReq.signal);
    this.#protocol = open.protocol;
    return open;
  }

  async #use<T>(open: OpenClient, work: (client: Client) => Promise<T>): Promise<T> {
    const { client } = open;
    clearTimeout(this.#idle);
    this.#running.set(client, (this.#running.get(client) ?? 0) + 1);
    try {
      return await work(client);
    } finally {
      const others = (this.#running.get(client) ?? 1) - 1;
      if (others > 0) this.#running.set(client, others);
      else this.#running.delete(client);
      await this.#closeIfRetired(client);
      if (open.oneStream && this.#running.size === 0) this.#idle = setTimeout(() => this.reset(), idleMs).unref();
    }
  }

  async #retire(opening: Opening | undefined): Promise<void> {
    const open = await opening?.client.catch(() => undefined);
    if (open === undefined) return;
    this.#retired.add(open.client);
    await this.#closeIfRetired(open.client);
  }

  async #closeIfRetired(client: Client): Promise<void> {
    if (!this.#retired.has(client) || this.#running.has(client)) return;
    this.#retired.delete(client);
    await client.close().catch(() => {});
  }

  #hear(open: OpenClient, notification: ServerMessage): void {
    this.#exchangeOf(open)?.listener?.onNotification?.(notification);
    for (const hear of this.#listeners) hear(notification);
  }

  /**
   * A request on a stream that belongs to no exchange is put to the newest that listens: the protocol names none there, and all calls of a connection are the same
   * user's. Where nobody listens there is nobody to ask (MCP 2025-11-25: such requests belong to one of the client's).
   */
  async #answer(open: OpenClient, request: ServerMessage, signal: AbortSignal): Promise<JsonObject> {
    const exchange = this.#exchangeOf(open) ?? [...this.#active].findLast((active) => active.listener !== undefined);
    const answer = await exchange?.listener?.onServerRequest?.(request, signal);
    if (answer === undefined) throw new ProtocolError(-32601, "Method not found");
    return answer;
  }

  /** Whose message it is: that of the exchange whose stream it came on; on a stream that belongs to none, that of the only one that runs. */
  #exchangeOf(open: OpenClient): Exchange | undefined {
    const current = currentExchange();
    if (!open.oneStream && current !== undefined && this.#active.has(current)) return current;
    const [only, ...others] = this.#active;
    return others.length === 0 ? only : undefined;
  }
}

function readMessage(message: { readonly method: string; readonly params?: unknown }): ServerMessage {
  return { method: message.method, params: isJsonObject(message.params) ? message.params : {} };
}
