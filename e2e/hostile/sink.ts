import { createSocket } from "node:dgram";
import type { Server } from "node:http";
import { listen, portOf } from "../stack/listen.ts";

/** Where one channel tries to lead data out to. Plain data, so that it can be handed to a document. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** An address at the sink that carries a secret. */
  readonly url: string;
}

/** What has arrived at one target since it was opened. */
export interface Hits {
  /** Requests over HTTP, WebSocket handshakes among them. */
  readonly http: number;
  /** TCP connections, also those that said nothing. */
  readonly tcp: number;
  /** UDP packets: STUN and QUIC. */
  readonly udp: number;
}

export const noHits: Hits = { http: 0, tcp: 0, udp: 0 };

/** The attacker's machine: a port of its own for each channel, so that even a connection without a word belongs to one. */
export interface Sink {
  /** Opens a port that listens on TCP and UDP, under the name `<name>.localhost`. */
  open(name: string): Promise<Target>;
  hits(target: Target): Hits;
  close(): Promise<void>;
}

interface Listener {
  hits: Hits;
  close(): Promise<void>;
}

/** Starts a sink. It answers every request, also one from another origin, as an attacker's server would. */
export function openSink(): Sink {
  const listeners = new Map<number, Listener>();
  return {
    open: async (name) => {
      const server = await listen();
      const port = portOf(server);
      listeners.set(port, await watch(server, port));
      const host = `${name}.localhost:${port}`;
      return { name, host, port, url: `http://${host}/${name}?secret=of-the-user` };
    },
    hits: ({ port }) => listeners.get(port)?.hits ?? noHits,
    close: async () => {
      for (const listener of listeners.values()) await listener.close();
      listeners.clear();
    },
  };
}

async function watch(server: Server, port: number): Promise<Listener> {
  const count = (kind: keyof Hits): void => {
    listener.hits = { ...listener.hits, [kind]: listener.hits[kind] + 1 };
  };
  const packets = createSocket("udp4", () => count("udp"));
  const listener: Listener = {
    hits: noHits,
    close: async () => {
      await new Promise<void>((resolve) => packets.close(() => resolve()));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => packets.bind(port, "127.0.0.1", resolve));
  server.on("connection", () => count("tcp"));
  server.on("upgrade", (_request, socket) => {
    count("http");
    socket.destroy();
  });
  server.on("request", (request, response) => {
    count("http");
    response.writeHead(200, { "content-type": typeOf(request.headers.accept), "access-control-allow-origin": "*", "cache-control": "no-store" });
    response.end("");
  });
  return listener;
}

/** Something that lets the browser go on: a script that is empty, or a page. */
function typeOf(accept: string | undefined): string {
  return accept?.includes("text/html") === true ? "text/html" : "text/javascript";
}
