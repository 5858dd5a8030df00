import type { Server } from "node:http";

/** Listens on a port that the system chooses, with connections kept as long as a party keeps them. Gives the origin. */
export async function listen(server: Server): Promise<string> {
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on a TCP port");
  return `http://127.0.0.1:${address.port}`;
}
