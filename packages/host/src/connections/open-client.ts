import { Client, StreamableHTTPClientTransport, type ClientCapabilities } from "@modelcontextprotocol/client";
import type { DialBounds } from "../dial/dial.ts";
import { exchangeFetch } from "./exchange.ts";
import type { StreamGate } from "./stream-gate.ts";

export interface OpenOptions {
  readonly url: URL;
  readonly bounds: DialBounds;
  readonly gate: StreamGate;
}

/** What this host offers to servers, in every era. */
const capabilities: ClientCapabilities = {
  extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
};

const reconnectionOptions = { initialReconnectionDelay: 500, maxReconnectionDelay: 5000, reconnectionDelayGrowFactor: 2, maxRetries: 2 };

/** Connects to a server in the newest era that both speak: `server/discover` of 2026-07-28 first, else the `initialize` handshake. */
export async function openClient(options: OpenOptions): Promise<Client> {
  const { url, bounds, gate } = options;
  const client = new Client({ name: "countersign", title: "Countersign", version: "0.1.0" }, { versionNegotiation: { mode: "auto" }, capabilities });
  const transport = new StreamableHTTPClientTransport(url, { fetch: exchangeFetch(bounds, gate), onInsufficientScope: "throw", reconnectionOptions });
  await client.connect(transport, { timeout: bounds.timeoutMs });
  return client;
}
