import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { findPostgres } from "./postgres-binaries.ts";

/** A PostgreSQL server of one's own, for tests and benchmarks. Its data is gone after `stop`. */
export interface TestPostgres {
  /** For `openDatabase`. The same after a restart. */
  readonly url: string;
  /** An empty database of its own on the same server, as a URL. */
  createDatabase(): Promise<string>;
  /** Kills every process of the server at once (SIGKILL), as a crash would. */
  crash(): Promise<void>;
  /** Starts it again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** `isDurable`: whether a commit waits for the disk, as in production; default true. Without it tests that crash nothing are faster. */
export interface StartOptions {
  readonly isDurable?: boolean;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const socketName = ".s.PGSQL.5432";
const startTimeoutMs = 30_000;
// The shell outlives nobody: when the process that started it is gone, its input ends, and it stops the server and removes the data.
const guardScript = `trap '' INT TERM HUP; "$2" -D "$1/data" -k "$1" -c listen_addresses= -c shared_buffers=32MB -c max_connections=200 -c fsync="$3" -c log_min_messages=fatal </dev/null &
pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$1"`;

/**
 * The server for tests that do not crash it: the one at `databaseUrl` when that is given (tests get databases of their own there), else a new one as
 * {@link startPostgres} makes it.
 */
export async function usePostgres(
  databaseUrl: string | undefined,
  options: StartOptions = {},
): Promise<Pick<TestPostgres, "createDatabase" | "stop">> {
  if (databaseUrl === undefined || databaseUrl === "") return startPostgres(options);
  const made: string[] = [];
  return {
    createDatabase: async () => {
      const name = `countersign_test_${randomBytes(6).toString("hex")}`;
      await runStatement(databaseUrl, `create database ${name}`);
      made.push(name);
      return withDatabaseName(databaseUrl, name);
    },
    stop: async () => {
      for (const name of made.splice(0)) await runStatement(databaseUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

/** Starts a real PostgreSQL on a socket in a new temporary folder; no TCP port is opened. Takes about a second. */
export async function startPostgres(options: StartOptions = {}): Promise<TestPostgres> {
  const account = isRoot() ? unprivilegedAccount() : undefined;
  const binaries = findPostgres({ readableByAll: account !== undefined });
  if (binaries === undefined || process.platform === "win32")
    throw new Error("the packages bring no PostgreSQL that can be started on this platform");
  const folder = mkdtempSync(join(account === undefined ? tmpdir() : "/tmp", "countersign-pg-"));
  const as = account ?? {};
  try {
    if (account !== undefined) chownSync(folder, account.uid, account.gid);
    const flags = [
      "-D",
      join(folder, "data"),
      "-U",
      "countersign",
      "--auth=trust",
      "--no-sync",
      "--no-instructions",
      "--encoding=UTF8",
      "--locale=C",
    ];
    execFileSync(binaries.initdb, flags, { ...as, cwd: "/", stdio: ["ignore", "ignore", "pipe"], env: { LC_ALL: "C", PATH: "/usr/bin:/bin" } });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const launch = (): ChildProcess =>
    spawn("/bin/sh", ["-c", guardScript, "sh", folder, binaries.postgres, options.isDurable === false ? "off" : "on"], {
      ...as,
      cwd: "/",
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: { LC_ALL: "C" },
    });
  return control(folder, launch);
}

async function control(folder: string, launch: () => ChildProcess): Promise<TestPostgres> {
  const url = databaseUrl(folder, "postgres");
  let guard = launch();
  let databases = 0;
  const stop = async (): Promise<void> => {
    guard.stdin?.end();
    await untilExited(guard, 10_000);
    killGroup(guard);
    rmSync(folder, { recursive: true, force: true });
  };
  const ready = async (): Promise<void> => {
    try {
      await untilReady(url, guard);
    } catch (error) {
      await stop();
      throw error;
    }
  };
  await ready();
  return {
    url,
    createDatabase: async () => {
      databases += 1;
      await runStatement(url, `create database test_${databases}`);
      return databaseUrl(folder, `test_${databases}`);
    },
    crash: async () => {
      killServer(folder);
      killGroup(guard);
      await untilExited(guard, 10_000);
      await untilSocketDead(join(folder, socketName));
    },
    restart: async () => {
      // A killed server stays in the process table until it is reaped, and its lock files look alive that long.
      rmSync(join(folder, "data", "postmaster.pid"), { force: true });
      rmSync(join(folder, `${socketName}.lock`), { force: true });
      guard = launch();
      await ready();
    },
    stop,
  };
}

function databaseUrl(folder: string, name: string): string {
  return `postgres://countersign@/${name}?host=${encodeURIComponent(folder)}`;
}

function withDatabaseName(url: string, name: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/[^/?]*)(?:\/[^?]*)?/, `$1/${name}`);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function unprivilegedAccount(): Account {
  const lines = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const found = lines.find(([name]) => name === "postgres") ?? lines.find(([name]) => name === "nobody");
  return { uid: Number(found?.[2] ?? 65_534), gid: Number(found?.[3] ?? 65_534) };
}

/** Each backend of the server leads a session of its own, so the group's signal does not reach it. */
function killServer(folder: string): void {
  const [postmaster = ""] = readFileSync(join(folder, "data", "postmaster.pid"), "utf8").split("\n", 1);
  // Stopped, it can neither start another child nor tell the ones there are to leave in good order.
  process.kill(Number(postmaster), "SIGSTOP");
  const children = existsSync("/proc/self/task")
    ? readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8")
    : execFileSync("/usr/bin/pgrep", ["-P", postmaster], { encoding: "utf8" });
  for (const pid of [...children.trim().split(/\s+/), postmaster]) killProcess(Number(pid));
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function killGroup(guard: ChildProcess): void {
  if (guard.pid !== undefined) killProcess(-guard.pid);
}

async function untilExited(child: ChildProcess, withinMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Killed processes may take a moment to let go of the socket. */
async function untilSocketDead(path: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const isAlive = await new Promise<boolean>((resolve) => {
      const socket = createConnection(path, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (!isAlive) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function untilReady(url: string, guard: ChildProcess): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    try {
      return await runStatement(url, "select 1");
    } catch (error) {
      if (guard.exitCode !== null || performance.now() > deadline) throw new Error("PostgreSQL did not start", { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function runStatement(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end().catch(() => undefined);
  }
}
