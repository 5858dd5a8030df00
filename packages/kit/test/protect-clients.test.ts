import { createServer } from "node:http";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { beforeEach, describe, expect, test } from "vitest";
import { toNodeHandler } from "../src/node.ts";
import { createTestClock } from "./stand-ins/clock.ts";
import { createExistingShop, type ExistingShop, type Make } from "./stand-ins/existing.ts";
import { createTestIssuer, type TestIssuer } from "./stand-ins/issuer.ts";

const clock = createTestClock();
let issuer: TestIssuer;

interface Running {
  readonly shop: ExistingShop;
  readonly url: URL;
  /** Method and status of each answer that the server gave. */
  readonly answered: string[];
}

/** Serves a protected server on a port of the system's choice. */
async function start(make: Make): Promise<Running & { stop(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  const resource = `http://127.0.0.1:${address.port}/mcp`;
  const answered: string[] = [];
  const shop = createExistingShop(make, issuer, clock, { resource });
  const handle = toNodeHandler({
    fetch: async (request) => {
      const response = await shop.app.fetch(request);
      answered.push(`${request.method} ${response.status}`);
      return response;
    },
  });
  server.on("request", handle);
  const stop = async (): Promise<void> => {
    await shop.app.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { shop, url: new URL(resource), answered, stop };
}

let running: Awaited<ReturnType<typeof start>>;

beforeEach(async () => {
  issuer = await createTestIssuer(clock);
});

describe.each(["the SDK's factory", "SDK v1 with sessions"] as const)("the official client v2 and %s", (make) => {
  beforeEach(async () => {
    running = await start(make);
    return () => running.stop();
  });
  const modes = make === "the SDK's factory" ? (["auto", "legacy"] as const) : (["legacy"] as const);

  test.each(modes)("%s: signs in when it calls a protected tool, and when a handler demands more", async (mode) => {
    let held: string | undefined;
    const asked: string[] = [];
    const client = new Client({ name: "official", version: "1" }, { versionNegotiation: { mode } });
    const authProvider = {
      token: () => Promise.resolve(held),
      onUnauthorized: async ({ response }: { response: Response }) => {
        asked.push(/scope="([^"]*)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1] ?? "");
        held = await issuer.token({ aud: running.url.href, scope: "orders:read payment:pr_1 profile" });
      },
    };
    await client.connect(new StreamableHTTPClientTransport(running.url, { authProvider }));
    const { tools } = await client.listTools();
    expect(tools.find((tool) => tool.name === "orders")?._meta?.["securitySchemes"]).toEqual([{ type: "oauth2", scopes: ["orders:read"] }]);
    expect((await client.callTool({ name: "browse", arguments: {} })).structuredContent).toEqual({ tool: "browse", subject: null });
    expect((await client.callTool({ name: "step", arguments: {} })).structuredContent).toEqual({ done: true });
    expect(asked).toEqual(["payment:pr_1 profile"]);
    expect((await client.callTool({ name: "orders", arguments: {} })).structuredContent).toEqual({ tool: "orders", subject: "usr_1" });
    expect((await client.readResource({ uri: "orders://1" })).contents).toEqual([{ uri: "orders://1", text: "text" }]);
    await client.close();
  });
});

describe("the official client v1 and SDK v1 with sessions", () => {
  beforeEach(async () => {
    running = await start("SDK v1 with sessions");
    return () => running.stop();
  });

  const connect = async (token?: string): Promise<{ client: ClientV1; transport: TransportV1 }> => {
    const client = new ClientV1({ name: "official", version: "1" });
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const transport = new TransportV1(running.url, { requestInit: { headers } });
    await client.connect(transport);
    return { client, transport };
  };

  test("an anonymous one lists and calls what anyone may, and a protected call is refused with 401", async () => {
    const { client, transport } = await connect();
    expect((await client.listTools()).tools.map((tool) => tool.name)).not.toContain("unnamed");
    expect((await client.callTool({ name: "news", arguments: {} })).structuredContent).toEqual({ tool: "news", subject: null });
    await expect(client.callTool({ name: "orders", arguments: {} })).rejects.toThrow("authorization_required");
    expect(running.answered.at(-1)).toBe("POST 401");
    expect(running.shop.ran).toEqual(["news"]);
    await transport.terminateSession();
    await client.close();
  });

  test("a signed-in one hears of progress while a call runs, listens, and ends its session", async () => {
    const { client, transport } = await connect(await issuer.token({ aud: running.url.href, scope: "payment:pr_1" }));
    const heard: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => {
      heard.push(progress);
      running.shop.proceed.resolve();
    };
    const result = await client.callTool({ name: "slow", arguments: {} }, undefined, { onprogress });
    expect(result.structuredContent).toEqual({ done: true });
    expect(heard).toEqual([1]);
    await expect.poll(() => running.answered).toContain("GET 200");
    await transport.terminateSession();
    expect(running.answered).toContain("DELETE 200");
    await client.close();
  });
});
