import { McpServer } from "@modelcontextprotocol/server";
import { array, assert, asyncProperty, constantFrom, record } from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { answer, type ToolAnswer } from "../src/answer.ts";
import { type App, createApp } from "../src/app.ts";
import { either, oauth2 } from "../src/auth.ts";
import type { ToolContext } from "../src/context.ts";
import type { AppEvent } from "../src/report.ts";
import { createTestClock } from "./stand-ins/clock.ts";
import { createTestIssuer } from "./stand-ins/issuer.ts";
import { endpoint, type Era, eras, rpcRequest } from "./stand-ins/shop.ts";

const envelope = "io.modelcontextprotocol/";
const results: Readonly<Record<string, () => ToolAnswer>> = {
  plain: () => answer({ b: 1, a: [null, { "\u2028": "ü" }] }, "two\nlines"),
  full: () => ({ ...answer({ 2: 1, 1: 2, gone: undefined }, "t", { m: 1, "openai/x": { y: 2 } }), isError: true }),
  empty: () => ({ kind: "result", content: [], isError: false }),
  "meta empty": () => answer({}, "", {}),
  annotated: () => ({ kind: "result", content: [{ text: "x", type: "text", annotations: { priority: 1 } }], isError: false }),
  image: () => ({ kind: "result", content: [{ type: "image", mimeType: "image/png", data: "aGk=" }], isError: false }),
  link: () => ({ kind: "result", content: [{ type: "resource_link", uri: "ui://store/x", name: "x" }], isError: false }),
  "meta shaped": () => answer({}, "x", { progressToken: 1 }),
  "meta names a server": () => answer({}, "x", { [`${envelope}serverInfo`]: { name: "other", version: "2" } }),
  bigint: () => answer({ n: 1n }, "x"),
  "bigint beside an image": () => ({ ...answer({ n: 1n }), content: [{ type: "image", mimeType: "image/png", data: "aGk=" }] }),
  throws: () => {
    throw new Error("secret");
  },
  challenge: () => ({ kind: "challenge", scope: new Set(["more"]) }),
};

interface Sides {
  readonly app: App;
  readonly ran: ToolContext[];
  readonly events: AppEvent[];
  readonly tokens: Readonly<Record<string, string | undefined>>;
}

let sides: Sides;

beforeEach(async () => {
  const clock = createTestClock();
  const issuer = await createTestIssuer(clock);
  const ran: ToolContext[] = [];
  const events: AppEvent[] = [];
  const common = { resource: endpoint, issuer: issuer.issuer, clock: clock.now, fetch: issuer.fetch };
  const app = createApp({ ...common, name: "store", version: "1.0.0", title: "Store", report: (event) => events.push(event) });
  const input = z.object({ query: z.string().max(5).optional() });
  for (const [name, give] of Object.entries(results)) {
    app.tool(name.replaceAll(" ", "_"), { description: "", input, auth: either() }, (_args, ctx) => {
      ran.push(ctx);
      return give();
    });
  }
  app.tool("orders", { description: "", input, auth: oauth2("orders:read") }, (args, ctx) => {
    ran.push(ctx);
    return answer({ args, subject: ctx.subject });
  });
  const output = z.object({ count: z.number() });
  app.tool("odd", { description: "", input, output, auth: either() }, () => answer({ count: "many" }));
  const region = z.object({ region: z.string().meta({ "x-mcp-header": "Region" }) });
  app.tool("by_region", { description: "", input: region, auth: either() }, (args) => answer(args));
  const tokens = { none: undefined, good: await issuer.token(), poor: await issuer.token({ scope: "" }), bad: "x" };
  sides = { app, ran, events, tokens };
  return () => app.close();
});

/** One call with everything that may differ in it; a member left out keeps what is right for the era. */
interface Call {
  readonly era: Era;
  readonly tool: string;
  readonly token: string;
  readonly headers: readonly (readonly [string, string | undefined])[];
  readonly body: readonly (readonly [string, unknown])[];
  readonly params: readonly (readonly [string, unknown])[];
  readonly meta: readonly (readonly [string, unknown])[];
}

const call: Call = { era: "2026-07-28", tool: "plain", token: "none", headers: [], body: [], params: [], meta: [] };

/** What a caller sees, what the log says and what the tools were told. */
async function send(each: Call, contentType: string): Promise<unknown> {
  const isModern = each.era === "2026-07-28";
  const own = isModern ? { [`${envelope}protocolVersion`]: each.era, [`${envelope}clientCapabilities`]: {} } : {};
  const meta = { ...own, ...Object.fromEntries(each.meta) };
  const params = { name: each.tool, arguments: {}, ...(Object.keys(meta).length > 0 ? { _meta: meta } : {}), ...Object.fromEntries(each.params) };
  const body = { jsonrpc: "2.0", id: 7, method: "tools/call", params, ...Object.fromEntries(each.body) };
  const token = sides.tokens[each.token];
  const headers = new Headers({
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": each.era,
    "content-type": contentType,
    ...(isModern ? { "mcp-method": "tools/call", "mcp-name": each.tool } : {}),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  });
  for (const [name, value] of each.headers) {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  sides.ran.length = 0;
  sides.events.length = 0;
  const response = await sides.app.fetch(new Request(endpoint, { method: "POST", headers, body: JSON.stringify(body) }));
  return {
    status: response.status,
    headers: [...response.headers],
    text: await response.text(),
    ran: sides.ran.map(({ tool, subject, clientId, scope, hints, idempotencyKey }) => ({ tool, subject, clientId, scope, hints, idempotencyKey })),
    events: sides.events.map((event) => JSON.stringify(event)),
  };
}

/** The short path wants the plain media type; with a parameter the same call goes to the SDK. */
const shortly = (each: Call): Promise<unknown> => send(each, "application/json");
const bySdk = (each: Call): Promise<unknown> => send(each, "application/json;charset=utf-8");

async function serversMade(work: () => Promise<unknown>): Promise<number> {
  const connect = vi.spyOn(McpServer.prototype, "connect");
  await work();
  const made = connect.mock.calls.length;
  connect.mockRestore();
  return made;
}

describe.each(eras)("a plain tools/call of %s", (era) => {
  test("is answered without a server object, as the SDK answers it", async () => {
    for (const tool of ["plain", "full", "empty", "meta_empty", "throws", "challenge", "orders", "odd"]) {
      const each = { ...call, era, tool, token: "good" };
      expect(await shortly(each)).toEqual(await bySdk(each));
      expect(await serversMade(() => shortly(each))).toBe(0);
      expect(await serversMade(() => bySdk(each))).toBe(1);
    }
  });

  test("whose result is not text alone runs its tool once, and the SDK writes the answer", async () => {
    for (const tool of ["annotated", "image", "link", "meta_shaped", "meta_names_a_server"]) {
      const each = { ...call, era, tool };
      const seen = await shortly(each);
      expect(seen).toEqual(await bySdk(each));
      expect(seen).toMatchObject({ status: 200, ran: [{ tool }] });
      expect(await serversMade(() => shortly(each))).toBe(1);
    }
  });

  test("whose result JSON cannot hold is an internal error in the log and in the answer, whoever writes it", async () => {
    const each = { ...call, era };
    for (const tool of ["bigint", "bigint_beside_an_image"]) {
      for (const seen of [await shortly({ ...each, tool }), await bySdk({ ...each, tool })]) {
        expect(seen).toMatchObject({ status: 200, text: expect.stringContaining('"code":"internal_error"'), ran: [{ tool }] });
        expect(sides.events).toMatchObject([{ event: "tool_failed", tool }]);
      }
    }
  });

  test("tells its tool that the client went away", async () => {
    const seen = Promise.withResolvers<unknown>();
    const app = createApp({ name: "store", version: "1.0.0", resource: endpoint });
    const gone = new AbortController();
    app.tool("wait", { description: "", input: z.object({}) }, async (_args, ctx) => {
      ctx.signal.addEventListener("abort", () => seen.resolve(ctx.signal.reason), { once: true });
      gone.abort(new Error("left"));
      await seen.promise;
      return answer({});
    });
    await app.fetch(new Request(rpcRequest(era, "tools/call", { name: "wait", arguments: {} }), { signal: gone.signal }));
    await expect(seen.promise).resolves.toMatchObject({ message: "left" });
    await app.close();
  });

  test("may say where it would hear of progress: tools of the kit report none", async () => {
    for (const progressToken of [1, 0, "", "x"]) {
      const each: Call = { ...call, era, meta: [["progressToken", progressToken]] };
      expect(await serversMade(() => shortly(each))).toBe(0);
      expect(await shortly(each)).toEqual(await bySdk(each));
    }
  });

  test("with arguments in headers or an unknown tool is the SDK's", async () => {
    const others: readonly Call[] = [
      { ...call, era, tool: "by_region", params: [["arguments", { region: "eu" }]], headers: [["mcp-param-region", "eu"]] },
      { ...call, era, tool: "nothing" },
    ];
    for (const each of others) expect(await serversMade(() => shortly(each))).toBe(1);
  });
});

type Change = readonly [string, unknown];
const anyJson: readonly unknown[] = [null, 1, "x", true, [], {}, { a: 1 }, { a: {} }, ["x"], 1.5, ""];
const capabilities: readonly unknown[] = [
  { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } } },
  { elicitation: { url: {}, form: { applyDefaults: true } } },
  { elicitation: { form: { applyDefaults: 1 } } },
  { elicitation: {} },
  { elicitation: { url: 1 } },
  { elicitation: 1 },
  { roots: { listChanged: true }, sampling: { tools: {} } },
  { roots: { listChanged: 1 } },
  { roots: [] },
  { sampling: { context: 1 } },
  { experimental: { x: {} }, extensions: { y: 1 } },
  { experimental: { x: 1 } },
  { tasks: {} },
  { unknown: 1 },
  [],
  "x",
];
const clientInfos: readonly unknown[] = [
  { name: "c", version: "1", title: "C" },
  { name: "c" },
  { version: "1" },
  { name: 1, version: "1" },
  { name: "c", version: "1", icons: [] },
  { name: "c", version: "1", icons: "x" },
];
const revisions = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2099-01-01", ""];
const changes = {
  headers: [
    ...["accept", "mcp-protocol-version", "mcp-method", "mcp-name"].map((name) => [name, undefined] as const),
    ...["application/json", "text/event-stream", "*/*", "text/event-stream;q=1, application/json"].map((value) => ["accept", value] as const),
    ...revisions.map((revision) => ["mcp-protocol-version", revision] as const),
    ...["tools/list", "TOOLS/CALL", " tools/call "].map((value) => ["mcp-method", value] as const),
    ...["news", "=?base64?cGxhaW4=?=", "Plain", "plain, plain"].map((value) => ["mcp-name", value] as const),
    ["mcp-session-id", "s"],
    ["user-agent", "openai-mcp/1.0.0"],
    ["last-event-id", "1"],
  ] satisfies Call["headers"],
  body: [
    ...[1.5, "", "x", null, -1, 2 ** 53, undefined, "é"].map((id): Change => ["id", id]),
    ["method", "tools/list"],
    ["method", "Tools/call"],
    ["params", undefined],
  ] satisfies readonly Change[],
  params: [
    ...[null, [], "x", { query: "mug" }, { query: "too long" }, { query: 1, other: {} }, undefined].map((args): Change => ["arguments", args]),
    ...[null, [], {}, "x"].map((meta): Change => ["_meta", meta]),
    ...[1, "orders", undefined].map((name): Change => ["name", name]),
    ...[{ ttl: 1 }, 1].map((task): Change => ["task", task]),
    ["inputResponses", {}],
    ...["x", 1].map((state): Change => ["requestState", state]),
    ["extra", 1],
  ] satisfies readonly Change[],
  meta: [
    ...capabilities.map((value): Change => [`${envelope}clientCapabilities`, value]),
    ...clientInfos.map((value): Change => [`${envelope}clientInfo`, value]),
    ...revisions.map((value): Change => [`${envelope}protocolVersion`, value]),
    ...["protocolVersion", "clientInfo", "clientCapabilities", "logLevel", "related-task", "traceparent"].flatMap((name) =>
      [undefined, ...anyJson].map((value): Change => [`${envelope}${name}`, value]),
    ),
    ...["progressToken", "openai/session", "countersign/idempotencyKey"].flatMap((name) => anyJson.map((value): Change => [name, value])),
  ] satisfies readonly Change[],
};
const requests = record({
  era: constantFrom<Era>(...eras),
  tool: constantFrom(...Object.keys(results).map((name) => name.replaceAll(" ", "_")), "orders", "odd", "by_region", "nothing", "__proto__"),
  token: constantFrom("none", "good", "poor", "bad"),
  headers: array(constantFrom(...changes.headers), { maxLength: 1 }),
  body: array(constantFrom(...changes.body), { maxLength: 1 }),
  params: array(constantFrom(...changes.params), { maxLength: 1 }),
  meta: array(constantFrom(...changes.meta), { maxLength: 2 }),
});

describe("valid or not", () => {
  test.each(eras)("M06 a call of %s that differs in one place gets the SDK's answer by the short path too", async (era) => {
    for (const where of ["headers", "body", "params", "meta"] as const) {
      for (const change of changes[where]) {
        const each: Call = { ...call, era, [where]: [change] };
        expect({ change, seen: await shortly(each) }).toEqual({ change, seen: await bySdk(each) });
      }
    }
  });

  test("M06 any mixture of differences gets the SDK's answer, and tools and log see the same", { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(requests, async (each) => {
        expect(await shortly(each)).toEqual(await bySdk(each));
      }),
      { numRuns: 500 },
    );
  });
});
