import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { type ExistingServer, type ProtectedServer, protect } from "../src/protect.ts";
import { createTestClock, type TestClock } from "./stand-ins/clock.ts";
import { createTestIssuer, type TestIssuer } from "./stand-ins/issuer.ts";
import { createLibrary, library, older, policy } from "./stand-ins/library.ts";

const guide = readFileSync(new URL("../../../docs/guides/protect-a-server.md", import.meta.url), "utf8");
const source = readFileSync(new URL("./stand-ins/library.ts", import.meta.url), "utf8");

let clock: TestClock;
let issuer: TestIssuer;

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock, "http://localhost:4200");
});

async function call(server: ProtectedServer, name: string, args: Record<string, unknown>, token?: string): Promise<Response> {
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } });
  return await server.fetch(new Request(policy.resource, { method: "POST", headers: { ...headers, ...authorization }, body }));
}

describe("the guide for a server that is there already", () => {
  test("shows code that is compiled and run here", () => {
    const blocks = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
    expect(blocks.length).toBeGreaterThan(2);
    for (const block of blocks) expect(source).toContain(block);
  });

  test("has a policy that does what it says", async () => {
    const token = await issuer.token({ aud: policy.resource, scope: "loans:read loans:write" });
    const server = protect(createLibrary, { ...policy, clock: clock.now, fetch: issuer.fetch });
    expect(await (await call(server, "search", { query: "harbours" })).text()).toContain("2 books about harbours");
    expect((await call(server, "my_loans", {})).status).toBe(401);
    expect(await (await call(server, "my_loans", {}, token)).text()).toContain('"reader":"usr_1"');
    const more = await call(server, "extend_loan", {}, token);
    expect([more.status, more.headers.get("www-authenticate")]).toEqual([403, expect.stringContaining('scope="loans:long loans:write"')]);
    expect(await (await call(server, "admin_reset", {}, token)).text()).toContain("-32602");
    await server.close();
  });

  test("wraps a server of SDK v1", async () => {
    const wrapped: ExistingServer = older;
    const server = protect(wrapped, { ...policy, clock: clock.now, fetch: issuer.fetch });
    expect((await call(server, "my_loans", {})).status).toBe(401);
    const token = await issuer.token({ aud: policy.resource, scope: "loans:read" });
    expect(await (await call(server, "my_loans", {}, token)).text()).toContain('"reader":"usr_1"');
    await server.close();
  });

  test("serves what the guide's metadata table lists", () => {
    expect(library.paths).toEqual(["/mcp", "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]);
  });
});
