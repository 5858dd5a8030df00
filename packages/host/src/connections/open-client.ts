import {
  Client,
  isJSONRPCResultResponse,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  isSpecType,
  type ClientCapabilities,
  type ClientOptions,
} from "@modelcontextprotocol/client";
import { hostClients } from "@countersign/protocol/host-profile-client";
import type { HostProfile } from "@countersign/protocol/ladder";
import { announcedUnder } from "@countersign/protocol/profile-call";
import { isJsonObject } from "@countersign/protocol/shape";
import type { DialBounds } from "@countersign/service/dial/dial";
import { currentExchange, exchangeFetch, scheduleResumption, type SdkFetch, sseFetches } from "./exchange.ts";
import type { StreamGate } from "./stream-gate.ts";

export interface OpenOptions {
  readonly url: URL;
  readonly bounds: DialBounds;
  readonly gate: StreamGate;
  /** Which host the server is to meet. */
  readonly profile: HostProfile;
}

/** An open connection of either transport. */
export interface OpenClient {
  readonly client: Client;
  /** What is spoken, such as `2025-11-25`. */
  readonly protocol: string;
  /** All answers come on one stream (HTTP+SSE): the connection ends with it, and what comes on it belongs to no exchange by itself. */
  readonly oneStream: boolean;
}

/** The first revision in which results say what they are. */
const firstTypedVersion = "2026-07-28";

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

async function openStreamable({ url, bounds, gate, profile }: OpenOptions): Promise<OpenClient> {
  const client = clientUnder(profile, (revision) => revision >= firstTypedVersion);
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: fetchUnder(profile, exchangeFetch(bounds, gate)),
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

async function openSse({ url, bounds, profile }: OpenOptions): Promise<OpenClient> {
  const client = clientUnder(profile, () => false);
  // The EventSource would connect again by itself, to a session that knows nothing of this one's requests.
  const fetches = sseFetches(bounds, () => void transport.close());
  const transport: SSEClientTransport = new SSEClientTransport(url, {
    fetch: fetchUnder(profile, fetches.send),
    eventSourceInit: { fetch: fetchUnder(profile, fetches.stream) },
  });
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

/** The SDK's client as the host of the profile is one: its name, what it offers, and the revisions that it speaks. `probes` says for which `server/discover` is asked. */
function clientUnder(profile: HostProfile, probes: (revision: string) => boolean): Client {
  const { clientInfo, revisions } = hostClients[profile];
  const options: ClientOptions = {
    versionNegotiation: { mode: revisions.value.some(probes) ? "auto" : "legacy" },
    supportedProtocolVersions: [...revisions.value],
    capabilities: capabilitiesUnder(profile),
  };
  return new Client(clientInfo.value, options);
}

function capabilitiesUnder(profile: HostProfile): ClientCapabilities {
  const announced = announcedUnder(profile);
  if (!isSpecType.ClientCapabilities(announced)) throw new TypeError(`the capabilities of ${profile} are none of MCP`);
  // The SDK's own check does not type this member.
  const { elicitation, ...others } = announced;
  return isJsonObject(elicitation) ? { ...others, elicitation: Object.fromEntries(Object.keys(elicitation).map((mode) => [mode, {}])) } : others;
}

/** The same fetch with the `User-Agent` of the host, where it is known. */
function fetchUnder(profile: HostProfile, send: SdkFetch): SdkFetch {
  const { value } = hostClients[profile].userAgent;
  if (value === null) return send;
  return (url, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set("user-agent", value);
    return send(url, { ...init, headers });
  };
}

/** A server of the old transport knows no POST at its address. Demands for sign-in and for patience are answers of a server that does. */
function mayBeOldTransport(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
}
