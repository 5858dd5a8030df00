import { type IncomingMessage, request as forward, type Server, type ServerResponse } from "node:http";
import { listen, portOf } from "./listen.ts";

/** What to do with an answer that is about to go back to the caller. */
export type Fate = "deliver" | "drop";

/** A request as the proxy saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly authorization: string | undefined;
}

/** A plain HTTP proxy before one server, that can hold requests and answers, and lose answers after the server has done its work. */
export interface FaultProxy {
  readonly server: Server;
  readonly port: number;
  /** Awaited before each request goes on; one whose caller has left meanwhile never reaches the server. The default lets all pass. */
  admit: (request: SeenRequest) => void | Promise<void>;
  /** Asked for each answer with its request, and awaited; the default delivers. */
  decide: (request: SeenRequest) => Fate | Promise<Fate>;
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
    admit: () => undefined,
    decide: () => "deliver",
    dropped: () => dropped,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  const settle = async (seen: SeenRequest, answer: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    if ((await proxy.decide(seen)) === "deliver") {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      // A server that dies in the middle of an answer must not look like one that thinks.
      answer.on("close", () => answer.complete || outgoing.destroy());
      return;
    }
    dropped += 1;
    answer.resume();
    answer.on("close", () => outgoing.destroy());
  };
  const pass = async (incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Promise<void> => {
    const { method = "GET", url: path = "/", headers } = incoming;
    const seen: SeenRequest = { method, path, body: body.toString("utf8"), authorization: headers.authorization };
    await proxy.admit(seen);
    if (outgoing.closed) return;
    const onward = forward({ host: "127.0.0.1", port: target(), method, path, headers }, (answer) => void settle(seen, answer, outgoing));
    onward.on("error", () => outgoing.destroy());
    onward.end(body);
  };
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => void pass(incoming, Buffer.concat(chunks), outgoing));
  });
  return proxy;
}
