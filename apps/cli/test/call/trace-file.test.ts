import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { member } from "@countersign/protocol/shape";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCall } from "../../src/call/run-call.ts";
import type { CallCommand } from "../../src/command.ts";
import type { Ending } from "../../src/exit-codes.ts";
import { type LocalServers, openSession, startServers, type TestSession } from "../../testing/local-servers.ts";
import { type PaperTerminal, paperTerminal } from "../../testing/paper-terminal.ts";

let servers: LocalServers;
let session: TestSession;
let folder: string;
let terminal: PaperTerminal;
beforeEach(async () => {
  servers = await startServers({ browse: {}, list_orders: { demands: ["orders:read"] } });
  terminal = paperTerminal();
  session = await openSession(servers, { terminal });
  folder = mkdtempSync(join(tmpdir(), "countersign-trace-"));
});
afterEach(async () => {
  await session.close();
  await servers.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);
const callInto = (tool: string, path: string, overwrite = false): Promise<Ending> => {
  const flags = { json: false, trace: false, agree: false, way: "browser" } as const;
  const command: CallCommand = { command: "call", server: "store", tool, words: ["q=mug-of-mine"], ...flags, traceFile: { path, overwrite } };
  return runCall(session, command);
};

describe("the file of a call's trace", () => {
  test("has the steps as the console exports them, without arguments and tokens, for nobody else to read", async () => {
    expect(await callInto("list_orders", at("trace.json"))).toBe("done");
    expect(terminal.told()).toContain(`The trace is in ${at("trace.json")}.\n`);
    expect(terminal.printed()).toBe('{"done":"list_orders"}\n');
    const text = readFileSync(at("trace.json"), "utf8");
    const trace: unknown = JSON.parse(text);
    expect(trace).toMatchObject({
      schema: "countersign-trace/1",
      calls: [{ tool: "list_orders", origin: "user", state: "completed", connector: { name: "Store" } }],
    });
    const [call] = [member(trace, "calls")].flat();
    const steps = [member(call, "steps")].flat().map((step) => String(member(step, "step")));
    expect(steps).toEqual(expect.arrayContaining(["received", "request", "decision", "authorization", "token", "result"]));
    for (const secret of ["mug-of-mine", ...servers.authorizationServer.granted.keys()]) expect(text).not.toContain(secret);
    expect(statSync(at("trace.json")).mode & 0o777).toBe(0o600);
  });

  test("is a diagram where its name ends in .mmd", async () => {
    await callInto("browse", at("trace.mmd"));
    expect(readFileSync(at("trace.mmd"), "utf8")).toMatch(/^sequenceDiagram\n[^]*Call of browse[^]*\n$/);
  });

  test("tells of a call that failed too", async () => {
    servers.server.intercept = (_request, method) => (method === "tools/call" ? new Response(null, { status: 500 }) : undefined);
    expect(await callInto("browse", at("trace.json"))).not.toBe("done");
    const trace: unknown = JSON.parse(readFileSync(at("trace.json"), "utf8"));
    expect(trace).toMatchObject({ calls: [{ state: "failed", error: { code: expect.any(String) } }] });
  });

  test("never replaces what is there before that was said, and calls nothing then", async () => {
    writeFileSync(at("kept.json"), "mine", { mode: 0o644 });
    expect(await callInto("browse", at("kept.json"))).toBe("usage");
    expect(terminal.told()).toBe(`countersign: ${at("kept.json")} is there already; --overwrite replaces it.\n`);
    expect(readFileSync(at("kept.json"), "utf8")).toBe("mine");
    expect(servers.server.executions).toEqual([]);
    expect(await callInto("browse", at("kept.json"), true)).toBe("done");
    expect(readFileSync(at("kept.json"), "utf8")).toContain("countersign-trace/1");
    expect(statSync(at("kept.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["kept.json"]);
  });

  test("does not follow a link that points elsewhere", async () => {
    symlinkSync(at("elsewhere"), at("link.json"));
    await callInto("browse", at("link.json"));
    expect(existsSync(at("elsewhere"))).toBe(false);
    expect(terminal.told()).toContain("(EEXIST)");
    await callInto("browse", at("link.json"), true);
    expect([existsSync(at("elsewhere")), JSON.parse(readFileSync(at("link.json"), "utf8"))]).toMatchObject([
      false,
      { schema: "countersign-trace/1" },
    ]);
  });

  test("is refused before anything is called where its folder is not", async () => {
    expect(await callInto("browse", at("nowhere/trace.json"))).toBe("failed");
    expect(servers.server.executions).toEqual([]);
  });

  test("that cannot be written in the end leaves the call's own ending, which has run", async () => {
    servers.server.tools["browse"] = { run: () => ({ done: String(writeFileSync(at("trace.json"), "another's")) }) };
    expect(await callInto("browse", at("trace.json"))).toBe("done");
    expect(terminal.told()).toContain("the trace could not be written");
    expect(readFileSync(at("trace.json"), "utf8")).toBe("another's");
  });
});
