import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";

/** A peer that the test dials. */
export interface Peer {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves a fetch-style handler on a port of the system's choice. */
export async function listen(handler: (request: Request) => Promise<Response> | Response): Promise<Peer> {
  const listener = getRequestListener(handler, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
