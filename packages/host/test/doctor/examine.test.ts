import type { ServerObservation } from "@countersign/protocol/server-observation";
import { describe, expect, it } from "vitest";
import { examineServer, type ExamineOptions } from "../../src/doctor/examine.ts";
import { challenge, dialTo, fixtureServer, goodIssuer, issuer, protectedTool, rpc, serverUrl, type FixtureOptions } from "./fixture.ts";

interface Examined {
  readonly observation: ServerObservation;
  readonly requests: readonly Request[];
}

async function examine(options: FixtureOptions, more: Pick<ExamineOptions, "register" | "onRegister"> = {}): Promise<Examined> {
  const requests: Request[] = [];
  const examined = await examineServer(serverUrl, { reach: "public", consent: "read_only", dial: dialTo(fixtureServer(options), requests), ...more });
  if (!examined.ok) throw new Error(examined.error.code);
  return { observation: examined.value, requests };
}

describe("an examination", () => {
  it("sees everything of a good server in less than 30 requests", async () => {
    const { observation, requests } = await examine({});
    expect(observation).toMatchObject({
      url: serverUrl,
      scheme: "https",
      loopback: false,
      tools: { seen: "listed" },
      protectedCall: { seen: "http" },
      badToken: { seen: "challenged" },
      views: [{ seen: "document", mime: "mcp-app" }],
      resourceMetadata: [{ seen: "document" }, { seen: "absent" }],
      authorizationServers: [{ issuer: "https://id.example" }],
      crossOrigin: { seen: "preflight", allowsOrigin: true },
      transport: { stream: "refused" },
    });
    expect(requests.length).toBeLessThan(30);
  });

  it("is plain data that JSON carries whole", async () => {
    const { observation } = await examine({ session: "s-1" });
    expect(JSON.parse(JSON.stringify(observation))).toEqual(observation);
  });

  it("calls no tool that might do something, and sends nobody's credential", async () => {
    const { requests } = await examine({ tools: [{ ...protectedTool, annotations: {} }], session: "s-1" });
    expect(requests.some(({ headers }) => headers.get("mcp-method") === "tools/call")).toBe(false);
    const tokens = requests.map(({ headers }) => headers.get("authorization")).filter((value) => value !== null);
    expect(new Set(tokens)).toEqual(new Set(["Bearer countersign-doctor-not-a-token"]));
    expect(requests.some(({ headers }) => headers.has("cookie"))).toBe(false);
    const methods = await Promise.all(requests.map(async (request) => (await request.text()).match(/"method":"([^"]+)"/)?.[1] ?? ""));
    expect(new Set(methods)).toEqual(
      new Set(["", "server/discover", "initialize", "notifications/initialized", "tools/list", "resources/read", "ping"]),
    );
  });

  it("calls a protected tool again, under the name of each host, only where it was refused before", async () => {
    const calls = (requests: readonly Request[]): readonly string[] =>
      requests.filter(({ headers }) => headers.get("mcp-method") === "tools/call").map(({ headers }) => headers.get("user-agent") ?? "");
    const refused = await examine({});
    expect(calls(refused.requests)).toHaveLength(10);
    expect(calls(refused.requests)).toContain("openai-mcp/1.0.0 (ChatGPT)");
    expect(Object.keys(refused.observation.protectedCallOf)).toHaveLength(8);
    const ran = await examine({ onCall: (message) => rpc(message, { content: [] }) });
    expect(calls(ran.requests)).toHaveLength(1);
    expect(ran.observation).toMatchObject({ protectedCall: { seen: "ran" }, protectedCallOf: {} });
  });

  it("registers nobody unless it is told to, and then only clients that it takes away again", async () => {
    const options = { issuer: { ...goodIssuer, registration_endpoint: `${issuer}/register` } };
    const made = (requests: readonly Request[]): readonly string[] =>
      requests.filter(({ url }) => url.startsWith(`${issuer}/register`)).map(({ method }) => method);
    const quiet = await examine(options);
    expect([made(quiet.requests), "registrations" in quiet.observation]).toEqual([[], false]);
    const offers: boolean[] = [];
    const onRegister = (offered: boolean): void => void offers.push(offered);
    const told = await examine(options, { register: true, onRegister });
    const nowhere = await examine({}, { register: true, onRegister });
    expect([offers, "registrations" in nowhere.observation]).toEqual([[true, false], false]);
    expect(made(told.requests)).toEqual(["POST", "DELETE", "POST", "DELETE", "POST", "DELETE", "POST", "DELETE", "POST", "DELETE", "POST"]);
    expect(told.observation.registrations?.map(({ seen }) => seen)).toEqual([...Array.from({ length: 5 }, () => "registered"), "refused"]);
    expect(JSON.stringify(told.observation)).not.toMatch(/key-of-the-client|client-1/);
  });

  it("ends each session that it was given", async () => {
    const { requests } = await examine({ session: "s-1", eras: ["2025-11-25", "2025-06-18"] });
    const ends = requests.filter(({ method }) => method === "DELETE");
    expect(ends.map(({ headers }) => [headers.get("mcp-session-id"), headers.get("mcp-protocol-version")])).toEqual([
      ["s-1", "2025-11-25"],
      ["s-1", "2025-06-18"],
      ["s-1", "2025-06-18"],
      ["s-1", "2025-06-18"],
    ]);
  });

  it("takes what a server that lets nobody in says at the door for everything, and follows its pointer", async () => {
    const { observation } = await examine({
      intercept: (request) => (request.url === serverUrl ? challenge(401, 'Bearer resource_metadata="https://shop.example/prm"') : undefined),
    });
    expect(observation).toMatchObject({ tools: { seen: "challenged" }, protectedCall: { seen: "not_called" }, views: [] });
    expect(observation.resourceMetadata[0]).toMatchObject({ url: "https://shop.example/prm", seen: "absent" });
  });

  it("asks no more than 70 questions, however much a server offers", async () => {
    const tools = Array.from({ length: 100 }, (_, index) => ({
      ...protectedTool,
      name: `t${index}`,
      _meta: { ui: { resourceUri: `ui://shop/${index}` } },
    }));
    const { requests } = await examine({ tools, session: "s-1", eras: ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] });
    expect(requests.length).toBeLessThanOrEqual(70);
  });

  it.each(["ftp://shop.example/mcp", "shop.example", "https://user:secret@shop.example/mcp", "https://shop.example/mcp#a"])(
    "refuses %s before anything is sent",
    async (address) => {
      const requests: Request[] = [];
      const examined = await examineServer(address, { reach: "public", consent: "never", dial: dialTo(fixtureServer(), requests) });
      expect(examined).toMatchObject({ ok: false, error: { code: "invalid_request" } });
      expect(JSON.stringify(examined)).not.toContain("secret");
      expect(requests).toHaveLength(0);
    },
  );
});
