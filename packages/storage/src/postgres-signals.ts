import { Client, type ClientConfig, type Pool } from "pg";
import { SignalBus, type Signals } from "./signals.ts";
import { StorageError } from "./storage-error.ts";
import { translatePostgresError } from "./postgres-errors.ts";

const reconnectMs = 500;

/**
 * Signals over LISTEN/NOTIFY. One connection listens on one PostgreSQL channel per party, from the first subscription on; it comes back by itself after a break, and
 * what was sent in between is lost.
 */
export class PostgresSignals implements Signals {
  readonly #pool: Pool;
  readonly #settings: ClientConfig;
  readonly #channel: string;
  readonly #bus = new SignalBus();
  #listening: Promise<void> | undefined;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(pool: Pool, settings: ClientConfig, schema: string) {
    this.#pool = pool;
    this.#settings = settings;
    this.#channel = `countersign_${schema}`;
  }

  readonly notify = async (channel: string, payload: string): Promise<void> => {
    try {
      // A notification alone needs no synced commit: it does not survive a crash anyway.
      // The length tells channel from payload without escaping, which could outgrow PostgreSQL's 8000 bytes.
      const message = `${channel.length}:${channel}${payload}`;
      await this.#pool.query("select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)", [this.#channel, message]);
    } catch {
      // Lossy by contract: whoever waits polls too, and whoever sends has done its work already.
    }
  };

  readonly subscribe = async (channel: string, listener: (payload: string) => void): Promise<() => void> => {
    if (this.#closed) throw new StorageError("closed", "The database is closed.");
    const unsubscribe = this.#bus.subscribe(channel, listener);
    try {
      this.#listening ??= this.#startListening();
      await this.#listening;
    } catch (error) {
      this.#listening = undefined;
      unsubscribe();
      throw translatePostgresError(error);
    }
    return unsubscribe;
  };

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#listening?.catch(() => undefined);
    await this.#client?.end().catch(() => undefined);
  }

  async #startListening(): Promise<void> {
    const client = new Client({ ...this.#settings, statement_timeout: 0 });
    client.on("error", () => undefined);
    client.on("notification", ({ payload }) => this.#deliver(payload));
    client.once("end", () => this.#reconnect());
    this.#client = client;
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(this.#channel)}`);
  }

  #deliver(message = ""): void {
    // Anyone with access to the database may notify; what is not ours is ignored.
    const [, length, text] = /^(\d{1,3}):(.*)$/s.exec(message) ?? [];
    if (length !== undefined && text !== undefined) this.#bus.deliver(text.slice(0, Number(length)), text.slice(Number(length)));
  }

  #reconnect(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#listening = this.#startListening();
      this.#listening.catch(() => this.#reconnect());
    }, reconnectMs).unref();
  }
}
