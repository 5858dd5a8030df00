import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { beforeEach, describe, expect, test } from "vitest";
import { createTestClock } from "./stand-ins/clock.ts";
import { createTestIssuer, type TestIssuer } from "./stand-ins/issuer.ts";
import { createTestShop, endpoint, type TestShop } from "./stand-ins/shop.ts";

let issuer: TestIssuer;
let shop: TestShop;

beforeEach(async () => {
  const clock = createTestClock();
  issuer = await createTestIssuer(clock);
  shop = createTestShop(issuer, clock);
  return () => shop.app.close();
});

/** The official client, dialling the app without a network. */
async function connect(mode: "auto" | "legacy", authProvider?: ConstructorParameters<typeof StreamableHTTPClientTransport>[1]): Promise<Client> {
  const client = new Client({ name: "official", version: "1" }, { versionNegotiation: { mode } });
  const send = (input: string | URL, init?: RequestInit) => shop.app.fetch(new Request(input, init));
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), { fetch: send, ...authProvider }));
  return client;
}

describe.each([
  ["auto", "2026-07-28"],
  ["legacy", "2025-11-25"],
] as const)("the official client, %s", (mode, revision) => {
  test("connects without signing in, in its newest revision, and lists tools with their security", async () => {
    const client = await connect(mode);
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    const { tools } = await client.listTools();
    expect(tools.find((tool) => tool.name === "orders")?._meta?.["securitySchemes"]).toEqual([{ type: "oauth2", scopes: ["orders:read"] }]);
    await client.close();
  });

  test("calls an anonymous tool and reads its view", async () => {
    const client = await connect(mode);
    const result = await client.callTool({ name: "browse", arguments: { query: "mug" } });
    expect(result.structuredContent).toEqual({ tool: "browse", subject: null });
    const { resources } = await client.listResources();
    const { contents } = await client.readResource({ uri: resources[0]?.uri ?? "" });
    expect(contents[0]).toMatchObject({ mimeType: "text/html;profile=mcp-app" });
    await client.close();
  });

  test("is told to sign in when it calls a protected tool, and its very call succeeds once it has", async () => {
    let held: string | undefined;
    let asked = 0;
    const client = await connect(mode, {
      authProvider: {
        token: () => Promise.resolve(held),
        onUnauthorized: async () => {
          asked += 1;
          held = await issuer.token();
        },
      },
    });
    const result = await client.callTool({ name: "orders", arguments: {} });
    expect(result.structuredContent).toEqual({ tool: "orders", subject: "usr_1" });
    expect(asked).toBe(1);
    expect(shop.ran).toEqual(["orders"]);
    await client.close();
  });

  test("is told to sign in by a challenge that a tool raises while it runs", async () => {
    let held: string | undefined;
    const client = await connect(mode, {
      authProvider: {
        token: () => Promise.resolve(held),
        onUnauthorized: async () => {
          held = await issuer.token({ scope: "payment:pr_1" });
        },
      },
    });
    const result = await client.callTool({ name: "step", arguments: {} });
    expect(result.structuredContent).toEqual({ done: true });
    await client.close();
  });

  test("without a way to sign in gets an error, not an empty result", async () => {
    const client = await connect(mode, { authProvider: { token: () => Promise.resolve(undefined) } });
    await expect(client.callTool({ name: "orders", arguments: {} })).rejects.toThrow(UnauthorizedError);
    await client.close();
  });
});
