import { describe, expect, it } from "vitest";
import { probeBadToken, probeProtectedCall, type CallConsent } from "../../src/doctor/probe-sign-in.ts";
import { probeTools } from "../../src/doctor/probe-tools.ts";
import { askerOf, challenge, fixtureServer, protectedTool, publicTool, rpc, rpcError, serverUrl, type FixtureOptions } from "./fixture.ts";

const speech = { url: serverUrl, era: "2026-07-28" } as const;

interface Seen {
  readonly observation: Awaited<ReturnType<typeof probeProtectedCall>>;
  readonly called: readonly (string | null)[];
}

async function probe(options: FixtureOptions, consent: CallConsent = "read_only"): Promise<Seen> {
  const requests: Request[] = [];
  const asker = askerOf(fixtureServer(options), requests);
  const { tools } = await probeTools(asker, speech);
  const observation = await probeProtectedCall(asker, speech, tools, consent);
  const calls = requests.filter(({ headers }) => headers.get("mcp-method") === "tools/call");
  return { observation, called: calls.map(({ headers }) => headers.get("mcp-name")) };
}

const errorResult = { isError: true, content: [] };

describe("an anonymous call of a protected tool", () => {
  it("shows the challenge of HTTP", async () => {
    const { observation, called } = await probe({});
    expect(observation).toMatchObject({ seen: "http", challenge: { status: 401, header: "bearer", scope: ["orders:read"] } });
    expect(called).toEqual(["orders"]);
  });

  it.each([
    [
      "in the result",
      (): object => ({ ...errorResult, _meta: { "mcp/www_authenticate": ['Bearer error="invalid_token", error_description="sign in", scope="a"'] } }),
      { seen: "result", error: "invalid_token", described: true, scope: ["a"] },
    ],
    [
      "in the result without the words that some hosts wait for",
      (): object => ({ ...errorResult, _meta: { "mcp/www_authenticate": "Bearer" } }),
      { seen: "result", described: false, scope: [] },
    ],
    [
      "as a question of 2026-07-28",
      (): object => ({
        resultType: "input_required",
        inputRequests: { a: { method: "elicitation/create", params: { mode: "url", url: "https://id.example/", message: "Sign in" } } },
      }),
      { seen: "input" },
    ],
    [
      "in the structured content",
      (): object => ({
        structuredContent: { requires_authorization: true, authorization_endpoint: "https://id.example/", message: "Sign in" },
      }),
      { seen: "structured" },
    ],
    ["not at all: the tool runs", (): object => ({ content: [] }), { seen: "ran" }],
    ["not at all: an error without a challenge", (): object => errorResult, { seen: "refused", status: 200 }],
  ])("shows the challenge %s", async (_name, result, expected) => {
    const { observation } = await probe({ onCall: (message) => rpc(message, result()) });
    expect(observation).toEqual(expected);
  });

  it("shows an address to visit, and a plain error", async () => {
    const elicitations = [{ mode: "url", elicitationId: "1", url: "https://id.example/", message: "Sign in" }];
    expect((await probe({ onCall: (message) => rpcError(message, 200, -32042, { elicitations }) })).observation).toEqual({ seen: "url" });
    expect((await probe({ onCall: (message) => rpcError(message, 200, -32603) })).observation).toEqual({
      seen: "refused",
      status: 200,
      code: -32603,
    });
  });

  it("shows a challenge that cannot be read", async () => {
    const broken = { ...errorResult, _meta: { "mcp/www_authenticate": 'Bearer scope="' } };
    expect((await probe({ onCall: (message) => rpc(message, broken) })).observation.seen).toBe("unreadable_challenge");
    expect((await probe({ onCall: () => challenge(401, 'Bearer scope="') })).observation).toMatchObject({ challenge: { header: "unreadable" } });
  });

  it.each([
    ["none_declared", [publicTool, { ...protectedTool, securitySchemes: [{ type: "noauth" }, { type: "oauth2" }], _meta: {} }]],
    ["none_read_only", [{ ...protectedTool, annotations: {} }]],
    ["none_read_only", [{ ...protectedTool, annotations: { readOnlyHint: "true" } }]],
    ["needs_arguments", [{ ...protectedTool, inputSchema: { type: "object", required: ["id"] } }]],
  ])("is not made where something might happen: %s", async (reason, tools) => {
    expect(await probe({ tools })).toEqual({ observation: { seen: "not_called", reason }, called: [] });
  });

  it("is not made when whoever asks does not want it", async () => {
    expect(await probe({}, "never")).toEqual({ observation: { seen: "not_called", reason: "not_wanted" }, called: [] });
  });
});

describe("a token that nobody gave out", () => {
  const bad = (options: FixtureOptions): ReturnType<typeof probeBadToken> => probeBadToken(askerOf(fixtureServer(options)), speech, "orders");

  it("is challenged by a good server", async () => {
    expect(await bad({})).toMatchObject({ seen: "challenged", challenge: { status: 401, error: "invalid_token" } });
  });

  it("is seen to be taken, or refused without a challenge", async () => {
    const taken = (request: Request): Response | undefined =>
      request.headers.has("authorization") ? rpc({ id: 1, method: "tools/call" }, { content: [] }) : undefined;
    expect(await bad({ intercept: taken })).toEqual({ seen: "taken" });
    const again = (request: Request): Response | undefined =>
      request.headers.has("authorization")
        ? rpc({ id: 1, method: "tools/call" }, { isError: true, _meta: { "mcp/www_authenticate": ['Bearer error="invalid_token"'] } })
        : undefined;
    expect(await bad({ intercept: again })).toEqual({ seen: "refused", status: 200 });
    expect(await bad({ intercept: () => new Response(null, { status: 500 }) })).toEqual({ seen: "refused", status: 500 });
  });

  it("says nothing when it was shown only where none is wanted", async () => {
    const open = (request: Request): Response | undefined =>
      request.headers.has("authorization") ? rpc({ id: 1, method: "tools/list" }, { tools: [] }) : undefined;
    expect(await probeBadToken(askerOf(fixtureServer({ intercept: open })), speech, undefined)).toEqual({ seen: "unasked" });
  });
});
