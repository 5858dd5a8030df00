import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { KeepingProvider } from "./keeping-provider.ts";
import { connectPlainly } from "./plain-client.ts";

export type Send = (url: string | URL, init?: RequestInit) => Promise<Response>;

export interface CallResult {
  readonly isError: boolean;
  readonly content: unknown;
}

/** An MCP client that knows nothing of this product. A request that needs the user's word rejects, and the client has opened an address. */
export interface IndependentClient {
  listTools(): Promise<readonly string[]>;
  call(tool: string, args: Readonly<Record<string, unknown>>): Promise<CallResult>;
  readResource(uri: string): Promise<string>;
  getPrompt(name: string): Promise<string>;
  /** The authorization requests so far, which the user opens. */
  readonly opened: readonly URL[];
  /** Goes on with what the authorization server sent back. */
  finish(returned: URL): Promise<void>;
  /** The access token that it holds. */
  token(): Promise<string | undefined>;
  /** Makes it hold another one, as if its authorization server had issued it, or none. */
  hold(token: string | undefined, issuer: string): Promise<void>;
  close(): Promise<void>;
}

export type Connect = (url: string, redirectUrl: string, send: Send) => Promise<IndependentClient>;

/** Every kind of client, by name. */
export const independentClients: Readonly<Record<string, Connect>> = {
  "the official client v2 in revision 2026-07-28": (...given) => connectV2("auto", ...given),
  "the official client v2 in revision 2025-11-25": (...given) => connectV2("legacy", ...given),
  "the official client v1": connectV1,
  "a plain script in revision 2026-07-28": (...given) => connectPlainly("2026-07-28", ...given),
  "a plain script in revision 2025-11-25": (...given) => connectPlainly("2025-11-25", ...given),
};

const clientInfo = { name: "independent-client", version: "1.0.0" };

async function connectV2(mode: "auto" | "legacy", url: string, redirectUrl: string, send: Send): Promise<IndependentClient> {
  const provider = new KeepingProvider(redirectUrl);
  const client = new Client(clientInfo, { versionNegotiation: { mode } });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: provider, fetch: send });
  await client.connect(transport);
  return {
    ...holding(provider),
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => resultOf(await client.callTool({ name, arguments: { ...args } })),
    readResource: async (uri) => JSON.stringify((await client.readResource({ uri })).contents),
    getPrompt: async (name) => JSON.stringify((await client.getPrompt({ name })).messages),
    finish: (returned) => transport.finishAuth(returned.searchParams),
    close: () => client.close(),
  };
}

/** SDK v1 meets a demand for more scope by renewing the token that has too little, where it holds a refresh token; its app then keeps none. */
class AccessTokenProvider extends KeepingProvider {
  override saveTokens(tokens: { readonly access_token: string; readonly refresh_token?: string | undefined } | undefined): void {
    const { refresh_token: _left, ...kept } = tokens ?? {};
    super.saveTokens(tokens && kept);
  }
}

async function connectV1(url: string, redirectUrl: string, send: Send): Promise<IndependentClient> {
  const provider = new AccessTokenProvider(redirectUrl);
  const client = new ClientV1(clientInfo);
  const transport = new TransportV1(new URL(url), { authProvider: provider, fetch: send });
  await client.connect(transport);
  return {
    ...holding(provider),
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => resultOf(await client.callTool({ name, arguments: { ...args } })),
    readResource: async (uri) => JSON.stringify((await client.readResource({ uri })).contents),
    getPrompt: async (name) => JSON.stringify((await client.getPrompt({ name })).messages),
    finish: (returned) => transport.finishAuth(returned.searchParams.get("code") ?? ""),
    close: () => client.close(),
  };
}

function holding(provider: KeepingProvider): Pick<IndependentClient, "opened" | "token" | "hold"> {
  return {
    opened: provider.opened,
    token: async () => (await provider.tokens())?.access_token,
    hold: (token, issuer) =>
      Promise.resolve(provider.saveTokens(token === undefined ? undefined : { access_token: token, token_type: "Bearer", issuer })),
  };
}

function resultOf(result: Readonly<Record<string, unknown>>): CallResult {
  return { isError: result["isError"] === true, content: result["structuredContent"] };
}
