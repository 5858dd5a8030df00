import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type JsonObject, isJsonObject, member } from "@countersign/protocol/shape";
import type { Usage } from "./program.ts";

/** A program in a process of its own. */
export interface RunningProgram {
  readonly facts: JsonObject;
  usage(): Promise<Usage>;
  perform(task: object): Promise<unknown>;
  stop(): Promise<void>;
}

const stopTimeoutMs = 5_000;

export type ProgramName =
  | "approvals"
  | "bank"
  | "call-fastmcp"
  | "call-floor"
  | "call-kit"
  | "call-raw"
  | "call-sdk"
  | "call-sdk-v1"
  | "capture-floor"
  | "host"
  | "oauth-better-auth"
  | "oauth-floor"
  | "oauth-plain"
  | "oauth-wallet"
  | "payment-town"
  | "records"
  | "sdk-client"
  | "sign-in-parties"
  | "wallet";

const programs: Readonly<Record<ProgramName, URL>> = {
  approvals: new URL("../programs/approvals.ts", import.meta.url),
  bank: new URL("../programs/bank.ts", import.meta.url),
  "call-fastmcp": new URL("../programs/call-fastmcp.ts", import.meta.url),
  "call-floor": new URL("../programs/call-floor.ts", import.meta.url),
  "call-kit": new URL("../programs/call-kit.ts", import.meta.url),
  "call-raw": new URL("../programs/call-raw.ts", import.meta.url),
  "call-sdk": new URL("../programs/call-sdk.ts", import.meta.url),
  "call-sdk-v1": new URL("../programs/call-sdk-v1.ts", import.meta.url),
  "capture-floor": new URL("../programs/capture-floor.ts", import.meta.url),
  host: new URL("../programs/host.ts", import.meta.url),
  "oauth-better-auth": new URL("../programs/oauth-better-auth.mjs", import.meta.url),
  "oauth-floor": new URL("../programs/oauth-floor.ts", import.meta.url),
  "oauth-plain": new URL("../programs/oauth-plain.ts", import.meta.url),
  "oauth-wallet": new URL("../programs/oauth-wallet.ts", import.meta.url),
  "payment-town": new URL("../programs/payment-town.ts", import.meta.url),
  records: new URL("../programs/records.ts", import.meta.url),
  "sdk-client": new URL("../programs/sdk-client.ts", import.meta.url),
  "sign-in-parties": new URL("../programs/sign-in-parties.ts", import.meta.url),
  wallet: new URL("../programs/wallet.ts", import.meta.url),
};

/**
 * Starts a program and waits until it is ready. What it logs is discarded, what it reports as an error is shown. Flags of this process, such as
 * `--cpu-prof`, hold for it too.
 */
export async function startProgram(name: ProgramName, options: object = {}): Promise<RunningProgram> {
  const child = fork(fileURLToPath(programs[name]), [JSON.stringify(options)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const exchange = createExchange(name, child);
  const facts = await exchange.ready;
  return {
    facts,
    usage: async () => readUsage(await exchange.ask({ ask: "usage" })),
    perform: (task) => exchange.ask({ ask: "perform", task }),
    stop: () => stop(child),
  };
}

interface Exchange {
  readonly ready: Promise<JsonObject>;
  ask(message: object): Promise<unknown>;
}

function createExchange(name: string, child: ChildProcess): Exchange {
  const ready = Promise.withResolvers<JsonObject>();
  const pending = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  child.on("message", (message: unknown) => {
    const facts = member(message, "ready");
    const failed = member(message, "failed");
    const waiting = pending.get(Number(member(message, "id")));
    if (isJsonObject(facts)) ready.resolve(facts);
    else if (typeof failed === "string") (waiting ?? ready).reject(new Error(`${name}: ${failed}`));
    else waiting?.resolve(member(message, "answer"));
  });
  child.once("exit", (code, signal) => {
    const gone = new Error(`${name} ended (${signal ?? code})`);
    ready.reject(gone);
    for (const each of pending.values()) each.reject(gone);
  });
  return {
    ready: ready.promise,
    ask: async (message) => {
      lastId += 1;
      const id = lastId;
      const waiting = Promise.withResolvers<unknown>();
      pending.set(id, waiting);
      child.send({ ...message, id });
      try {
        return await waiting.promise;
      } finally {
        pending.delete(id);
      }
    },
  };
}

function readUsage(answer: unknown): Usage {
  const cpuUs = member(answer, "cpuUs");
  const rssBytes = member(answer, "rssBytes");
  if (typeof cpuUs !== "number" || typeof rssBytes !== "number") throw new TypeError("not a usage");
  return { cpuUs, rssBytes };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.send({ ask: "stop" });
  await ended;
  clearTimeout(timer);
}
