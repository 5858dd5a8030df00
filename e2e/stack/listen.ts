import { createServer, type Server } from "node:http";

/** A server on a port that the system chose, listening before anybody needs to know its address. */
export function listen(): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** The TCP port of a listening server. */
export function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("the server listens on TCP");
  return address.port;
}
