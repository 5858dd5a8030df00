import { Agent, type IncomingMessage, request } from "node:http";

/** One HTTP request of a load. `path` with its query. */
export interface Outgoing {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `cookies`: as a `Cookie` header sends them back. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly cookies: string;
  /** Where a redirect leads; it is not followed. */
  readonly location: string | undefined;
}

/** A load that ran: `latenciesMs` from the first byte sent to the last byte read, one for each exchange. */
export interface LoadResult {
  readonly elapsedMs: number;
  readonly latenciesMs: readonly number[];
}

/** Connections kept open to one server. */
export interface Load {
  /** Sends what `next` gives, one exchange at a time on each connection, until it gives undefined. A reply that `accept` turns down ends the benchmark. */
  run(next: () => Outgoing | undefined, accept: (reply: Reply) => boolean): Promise<LoadResult>;
  send(outgoing: Outgoing): Promise<Reply>;
  close(): void;
}

/** Opens a closed-loop load of `connections` kept-alive connections to an origin. */
export function openLoad(origin: string, connections: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections, scheduling: "fifo" });
  const { hostname, port } = new URL(origin);
  const send = (outgoing: Outgoing): Promise<Reply> => exchange({ agent, hostname, port, outgoing });
  return {
    send,
    close: () => agent.destroy(),
    async run(next, accept) {
      const latenciesMs: number[] = [];
      const startedAt = performance.now();
      const loop = async (): Promise<void> => {
        for (let outgoing = next(); outgoing !== undefined; outgoing = next()) {
          const sentAt = performance.now();
          const reply = await send(outgoing);
          latenciesMs.push(performance.now() - sentAt);
          if (!accept(reply)) throw new Error(`${outgoing.method} ${outgoing.path}: unexpected reply ${reply.status} ${reply.body.slice(0, 300)}`);
        }
      };
      await Promise.all(Array.from({ length: connections }, loop));
      return { elapsedMs: performance.now() - startedAt, latenciesMs };
    },
  };
}

/** Gives the same request again and again until the time is over. */
export function repeatFor(durationMs: number, outgoing: () => Outgoing): () => Outgoing | undefined {
  const until = performance.now() + durationMs;
  return () => (performance.now() < until ? outgoing() : undefined);
}

/** Gives each request once, until the time is over or none is left. */
export function eachOnce(durationMs: number, requests: readonly Outgoing[]): () => Outgoing | undefined {
  const until = performance.now() + durationMs;
  let at = 0;
  return () => (performance.now() < until ? requests[at++] : undefined);
}

interface Target {
  readonly agent: Agent;
  readonly hostname: string;
  readonly port: string;
  readonly outgoing: Outgoing;
}

function exchange({ agent, hostname, port, outgoing }: Target): Promise<Reply> {
  const { method, path, body } = outgoing;
  const headers = { ...outgoing.headers, "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, method, path, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.once("end", () =>
        resolve({
          status: incoming.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          cookies: cookiesOf(incoming),
          location: incoming.headers.location,
        }),
      );
      incoming.once("error", reject);
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

function cookiesOf(incoming: IncomingMessage): string {
  return (incoming.headers["set-cookie"] ?? []).map((cookie) => cookie.split(";", 1)[0]).join("; ");
}
