import { createServer, type RequestListener, type Server } from "node:http";

/** A server on a port that the system chose. */
export interface Listening {
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

export async function listen(listener?: RequestListener, port = 0): Promise<Listening> {
  const server = createServer();
  if (listener !== undefined) server.on("request", listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    server,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An HTTP answer of JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export async function readAnswer(response: Response): Promise<JsonAnswer> {
  const body: unknown = await response.json();
  if (typeof body !== "object" || body === null) throw new Error("the answer is no object");
  return { status: response.status, body: { ...body } };
}
