import { z } from "zod";
import type { CallResult, IndependentClient, Send } from "./independent-client.ts";
import { officialClientId as clientId } from "./keeping-provider.ts";

/**
 * An MCP client in plain `fetch`, written from the specifications alone: Streamable HTTP of revision 2026-07-28 or of 2025-11-25, RFC 6750 and RFC 9728 for the
 * challenge, RFC 8414 for the authorization server, RFC 6749, RFC 7636, RFC 8707 and RFC 9207 for the sign-in.
 */
export type Revision = "2026-07-28" | "2025-11-25";

export async function connectPlainly(revision: Revision, url: string, redirectUrl: string, send: Send): Promise<IndependentClient> {
  const opened: URL[] = [];
  let held: string | undefined;
  let signIn: SignIn | undefined;
  const ask = async (method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const response = await post({ revision, url, send, token: held }, method, params);
    if (response.status !== 401 && response.status !== 403) return await readResult(response);
    await response.body?.cancel();
    signIn = await prepareSignIn(url, redirectUrl, response.headers.get("www-authenticate") ?? "", send);
    opened.push(signIn.authorizationUrl);
    throw new Error(`${method} needs the user's word`);
  };
  if (revision === "2025-11-25") {
    await ask("initialize", { protocolVersion: revision, capabilities: {}, clientInfo });
    await (await post({ revision, url, send, token: held }, "notifications/initialized", {})).body?.cancel();
  } else {
    await ask("server/discover", {});
  }
  return {
    opened,
    listTools: async () =>
      z
        .object({ tools: z.array(z.object({ name: z.string() })) })
        .parse(await ask("tools/list", {}))
        .tools.map(({ name }) => name),
    call: async (name, args) => callShape.parse(await ask("tools/call", { name, arguments: args })),
    readResource: async (uri) => JSON.stringify(z.object({ contents: z.unknown() }).parse(await ask("resources/read", { uri })).contents),
    getPrompt: async (name) => JSON.stringify(z.object({ messages: z.unknown() }).parse(await ask("prompts/get", { name })).messages),
    finish: async (returned) => {
      if (signIn === undefined) throw new Error("nobody was asked for anything");
      held = await redeem(signIn, url, redirectUrl, returned, send);
    },
    token: () => Promise.resolve(held),
    hold: (token) => {
      held = token;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

const clientInfo = { name: "plain-script", version: "1.0.0" };

const callShape = z
  .object({ isError: z.boolean().optional(), structuredContent: z.unknown() })
  .transform((result): CallResult => ({ isError: result.isError === true, content: result.structuredContent }));

interface Dial {
  readonly revision: Revision;
  readonly url: string;
  readonly send: Send;
  readonly token: string | undefined;
}

function post({ revision, url, send, token }: Dial, method: string, params: Readonly<Record<string, unknown>>): Promise<Response> {
  const isModern = revision === "2026-07-28";
  const name = params["name"] ?? params["uri"];
  const reserved = "io.modelcontextprotocol/";
  const meta = { [`${reserved}protocolVersion`]: revision, [`${reserved}clientInfo`]: clientInfo, [`${reserved}clientCapabilities`]: {} };
  const id = method.startsWith("notifications/") ? {} : { id: 1 };
  return send(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(method === "initialize" ? {} : { "mcp-protocol-version": revision }),
      ...(isModern ? { "mcp-method": method, ...(typeof name === "string" ? { "mcp-name": name } : {}) } : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", ...id, method, params: isModern ? { ...params, _meta: meta } : params }),
  });
}

const messageShape = z.object({ result: z.unknown().optional(), error: z.object({ code: z.number(), message: z.string() }).optional() });

/** The answer of a JSON body, or of the last event of a stream. */
async function readResult(response: Response): Promise<unknown> {
  const text = await response.text();
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const data = isStream ? [...text.matchAll(/^data: (\{.*)$/gm)].at(-1)?.[1] : text;
  const { result, error } = messageShape.parse(JSON.parse(data ?? ""));
  if (error !== undefined) throw new Error(`${error.code} ${error.message}`);
  return result;
}

interface SignIn {
  readonly authorizationUrl: URL;
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly verifier: string;
  readonly state: string;
}

/** From a challenge to the address that the user opens: metadata of the resource, metadata of its authorization server, then the request itself. */
async function prepareSignIn(resource: string, redirectUrl: string, challenge: string, send: Send): Promise<SignIn> {
  const parameters = Object.fromEntries([...challenge.matchAll(/([a-z_]+)="([^"]*)"/g)].map((match) => [match[1], match[2]]));
  const { resource: named, authorization_servers } = z
    .object({ resource: z.string(), authorization_servers: z.array(z.string()).min(1) })
    .parse(await readJson(parameters["resource_metadata"] ?? "", send));
  // RFC 9728 section 3.3: the metadata is of this resource, or of no use.
  if (named !== resource) throw new Error(`the metadata is of ${named}`);
  const issuer = authorization_servers[0] ?? "";
  const { origin, pathname } = new URL(issuer);
  const server = z
    .object({ issuer: z.literal(issuer), authorization_endpoint: z.string(), token_endpoint: z.string() })
    .parse(await readJson(`${origin}/.well-known/oauth-authorization-server${pathname === "/" ? "" : pathname}`, send));
  const [verifier, state] = [randomText(), randomText()];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const authorizationUrl = new URL(server.authorization_endpoint);
  const query = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUrl,
    scope: parameters["scope"] ?? "",
    resource,
    state,
    code_challenge: Buffer.from(digest).toString("base64url"),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(query)) authorizationUrl.searchParams.set(name, value);
  return { authorizationUrl, issuer, tokenEndpoint: server.token_endpoint, verifier, state };
}

async function redeem(signIn: SignIn, resource: string, redirectUrl: string, returned: URL, send: Send): Promise<string> {
  const { searchParams } = returned;
  if (searchParams.get("state") !== signIn.state || searchParams.get("iss") !== signIn.issuer) throw new Error("not the answer to this request");
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code: searchParams.get("code") ?? "",
    redirect_uri: redirectUrl,
    client_id: clientId,
    code_verifier: signIn.verifier,
    resource,
  });
  const response = await send(signIn.tokenEndpoint, { method: "POST", body });
  return z.object({ access_token: z.string(), token_type: z.literal("Bearer") }).parse(await response.json()).access_token;
}

async function readJson(url: string, send: Send): Promise<unknown> {
  const response = await send(url);
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return await response.json();
}

function randomText(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
}
