import { type IncomingMessage, request as forward, type Server, type ServerResponse } from "node:http";
import { listen, portOf } from "./listen.ts";

/** What to do with an answer that is about to go back to the caller. */
export type Fate = "deliver" | "drop";

/** A plain HTTP proxy before one server, that can lose answers after the server has done its work. */
export interface FaultProxy {
  readonly server: Server;
  readonly port: number;
  /** Asked for each answer with the request's body; the default delivers. */
  decide: (request: { readonly method: string; readonly path: string; readonly body: string }) => Fate;
  /** How many answers were dropped. */
  readonly dropped: () => number;
  close(): void;
}

/** Starts the proxy; `target` is asked at each request, since the server behind may start later. */
export async function startFaultProxy(target: () => number): Promise<FaultProxy> {
  const server = await listen();
  let dropped = 0;
  const proxy: FaultProxy = {
    server,
    port: portOf(server),
    decide: () => "deliver",
    dropped: () => dropped,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      const { method = "GET", url: path = "/", headers } = incoming;
      const onward = forward({ host: "127.0.0.1", port: target(), method, path, headers }, (answer) => {
        if (proxy.decide({ method, path, body: body.toString("utf8") }) === "deliver") {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
          return;
        }
        dropped += 1;
        answer.resume();
        answer.on("end", () => incoming.socket.destroy());
      });
      onward.on("error", () => incoming.socket.destroy());
      onward.end(body);
    });
  });
  return proxy;
}
