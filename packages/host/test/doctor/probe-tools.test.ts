import { describe, expect, it } from "vitest";
import { probeTools } from "../../src/doctor/probe-tools.ts";
import { askerOf, challenge, fixtureServer, protectedTool, publicTool, rpc, rpcError, serverUrl, type FixtureOptions } from "./fixture.ts";

const speech = { url: serverUrl, era: "2026-07-28" } as const;
const probe = (options: FixtureOptions): ReturnType<typeof probeTools> => probeTools(askerOf(fixtureServer(options)), speech);

describe("the tools of a server", () => {
  it("are told with who may call them, where that stands, and their view", async () => {
    const { observation } = await probe({});
    expect(observation).toMatchObject({ seen: "listed", firstPage: 2, complete: true, repeated: [] });
    expect(observation.seen === "listed" && observation.tools).toEqual([
      { name: "search", scheme: "noauth", scopes: [], declaredAt: ["top"], visibility: ["model", "app"], visibilityBy: "default", readOnly: false },
      {
        name: "orders",
        scheme: "oauth2",
        scopes: ["orders:read"],
        declaredAt: ["top", "meta"],
        visibility: ["model", "app"],
        visibilityBy: "default",
        view: "ui://shop/orders",
        readOnly: true,
      },
    ]);
  });

  it("are none where the server says that it has none and does not know the question", async () => {
    const asker = askerOf(fixtureServer({ onList: (message) => rpcError(message, 404, -32601) }));
    expect((await probeTools(asker, speech, false)).observation).toMatchObject({ seen: "listed", tools: [], complete: true });
    expect((await probeTools(asker, speech, true)).observation).toMatchObject({ seen: "refused", code: -32601 });
  });

  it.each([
    ["undeclared", { name: "a" }],
    ["either", { name: "a", securitySchemes: [{ type: "noauth" }, { type: "oauth2" }] }],
    ["unreadable", { name: "a", securitySchemes: "oauth2" }],
  ])("are %s by what they declare", async (scheme, tool) => {
    const { observation } = await probe({ tools: [tool] });
    expect(observation.seen === "listed" && observation.tools[0]?.scheme).toBe(scheme);
  });

  it.each([
    ["ui", ["app"], { ui: { visibility: ["app"] } }],
    ["openai", ["model"], { "openai/visibility": "public" }],
    ["default", ["model", "app"], {}],
  ])("say who sees them, by %s", async (visibilityBy, visibility, meta) => {
    const { observation } = await probe({ tools: [{ name: "a", _meta: meta }] });
    expect(observation.seen === "listed" && observation.tools[0]).toMatchObject({ visibilityBy, visibility });
  });

  it("come page by page, and the first page is counted", async () => {
    const { observation } = await probe({
      onList: (message) =>
        message.params?.["cursor"] === "2" ? rpc(message, { tools: [publicTool] }) : rpc(message, { tools: [protectedTool], nextCursor: "2" }),
    });
    expect(observation).toMatchObject({ seen: "listed", firstPage: 1, complete: true });
    expect(observation.seen === "listed" && observation.tools.map(({ name }) => name)).toEqual(["orders", "search"]);
  });

  it("are read no further than ten pages, and names that repeat are told", async () => {
    const { observation } = await probe({ onList: (message) => rpc(message, { tools: [publicTool], nextCursor: "again" }) });
    expect(observation).toMatchObject({ seen: "listed", complete: false, repeated: ["search"] });
    expect(observation.seen === "listed" && observation.tools).toHaveLength(10);
  });

  it("without a usable name are left out", async () => {
    const { tools } = await probe({ tools: [{ name: "" }, { name: 4 }, publicTool] });
    expect(tools).toHaveLength(1);
  });

  it("that are not shown to strangers, or not at all, are told apart", async () => {
    expect((await probe({ onList: () => challenge(401) })).observation).toMatchObject({ seen: "challenged", challenge: { status: 401 } });
    expect((await probe({ onList: (message) => rpcError(message, 404, -32601) })).observation).toEqual({
      seen: "refused",
      status: 404,
      code: -32601,
    });
    expect((await probe({ onList: (message) => rpc(message, { tools: "none" }) })).observation).toEqual({ seen: "refused", status: 200 });
  });
});
