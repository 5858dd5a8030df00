import type { ElicitAnswer } from "@countersign/protocol/elicitation";
import { profileNames } from "@countersign/protocol/host-profile";
import { hostClients } from "@countersign/protocol/host-profile-client";
import type { HostProfile } from "@countersign/protocol/ladder";
import { announcedUnder } from "@countersign/protocol/profile-call";
import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import { afterEach, describe, expect, it } from "vitest";
import { McpConnection } from "../../src/connections/connection.ts";
import type { CallOutcome } from "../../src/connections/outcome.ts";
import { EraServer, type HandshakeEra } from "../stand-in/era-server.ts";

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.toReversed()) await close();
  closes.length = 0;
});

const eras: readonly HandshakeEra[] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

interface Met {
  readonly server: EraServer;
  readonly connection: McpConnection;
  readonly agents: (string | null)[];
  readonly initialized: JsonObject[];
}

/** A server of the newest handshake era that the host of the profile speaks, and a connection to it. */
async function meet(profile: HostProfile): Promise<Met> {
  const era = eras.find((each) => hostClients[profile].revisions.value.includes(each));
  if (era === undefined) throw new Error(`${profile} speaks none of ${eras.join(", ")}`);
  const server = await new EraServer(era).start();
  closes.push(() => server.close());
  server.behaviour.answers = "stream";
  const agents: (string | null)[] = [];
  const initialized: JsonObject[] = [];
  server.behaviour.intercept = (request, rpc) => {
    agents.push(request.headers.get("user-agent"));
    if (rpc?.["method"] === "initialize" && isJsonObject(rpc["params"])) initialized.push(rpc["params"]);
    return undefined;
  };
  const connection = new McpConnection({
    url: server.url,
    reach: "local",
    profile,
    requestTimeoutMs: 60_000,
    resultBytesMax: 100_000,
    clock: Date.now,
  });
  closes.push(() => connection.close());
  return { server, connection, agents, initialized };
}

async function call(connection: McpConnection): Promise<CallOutcome> {
  const tools = await connection.tools(60_000);
  const tool = tools.ok ? tools.value.get("echo") : undefined;
  if (tool === undefined) throw new Error(`no tool: ${JSON.stringify(tools)}`);
  const ask = async (): Promise<ElicitAnswer> => ({ action: "accept", content: { size: "M" } });
  return connection.callTool({ tool, arguments: {}, idempotencyKey: "call_1", ask, signal: new AbortController().signal });
}

describe("what a server meets", () => {
  it.each(profileNames)("is %s by its name, its header, its newest revision and what it offers", async (profile) => {
    const { connection, agents, initialized, server } = await meet(profile);
    expect(await call(connection)).toMatchObject({ kind: "result" });
    const { clientInfo, userAgent, revisions } = hostClients[profile];
    const [newest] = revisions.value.filter((revision) => revision <= "2025-11-25");
    expect(initialized[0]).toEqual({ protocolVersion: newest, capabilities: announcedUnder(profile), clientInfo: clientInfo.value });
    expect([...new Set(agents)]).toEqual([userAgent.value]);
    const probed = server.seen.some(({ method }) => method === "server/discover");
    expect(probed).toBe(revisions.value.includes("2026-07-28"));
  });

  it.each(profileNames)("is a session that %s keeps, or a new one for each request", async (profile) => {
    const { connection, server } = await meet(profile);
    await call(connection);
    await call(connection);
    const asked = server.seen.filter(({ method }) => method === "tools/list" || method === "tools/call").map(({ session }) => session);
    expect(new Set(asked).size).toBe(hostClients[profile].keepsSession.value ? 1 : 3);
  });

  it.each(profileNames)("gets from %s all pages of its tools, or the first alone", async (profile) => {
    const { connection, server } = await meet(profile);
    const { intercept } = server.behaviour;
    server.behaviour.intercept = (request, rpc) => {
      void intercept?.(request, rpc);
      if (rpc?.["method"] !== "tools/list") return undefined;
      const cursor = member(rpc["params"], "cursor");
      const inputSchema = { type: "object" };
      const result = cursor === undefined ? { tools: [{ name: "echo", inputSchema }], nextCursor: "2" } : { tools: [{ name: "late", inputSchema }] };
      return Response.json({ jsonrpc: "2.0", id: rpc["id"], result });
    };
    const tools = await connection.tools(0);
    expect(tools.ok && [...tools.value.keys()]).toEqual(hostClients[profile].toolPages.value === "first" ? ["echo"] : ["echo", "late"]);
  });

  const form = { message: "Which size?", requestedSchema: { type: "object", properties: { size: { type: "string" } } } };
  const visit = { mode: "url", elicitationId: "e1", url: "https://wallet.example/approve", message: "Approve" };
  const absent = { error: { code: -32601 } };
  const otherMode = { error: { code: -32602 } };
  const taken = { result: { action: "accept" } };
  it.each<[HostProfile, object, object, object, object]>([
    ["countersign", taken, taken, absent, absent],
    ["chatgpt", absent, absent, absent, absent],
    ["claude", absent, absent, absent, absent],
    ["vscode", taken, taken, { result: { roots: [] } }, { error: { code: -1 } }],
    ["cursor", taken, otherMode, { result: { roots: [] } }, absent],
    ["goose", taken, otherMode, { result: { roots: [] } }, { error: { code: -1 } }],
    ["copilot", absent, absent, absent, absent],
    ["generic", taken, otherMode, absent, absent],
  ])("asks %s for a form, a visit, folders and its model, and gets what that host offers and no more", async (profile, ...wanted) => {
    const { connection, server } = await meet(profile);
    const answers: JsonObject[] = [];
    server.behaviour.run = async (_, ask) => {
      answers.push(await ask("elicitation/create", form));
      answers.push(await ask("elicitation/create", visit));
      answers.push(await ask("roots/list", {}));
      answers.push(await ask("sampling/createMessage", { messages: [], maxTokens: 10 }));
      return { content: [] };
    };
    expect(await call(connection)).toMatchObject({ kind: "result" });
    expect(answers).toMatchObject(wanted);
  });
});
