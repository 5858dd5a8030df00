import { hostname, userInfo } from "node:os";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataFolder } from "@countersign/service/data-folder";
import { cliClientId } from "../cli-client.ts";
import type { SignInWay } from "../command.ts";
import { cliConfig, type CliConfig } from "../config.ts";
import type { Ending } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { takeDataLock } from "./data-lock.ts";
import { openLocalHost } from "./local-host.ts";
import { openBrowser } from "./open-browser.ts";
import type { Session } from "./session.ts";

/** What the process around a command gives it. */
export interface Surroundings {
  readonly config: CliConfig;
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly report: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

const stopMsMax = 2000;

/** Runs a command with a host of its own, on the data of the command line, and closes it again. Throws `StartupProblem`. */
export async function withSession(around: Surroundings, way: SignInWay, run: (session: Session) => Promise<Ending>): Promise<Ending> {
  const { config, terminal, env, signal, report } = around;
  const folder = openDataFolder(resolve(config.data));
  const release = await takeDataLock(folder.path, () => terminal.tell("Another countersign command is at work; waiting for it.\n"), signal);
  if (release === undefined) return "interrupted";
  try {
    const host = await openLocalHost({
      databaseUrl: folder.databaseUrl("cli"),
      sealingKey: folder.key("cli"),
      connectors: [{ id: "store", name: "Harbour Goods", url: `http://127.0.0.1:${config.storePort}/mcp` }],
      clients: { [`http://localhost:${config.walletPort}`]: { clientId: cliClientId }, ...config.clients },
      listen: config.port,
      port: config.port,
      portVariable: cliConfig.port.env,
      report,
    });
    try {
      const open = (url: string): boolean => openBrowser(url, process.platform, env);
      const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
      return await unlessStopped(run({ host, terminal, way, account: accountName(), open, signal, sleep: pause }), signal);
    } finally {
      // A server that does not answer may keep the closing waiting; what is stored is whole at any time.
      await (signal.aborted ? Promise.race([host.close(), sleep(stopMsMax)]) : host.close());
    }
  } finally {
    release();
  }
}

/** What runs gets a little time to end in good order when the user wants to stop; a server that does not answer gets no more. */
async function unlessStopped(running: Promise<Ending>, signal: AbortSignal): Promise<Ending> {
  const { promise: late, resolve } = Promise.withResolvers<Ending>();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(resolve, stopMsMax, "interrupted");
  };
  // The user may have wanted to stop while the host was started.
  if (signal.aborted) begin();
  else signal.addEventListener("abort", begin, { once: true });
  try {
    return await Promise.race([running, late]);
  } finally {
    signal.removeEventListener("abort", begin);
    clearTimeout(timer);
  }
}

/** Who sits at this terminal, as they know it themselves. */
function accountName(): string {
  const name = `${userNameOf()} on ${hostname()}`.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "").slice(0, 100);
  return name.trim() === "" ? "you" : name;
}

/** A user id without a name, as in some containers, makes the system call throw. */
function userNameOf(): string {
  try {
    return userInfo().username;
  } catch {
    return "you";
  }
}
