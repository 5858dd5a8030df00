import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { StandInTool } from "@countersign/host/testing/mcp-server";
import { Secret } from "@countersign/protocol/secret";
import { member } from "@countersign/protocol/shape";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cancelCall, signInConnector } from "@countersign/host/routes/operations";
import { runCall } from "../../src/call/run-call.ts";
import type { CallCommand } from "../../src/command.ts";
import { SignInGuide } from "../../src/local/guide-sign-in.ts";
import { type LocalServers, openSession, startServers, type TestSession } from "../../testing/local-servers.ts";
import { paperTerminal } from "../../testing/paper-terminal.ts";

const tools: Record<string, StandInTool> = {
  browse: {},
  list_orders: { demands: ["orders:read"] },
  pay: { demands: ["orders:read"], runtimeScope: ({ order }) => (typeof order === "string" ? `payment:${order}` : undefined) },
  rude: { run: () => ({ said: "\u001b[2Jgone\u202e" }) },
};

let servers: LocalServers;
let sessions: TestSession[];
beforeEach(async () => {
  servers = await startServers(tools);
  sessions = [];
});
afterEach(async () => {
  for (const session of sessions) await session.close();
  await servers.close();
});

type Given = Parameters<typeof openSession>[1];
async function session(given: Given): Promise<TestSession> {
  const opened = await openSession(servers, given);
  sessions.push(opened);
  return opened;
}

/** A folder for a database that several sessions come back to. */
async function inFolder(work: (kept: { readonly databaseUrl: string; readonly sealingKey: Secret }, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-cli-"));
  try {
    await work(
      { databaseUrl: pathToFileURL(join(folder, "cli.sqlite")).href, sealingKey: new Secret(randomBytes(32).toString("base64url")) },
      folder,
    );
  } finally {
    for (const each of sessions.splice(0)) await each.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const callOf = (tool: string, words: readonly string[] = [], more: Partial<CallCommand> = {}): CallCommand => ({
  command: "call",
  server: "store",
  tool,
  words,
  json: false,
  trace: false,
  agree: false,
  way: "browser",
  ...more,
});

describe("countersign call", () => {
  test("a tool for anybody is called with its arguments, and only its answer is on the standard output", async () => {
    const terminal = paperTerminal();
    expect(await runCall(await session({ terminal }), callOf("browse", ["q=mug", "shape=round"]))).toBe("done");
    expect(terminal.printed()).toBe('{"done":"browse"}\n');
    expect(terminal.told()).toBe("Calling browse of Store.\n");
    expect(servers.server.executions).toMatchObject([{ tool: "browse", arguments: { q: "mug", shape: "round" }, token: undefined }]);
  });

  test("an argument that the tool does not name is told once on the standard error, of words, of an object and with --json, and the call goes on", async () => {
    servers.server.tools["order"] = { input: ["quantity"] };
    const opened = await session({ terminal: paperTerminal() });
    const slip = "countersign: the tool names no argument qantity; did you mean quantity? Sent as";
    for (const [words, json, sentAs] of [
      [["quantity=2"], false, undefined],
      [["qantity=2"], false, "text"],
      [["qantity=2"], true, "text"],
      [['{"qantity":2}'], false, "it is"],
    ] as const) {
      const terminal = paperTerminal();
      expect(await runCall({ ...opened, terminal }, callOf("order", words, { json }))).toBe("done");
      expect(terminal.told()).toBe(`${sentAs === undefined ? "" : `${slip} ${sentAs}.\n`}Calling order of Store.\n`);
      expect(terminal.printed()).not.toContain("qantity");
    }
    expect(servers.server.executions).toHaveLength(4);
  });

  test("a call that needs sign-in opens a browser, names the account there, and goes on by itself once", async () => {
    const terminal = paperTerminal();
    const opened = await session({ terminal });
    expect(await runCall(opened, callOf("list_orders"))).toBe("done");
    expect(terminal.printed()).toBe('{"done":"list_orders"}\n');
    expect(terminal.told()).toMatch(/Sign-in is needed at 127\.0\.0\.1:\d+ for orders:read\.\n/);
    expect(terminal.told()).toContain("Signed in. The call goes on.\n");
    expect(servers.server.executions.map(({ tool }) => tool)).toEqual(["list_orders"]);
    expect(opened.pages[0]).toContain("Countersign command line");
    expect(opened.pages[0]).toContain("ana on laptop");
    for (const token of servers.authorizationServer.granted.keys())
      expect(terminal.printed() + terminal.told() + opened.opened.join()).not.toContain(token);
  });

  test("a step-up signs in once more for what the call needs, and both calls run once", async () => {
    const terminal = paperTerminal();
    const opened = await session({ terminal });
    await runCall(opened, callOf("list_orders"));
    expect(await runCall(opened, callOf("pay", ["order=o1"]))).toBe("done");
    expect(terminal.told()).toMatch(/Sign-in is needed at .* for .*payment:o1/);
    expect(opened.opened).toHaveLength(2);
    expect(servers.server.executions.map(({ tool }) => tool)).toEqual(["list_orders", "pay"]);
  });

  test("the next command on the same data is signed in already, and the token is nowhere in the file", async () => {
    await inFolder(async (kept, folder) => {
      const first = await session({ terminal: paperTerminal(), ...kept });
      await runCall(first, callOf("list_orders"));
      await first.close();
      sessions = [];
      const [token = "no token"] = servers.authorizationServer.granted.keys();
      for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file)).includes(token)).toBe(false);
      const second = await session({ terminal: paperTerminal(), ...kept });
      expect(await runCall(second, callOf("list_orders"))).toBe("done");
      expect(second.opened).toEqual([]);
      expect(servers.server.executions.map((each) => each.token)).toEqual([token, token]);
    });
  });

  test("who says on the page that the account is another one ends the call, and nothing runs", async () => {
    const terminal = paperTerminal();
    expect(await runCall(await session({ terminal, declines: true }), callOf("list_orders"))).toBe("person");
    expect(terminal.printed()).toBe("");
    expect(terminal.told()).toMatch(/countersign: Access was not granted\.(?: .*)? \[access_denied\]\n$/);
    expect(servers.server.executions).toEqual([]);
  });

  test("on another device the code and its address are shown, and nothing listens on this machine", async () => {
    servers.authorizationServer.behaviour.device = { interval: 1 };
    const terminal = paperTerminal([]);
    const opened = await session({ terminal, way: "device" });
    const calling = runCall(opened, callOf("list_orders", [], { way: "device" }));
    await expect.poll(() => terminal.told()).toContain("CODE-1");
    expect(terminal.told()).toContain(`${servers.authorizationServer.origin}/device`);
    expect(terminal.told()).toContain("\u001b[30;107m");
    const pending = servers.authorizationServer.devices.get("CODE-1");
    if (pending !== undefined) pending.decision = "approved";
    expect(await calling).toBe("done");
    expect(opened.opened).toEqual([]);
    expect(terminal.printed()).toBe('{"done":"list_orders"}\n');
  });

  test("a sign-in service without that is told to a person who asked for another device, and the call is ended", async () => {
    const terminal = paperTerminal();
    const opened = await session({ terminal, way: "device" });
    const asked = vi.spyOn(opened.host, "ask");
    expect(await runCall(opened, callOf("list_orders", [], { way: "device" }))).toBe("failed");
    expect(asked).toHaveBeenCalledWith(cancelCall, expect.anything());
    expect(terminal.told()).toContain("Run it again without --device.");
    expect(servers.server.executions).toEqual([]);
  });

  test("Ctrl-C while a sign-in is open ends the call and the command", async () => {
    const stopping = new AbortController();
    const terminal = paperTerminal();
    const opened = await session({ terminal, way: "link", signal: stopping.signal });
    const calling = runCall(opened, callOf("list_orders", [], { way: "link" }));
    await expect.poll(() => terminal.told()).toContain("/flows/link/");
    stopping.abort();
    expect(await calling).toBe("interrupted");
    expect(servers.server.executions).toEqual([]);
    expect(terminal.told()).toMatch(/countersign: Stopped\.\n$/);
  });

  test("Ctrl-C while the tool runs says that nobody knows whether it took effect", async () => {
    const stopping = new AbortController();
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    servers.server.tools["slow"] = {
      run: async () => {
        stopping.abort();
        await released;
        return {};
      },
    };
    const terminal = paperTerminal();
    expect(await runCall(await session({ terminal, signal: stopping.signal }), callOf("slow"))).toBe("interrupted");
    release(undefined);
    expect(terminal.told()).toMatch(/countersign: Stopped\. It is not known whether this took effect\. .*\n$/);
    expect(terminal.printed()).toBe("");
  });

  test("how far a server says that it is is told on the standard error while it is at work, with --json too", async () => {
    servers.server.tools["pack"] = {
      run: async (_, tell) => {
        await tell({ progress: 1, total: 4, message: "Packing" });
        await expect.poll(() => terminal.told(), { timeout: 15_000 }).toContain("25 %");
        return { packed: true };
      },
    };
    const terminal = paperTerminal();
    expect(await runCall(await session({ terminal }), callOf("pack", [], { json: true }))).toBe("done");
    expect(terminal.told()).toBe("Calling pack of Store.\nStore: 25 %, Packing\n");
    expect(JSON.parse(terminal.printed())).toMatchObject({ ok: true, result: { structuredContent: { packed: true } } });
    expect(terminal.printed()).not.toContain("Packing");
  });

  test("what a tool says of its own failure is no answer on the standard output", async () => {
    servers.server.intercept = async (request, method) =>
      method === "tools/call"
        ? Response.json({
            jsonrpc: "2.0",
            id: member(await request.clone().json(), "id"),
            result: { isError: true, content: [{ type: "text", text: "sold out" }], resultType: "complete" },
          })
        : undefined;
    const terminal = paperTerminal();
    expect(await runCall(await session({ terminal }), callOf("browse"))).toBe("failed");
    expect(terminal.printed()).toBe("");
    expect(terminal.told()).toContain("sold out\n");
  });

  test("with --json the standard output is one object, of an answer and of a refusal alike", async () => {
    const good = paperTerminal();
    const opened = await session({ terminal: good });
    expect(await runCall(opened, callOf("browse", [], { json: true }))).toBe("done");
    expect(JSON.parse(good.printed())).toMatchObject({
      schema: 1,
      ok: true,
      ending: "done",
      tool: "browse",
      state: "completed",
      result: { structuredContent: { done: "browse" } },
    });
    const bad = paperTerminal();
    expect(await runCall({ ...opened, terminal: bad }, callOf("browze", [], { json: true }))).toBe("usage");
    expect(JSON.parse(bad.printed())).toMatchObject({
      schema: 1,
      ok: false,
      ending: "usage",
      error: { message: expect.stringContaining("Did you mean browse?") },
    });
  });

  test("what a server says cannot move the terminal's cursor or hide from its reader", async () => {
    for (const json of [false, true]) {
      const terminal = paperTerminal();
      await runCall(await session({ terminal }), callOf("rude", [], { json }));
      expect(terminal.printed()).toContain("gone");
      expect(terminal.printed()).not.toMatch(/[\u001b\u202e]/);
    }
  });

  test("arguments from the standard input are one JSON object", async () => {
    const opened = await session({ terminal: paperTerminal(undefined, '{"q":{"deep":[1]}}') });
    expect(await runCall(opened, callOf("browse", ["-"]))).toBe("done");
    expect(servers.server.executions).toMatchObject([{ arguments: { q: { deep: [1] } } }]);
    expect(await runCall({ ...opened, terminal: paperTerminal(undefined, "[]") }, callOf("browse", ["-"]))).toBe("usage");
    expect(servers.server.executions).toHaveLength(1);
  });

  test("an address that nobody answers ends as unreachable, an unknown name as wrong usage", async () => {
    const opened = await session({ terminal: paperTerminal() });
    expect(await runCall(opened, callOf("browse", [], { server: "http://127.0.0.1:9/mcp" }))).toBe("unreachable");
    const terminal = paperTerminal();
    expect(await runCall({ ...opened, terminal }, callOf("browse", [], { server: "stor" }))).toBe("usage");
    expect(terminal.told()).toContain("Did you mean store?");
  });

  test("a tool that has changed since it was used first waits for --agree, and nothing of it runs before", async () => {
    await inFolder(async (kept) => {
      const first = await session({ terminal: paperTerminal(), ...kept });
      await runCall(first, callOf("browse"));
      await first.close();
      sessions = [];
      servers.server.tools["browse"] = { description: "Sends everything away" };
      const terminal = paperTerminal();
      const second = await session({ terminal, ...kept });
      expect(await runCall(second, callOf("browse"))).toBe("person");
      expect(terminal.told()).toMatch(/different: .*description.*--agree/);
      expect(servers.server.executions).toHaveLength(1);
      expect(await runCall(second, callOf("browse", [], { agree: true }))).toBe("done");
    });
  });

  test("a link that nobody opened in its minute is replaced by another one", async () => {
    const stopping = new AbortController();
    const terminal = paperTerminal();
    const opened = await session({ terminal, way: "link", signal: stopping.signal });
    const guide = new SignInGuide(opened);
    const flow = await opened.host.ask(signInConnector, { id: "store" });
    if (!flow.ok) throw new TypeError("a sign-in begins");
    const now = Date.now();
    await guide.show(flow.value);
    await guide.show(flow.value);
    expect(terminal.told().match(/flows\/link/g)).toHaveLength(1);
    vi.spyOn(Date, "now").mockReturnValue(now + 61_000);
    await guide.show(flow.value);
    vi.restoreAllMocks();
    expect(terminal.told().match(/flows\/link/g)).toHaveLength(2);
  });
});
