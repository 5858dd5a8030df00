import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";

export interface RunningServer {
  readonly origin: string;
  readonly server: Server;
  readonly close: () => Promise<void>;
}

/** Serves a fetch-style handler on a port of the system's choice. */
export async function listen(handler: (request: Request) => Promise<Response> | Response, hostname = "127.0.0.1"): Promise<RunningServer> {
  const listener = getRequestListener(handler, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve) => {
    server.listen(0, hostname, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        // A connection may arrive in the moment of closing; whoever made it, a host that has died among them, does not end it.
        const timer = setInterval(() => server.closeAllConnections(), 20);
        server.close(() => {
          clearInterval(timer);
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
