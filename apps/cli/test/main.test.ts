import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LocalServers, startServers } from "../testing/local-servers.ts";

const bin = join(import.meta.dirname, "../bin/countersign.mjs");

function run(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly code: number | null; readonly out: string; readonly err: string } {
  const ended = spawnSync(process.execPath, [bin, ...words], { encoding: "utf8", env: { ...process.env, ...env } });
  return { code: ended.status, out: ended.stdout, err: ended.stderr };
}

test("help and version go to the standard output and end with 0", () => {
  expect(run(["--help"])).toEqual({ code: 0, out: expect.stringMatching(/^Usage: countersign <command>\n/), err: "" });
  expect(run(["--version"])).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: "" });
});

test("what cannot be followed ends with 2, and so does a setting that is not valid", () => {
  expect(run(["confgi"])).toEqual({ code: 2, out: "", err: expect.stringMatching(/^countersign: .*Did you mean config\?.*\n$/) });
  expect(run(["config", "bank"], { COUNTERSIGN_BANK_PORT: "many" })).toMatchObject({ code: 2, err: "" });
  for (const words of [["up"], ["connect"]]) {
    const ended = run(words, { COUNTERSIGN_STORE_PORT: "many" });
    expect(ended).toEqual({ code: 2, out: "", err: expect.stringMatching(/^countersign: .*COUNTERSIGN_STORE_PORT must be a whole number.*\n$/) });
  }
});

test("JSON is all that is on the standard output", () => {
  const { code, out, err } = run(["config", "bank", "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(JSON.parse(out)).toMatchObject({ parties: [{ party: "bank" }] });
});

test("what keeps a command from starting is said in one sentence, without a stack", () => {
  const { code, out, err } = run(["up", "--app", "/nonexistent"]);
  expect({ code, out, lines: err.trim().split("\n").length }).toEqual({ code: 1, out: "", lines: 1 });
  expect(err).toMatch(/^countersign: .*\.\n$/);
});

test("an unknown scenario of the measurements ends with 2 and the list of those that there are", () => {
  expect(run(["bench", "bundels"])).toEqual({ code: 2, out: "", err: expect.stringMatching(/Did you mean bundles\? There are .*kit-call/) });
});

test("whoever reads only the first line of the output hears nothing of it", () => {
  const piped = spawnSync("sh", ["-c", `"${process.execPath}" "${bin}" config | head -n 1`], { encoding: "utf8" });
  expect({ code: piped.status, err: piped.stderr }).toEqual({ code: 0, err: "" });
  expect(piped.stdout).toMatch(/^up: /);
});

const shell = (line: string, env: Readonly<Record<string, string>> = {}): ReturnType<typeof run> => {
  const ended = spawnSync("sh", ["-c", line], { encoding: "utf8", env: { ...process.env, ...env } });
  return { code: ended.status, out: ended.stdout, err: ended.stderr };
};

test("the exit code is the command's own although nobody reads its output any more", () => {
  for (const [words, setting, code] of [
    ["config bank", "4400", 0],
    ["config bank", "many", 2],
    ["--help", "4400", 0],
  ] as const) {
    const piped = shell(`{ "${process.execPath}" "${bin}" ${words}; echo "code $?" >&2; } | true`, { COUNTERSIGN_BANK_PORT: setting });
    expect(piped).toEqual({ code: 0, out: "", err: `code ${code}\n` });
  }
});

test("an answer that cannot be written ends with 1", () => {
  const readOnly = openSync(bin, "r");
  const ended = spawnSync(process.execPath, [bin, "config", "bank"], { encoding: "utf8", stdio: ["ignore", readOnly, "pipe"] });
  closeSync(readOnly);
  expect({ code: ended.status, err: ended.stderr }).toEqual({ code: 1, err: "countersign: the output cannot be written (EBADF).\n" });
});

describe("a call as a process", () => {
  let servers: LocalServers;
  let folder: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    servers = await startServers({ browse: {}, list_orders: { demands: ["orders:read"] } });
    folder = mkdtempSync(join(tmpdir(), "countersign-cli-"));
    const clients = [{ issuer: servers.authorizationServer.origin, client_id: "countersign-host" }];
    env = {
      COUNTERSIGN_DATA: folder,
      COUNTERSIGN_CLI_PORT: String(await freePort()),
      COUNTERSIGN_CLI_CLIENTS: JSON.stringify(clients),
      BROWSER: person,
    };
  });
  afterEach(async () => {
    await servers.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (...words: readonly string[]): Running => startProcess([bin, ...words], env);

  test("it signs in through the browser, comes back over this machine, prints the answer and keeps the sign-in for the next one", async () => {
    const first = start("call", servers.server.url, "list_orders");
    expect(await first.ended).toBe(0);
    expect(first.out()).toBe('{"done":"list_orders"}\n');
    expect(first.err()).toContain("Signed in. The call goes on.");
    const second = start("call", servers.server.url, "list_orders", "--json");
    expect(await second.ended).toBe(0);
    expect(second.err()).not.toContain("Sign-in");
    expect(JSON.parse(second.out())).toMatchObject({ ok: true, result: { structuredContent: { done: "list_orders" } } });
    expect(servers.server.executions).toHaveLength(2);
  });

  test("Ctrl-C while the sign-in is open ends it with 130, and another command that waited for the data goes on", async () => {
    const first = start("call", servers.server.url, "list_orders", "--no-browser");
    await first.said("/flows/link/");
    const second = start("call", servers.server.url, "browse");
    await second.said("Another countersign command is at work");
    first.interrupt();
    expect(await first.ended).toBe(130);
    expect(first.err()).toMatch(/countersign: Stopped\.\n$/);
    expect(await second.ended).toBe(0);
    expect(second.out()).toBe('{"done":"browse"}\n');
    expect(servers.server.executions.map(({ tool }) => tool)).toEqual(["browse"]);
  });

  test("a call whose command was killed while it waited never runs, whoever signs in later", async () => {
    const killed = start("call", servers.server.url, "list_orders", "--no-browser");
    await killed.said("/flows/link/");
    killed.kill();
    await killed.ended;
    const next = start("call", servers.server.url, "list_orders");
    expect(await next.ended).toBe(0);
    expect(servers.server.executions.map(({ tool }) => tool)).toEqual(["list_orders"]);
  });

  test("a call goes on to its answer although nobody hears what is told meanwhile", async () => {
    const unheard = start("call", servers.server.url, "browse");
    unheard.deafen();
    expect(await unheard.ended).toBe(0);
    expect(unheard.out()).toBe('{"done":"browse"}\n');
  });

  test("a call whose output nobody reads ends with the code of what came of it", async () => {
    servers.server.tools["broken"] = {
      run: () => {
        throw new Error("sold out");
      },
    };
    for (const [tool, code] of [
      ["browse", 0],
      ["broken", 1],
    ] as const) {
      const unread = start("call", servers.server.url, tool, "--json");
      unread.leave();
      expect([await unread.ended, unread.out()]).toEqual([code, ""]);
    }
  });

  test("the file of a trace is meant from where the person stands", async () => {
    const traced = startProcess([bin, "call", servers.server.url, "browse", "--trace-file", "trace.mmd"], { ...env, INIT_CWD: folder });
    expect(await traced.ended).toBe(0);
    expect(readFileSync(join(folder, "trace.mmd"), "utf8")).toMatch(/^sequenceDiagram\n/);
  });

  test("Ctrl-C ends it within seconds while a server does not answer", async () => {
    servers.server.intercept = () => new Promise<never>(() => undefined);
    const hanging = start("call", servers.server.url, "browse", "--debug");
    await expect.poll(() => servers.server.methods, { timeout: 15_000 }).not.toEqual([]);
    hanging.interrupt();
    expect(await hanging.ended).toBe(130);
  }, 120_000);

  test("a fault of the program ends with 70, and shows where it happened only with --debug", async () => {
    mkdirSync(join(folder, "cli.lock"));
    const quiet = start("connect");
    expect(await quiet.ended).toBe(70);
    expect(quiet.err()).toMatch(/^countersign: This should not have happened \(\w+\)\. Run it again with --debug to see where\.\n$/);
    const loud = start("connect", "--debug");
    expect(await loud.ended).toBe(70);
    expect(loud.err()).toContain("data-lock.ts");
  });
});

const person = join(import.meta.dirname, "../testing/person.ts");

interface Running {
  readonly ended: Promise<number | null>;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves once this was told. */
  readonly said: (text: string) => Promise<void>;
  /** What a terminal does on Ctrl-C: a signal to the whole group. */
  readonly interrupt: () => void;
  /** Nobody reads its standard error any more. */
  readonly deafen: () => void;
  /** Nobody reads its standard output any more. */
  readonly leave: () => void;
  /** Ends it as a power cut does. */
  readonly kill: () => void;
}

function startProcess(words: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, words, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const text = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => (text.out += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (text.err += chunk.toString("utf8")));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    ended,
    out: () => text.out,
    err: () => text.err,
    said: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => (text.err.includes(wanted) ? resolve() : undefined);
        child.stderr.on("data", look);
        void ended.then((code) => reject(new Error(`it ended with ${String(code)} before it said “${wanted}”: ${text.err}`)));
        look();
      }),
    interrupt: () => void (child.pid === undefined ? undefined : process.kill(-child.pid, "SIGINT")),
    deafen: () => void child.stderr.destroy(),
    leave: () => void child.stdout.destroy(),
    kill: () => void (child.pid === undefined ? undefined : process.kill(-child.pid, "SIGKILL")),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
