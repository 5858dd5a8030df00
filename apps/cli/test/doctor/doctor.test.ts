import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { doctor } from "../../src/doctor/doctor.ts";
import { parseDoctor } from "../../src/doctor/doctor-options.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
const running: Server[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  running.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return `http://127.0.0.1:${address.port}/mcp`;
}

/** A server of 2025-11-25 with one tool for anybody, by hand. */
const open: RequestListener = (request, response) => answer("logging", request, response);
const withCapability =
  (name: string): RequestListener =>
  (request, response) =>
    answer(name, request, response);

function answer(extra: string, request: IncomingMessage, response: ServerResponse): void {
  let text = "";
  request.on("data", (chunk: Buffer) => (text += chunk.toString()));
  request.on("end", () => {
    if (request.method !== "POST") return void response.writeHead(405).end();
    const { id, method, params } = JSON.parse(text) as { id?: number; method: string; params?: { protocolVersion?: string } };
    const answers: Readonly<Record<string, object>> = {
      initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {}, [extra]: {} }, serverInfo: { name: "open", version: "1" } },
      "tools/list": { tools: [{ name: "hello", inputSchema: { type: "object" } }] },
      ping: {},
    };
    const result = answers[method];
    response.setHeader("content-type", "application/json");
    if (result === undefined) response.writeHead(404).end(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "no" } }));
    else response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
}
const website: RequestListener = (_request, response) => void response.end("<!doctype html>");

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as a process of its own, with its output into pipes. */
function run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, "doctor", ...words], { env: { ...process.env, ...env } });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

describe("countersign doctor", () => {
  it("ends with 0 where nothing is dead, with the matrix on stdout and progress on stderr", async () => {
    const { code, stdout, stderr } = await run([await serve(open)], { FORCE_COLOR: "1" });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^host +connect +tools/m);
    expect(stdout).toMatch(/^M365 Copilot +works +works +- /m);
    expect(stdout).not.toContain("\u001b");
    expect(stdout.split("\n").filter((line) => line.length > 100)).toEqual([]);
    expect(stderr).toContain("doctor: listing its tools\n");
  });

  it("ends with 1 where something is dead, and says why and what to change", async () => {
    const { code, stdout } = await run([await serve(website)]);
    expect(code).toBe(1);
    expect(stdout).toContain("1. What answers at the address does not speak MCP.\n   Fix: Give the address of the MCP endpoint itself");
  });

  it.each([
    ["0 where nothing is dead", open, 0],
    ["1 where something is", website, 1],
  ])("ends with %s although its reader has read enough", async (_, answers, code) => {
    const line = `{ "${process.execPath}" "${main}" doctor ${await serve(answers)} --details; echo "code $?" >&2; } | true`;
    const piped = spawn("sh", ["-c", line]);
    let told = "";
    piped.stderr.on("data", (chunk: Buffer) => (told += chunk.toString()));
    await new Promise((resolve) => piped.on("close", resolve));
    expect(told).toMatch(new RegExp(`\ncode ${code}\n$`));
    expect(told).not.toContain("countersign:");
  });

  it("ends with 3 where nothing answers", async () => {
    const address = await serve(website);
    const [server] = running.splice(0);
    await new Promise((resolve) => server?.close(resolve));
    const { code, stdout, stderr } = await run([address]);
    expect([code, stderr.includes("at ")]).toEqual([3, false]);
    expect(stdout).toContain("Nothing answers at the address.");
  });

  it.each([
    [[], "doctor takes the address of one server."],
    [["https://a.example/", "https://b.example/"], "doctor takes the address of one server."],
    [["shop.example"], "the address is not an http(s) URL"],
    [["https://user:hunter2@shop.example/mcp"], "the address is not an http(s) URL"],
    [["https://shop.example/mcp", "--host", "netscape"], "--host is one of countersign, chatgpt"],
    [["https://shop.example/mcp", "--fast"], "Unknown option '--fast'"],
  ])("ends with 2 for %j, in one sentence", async (words, sentence) => {
    const { code, stdout, stderr } = await run(words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`countersign: ${sentence}`);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).not.toContain("hunter2");
  });

  it("prints JSON alone on stdout with --json, for the hosts that were named", async () => {
    const { code, stdout } = await run([await serve(open), "--json", "--host", "claude", "--host", "cursor"]);
    const report: unknown = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(report).toMatchObject({ schema: 1, exit: 0, hosts: [{ host: "claude" }, { host: "cursor" }], observation: { loopback: true } });
  });

  it("shows nothing in JSON that a terminal would obey, and loses none of it", async () => {
    const name = "odd\u009b31m\u202e";
    const { stdout } = await run([await serve(withCapability(name)), "--json"]);
    expect(stdout).not.toMatch(/[\u007f-\u009f\u202e]/);
    expect(JSON.stringify(JSON.parse(stdout))).toContain(name);
  });

  it("tells reason and source of each cell of a host that was named", async () => {
    const { stdout } = await run([await serve(website), "--host", "goose"]);
    expect(stdout).toMatch(/^Goose\n {2}connect: dead\n {6}What answers/m);
    expect(stdout).not.toContain("Claude");
  });
});

describe("the words after doctor", () => {
  const plain = { json: false, details: false, reach: "public", consent: "read_only", register: false };

  it.each([
    [["https://shop.example/mcp"], plain],
    [["http://localhost:4000/mcp"], { ...plain, reach: "local" }],
    [["https://shop.example/mcp", "--allow-private"], { ...plain, reach: "local" }],
    [["https://shop.example/mcp", "--no-call", "--json"], { ...plain, consent: "never", json: true }],
    [["https://shop.example/mcp", "--register"], { ...plain, register: true }],
    [["https://shop.example/mcp", "--host=goose"], { ...plain, details: true, hosts: ["goose"] }],
  ])("%j are understood", (words, options) => {
    expect(parseDoctor(words)).toMatchObject(options);
  });
});

describe("colours", () => {
  it.each([
    ["are for a terminal", true, {}, true],
    ["are for nobody who says no", true, { NO_COLOR: "1" }, false],
    ["are for no dumb terminal", true, { TERM: "dumb" }, false],
    ["are for no file", false, {}, false],
  ] as const)("%s", async (_name, isTTY, env, expected) => {
    const options = parseDoctor([await serve(open)]);
    if (typeof options === "string") throw new Error(options);
    let printed = "";
    const write = (text: string): void => void (printed += text);
    expect(await doctor(options, { stdout: { write, isTTY }, stderr: { write: () => {} }, env })).toBe(0);
    expect(printed.includes("\u001b[")).toBe(expected);
  });
});
