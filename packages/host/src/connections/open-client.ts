import {
  Client,
  isJSONRPCResultResponse,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type ClientCapabilities,
} from "@modelcontextprotocol/client";
import type { DialBounds } from "@countersign/service/dial/dial";
import { currentExchange, exchangeFetch, scheduleResumption, sseFetches } from "./exchange.ts";
import type { StreamGate } from "./stream-gate.ts";

export interface OpenOptions {
  readonly url: URL;
  readonly bounds: DialBounds;
  readonly gate: StreamGate;
}

/** An open connection of either transport. */
export interface OpenClient {
  readonly client: Client;
  /** What is spoken, such as `2025-11-25`. */
  readonly protocol: string;
  /** All answers come on one stream (HTTP+SSE): the connection ends with it, and what comes on it belongs to no exchange by itself. */
  readonly oneStream: boolean;
}

/** What this host offers to servers, in every era. */
const capabilities: ClientCapabilities = {
  elicitation: { form: {}, url: {} },
  extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
};

/** The first revision in which results say what they are. */
const firstTypedVersion = "2026-07-28";

const clientInfo = { name: "countersign", title: "Countersign", version: "0.1.0" };
const reconnectionOptions = { initialReconnectionDelay: 500, maxReconnectionDelay: 5000, reconnectionDelayGrowFactor: 2, maxRetries: 2 };

/**
 * Connects to a server in the newest era that both speak: `server/discover` of 2026-07-28 first, else the `initialize` handshake, and where a POST
 * is not taken at all, HTTP+SSE of 2024-11-05 (MCP transports, backwards compatibility). Rejects with what the last attempt that says something said.
 */
export async function openClient(options: OpenOptions): Promise<OpenClient> {
  try {
    return await openStreamable(options);
  } catch (error) {
    const exchange = currentExchange();
    const status = exchange?.status;
    if (exchange === undefined || !mayBeOldTransport(status)) throw error;
    try {
      return await openSse(options);
    } catch (sseError) {
      if (exchange.status === 401 || exchange.status === 403) throw sseError;
      exchange.status = status;
      throw error;
    }
  }
}

async function openStreamable({ url, bounds, gate }: OpenOptions): Promise<OpenClient> {
  const client = new Client(clientInfo, { versionNegotiation: { mode: "auto" }, capabilities });
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: exchangeFetch(bounds, gate),
    onInsufficientScope: "throw",
    reconnectionOptions,
    reconnectionScheduler: scheduleResumption,
  });
  await client.connect(transport, { timeout: bounds.timeoutMs });
  const protocol = client.getNegotiatedProtocolVersion() ?? "";
  if (protocol >= firstTypedVersion) assumeComplete(transport);
  return { client, protocol, oneStream: false };
}

/** A result that does not say what it is counts as complete (MCP 2026-07-28, result types), where the SDK would refuse it. */
function assumeComplete(transport: StreamableHTTPClientTransport): void {
  const deliver = transport.onmessage;
  transport.onmessage = (message) => {
    const typed =
      isJSONRPCResultResponse(message) && message.result["resultType"] === undefined
        ? { ...message, result: { ...message.result, resultType: "complete" } }
        : message;
    deliver?.(typed);
  };
}

async function openSse({ url, bounds }: OpenOptions): Promise<OpenClient> {
  const client = new Client(clientInfo, { versionNegotiation: { mode: "legacy" }, capabilities });
  // The EventSource would connect again by itself, to a session that knows nothing of this one's requests.
  const fetches = sseFetches(bounds, () => void transport.close());
  const transport: SSEClientTransport = new SSEClientTransport(url, { fetch: fetches.send, eventSourceInit: { fetch: fetches.stream } });
  let timer: NodeJS.Timeout | undefined;
  const { promise: late, reject } = Promise.withResolvers<never>();
  try {
    timer = setTimeout(() => reject(new Error("the stream named no endpoint in time")), bounds.timeoutMs);
    await Promise.race([client.connect(transport, { timeout: bounds.timeoutMs }), late]);
  } catch (error) {
    await transport.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return { client, protocol: `${client.getNegotiatedProtocolVersion() ?? ""} over HTTP+SSE`, oneStream: true };
}

/** A server of the old transport knows no POST at its address. Demands for sign-in and for patience are answers of a server that does. */
function mayBeOldTransport(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
}
