import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { callbackId } from "@countersign/host/authorize/callback-id";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { type Command, freePorts, runCommand, signalGroup } from "./command.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";

const entries = {
  bank: "apps/bank/src/main.ts",
  wallet: "packages/wallet/src/main.ts",
  store: "apps/store/src/main.ts",
  host: "packages/host/src/main.ts",
} as const;

export type PartyName = keyof typeof entries;

export const partyNames: readonly PartyName[] = ["bank", "wallet", "store", "host"];

/** The parties, each a process of its own that knows nothing but its environment. */
export interface Processes {
  /** Public origins. Those of store, bank and wallet lead through their fault proxies. */
  readonly urls: Readonly<Record<PartyName, string>>;
  /** Where each process itself listens. */
  readonly listening: Readonly<Record<PartyName, string>>;
  readonly storeFaults: FaultProxy;
  readonly bankFaults: FaultProxy;
  readonly walletFaults: FaultProxy;
  folder(party: PartyName): string;
  running(party: PartyName): Command;
  /** Ends the process as a crash does (kill -9) and waits until it is gone. */
  kill(party: PartyName): Promise<void>;
  /** Starts a process that was ended, on the same port and data, and waits until it is ready. */
  start(party: PartyName): Promise<void>;
  /** Ends everything that still runs and removes the data. */
  stop(): Promise<void>;
}

const guide = join(import.meta.dirname, "../../docs/guides/run-separately.md");
const portNames = ["bank", "wallet", "store", "host", "widgets"] as const;
type Ports = Readonly<Record<(typeof portNames)[number], number>>;
const guidePorts: Ports = { bank: 4400, wallet: 4200, store: 4300, host: 4100, widgets: 4101 };

/** Variables beside those of the guide, by party. */
export type MoreEnvironment = Partial<Record<PartyName, (guide: Readonly<Record<string, string>>) => Readonly<Record<string, string>>>>;

/**
 * Starts all four at once, or those that are named, with the environments of the guide on free ports and with data folders of their own. `front`: public ports of
 * the host, where something stands before it.
 */
export async function runProcesses(
  more: MoreEnvironment = {},
  front: Partial<Pick<Ports, "host" | "widgets">> = {},
  parties: readonly PartyName[] = partyNames,
): Promise<Processes> {
  const root = mkdtempSync(join(tmpdir(), "countersign-processes-"));
  // The proxies first: they could be given a port that is only reserved.
  const bankFaults = await startFaultProxy(() => bank);
  const storeFaults = await startFaultProxy(() => store);
  const walletFaults = await startFaultProxy(() => wallet);
  const [bank = 0, wallet = 0, store = 0, host = 0, widgets = 0] = await freePorts(5);
  const ports = { bank, wallet, store, host, widgets };
  const publicPorts = { ...ports, bank: bankFaults.port, store: storeFaults.port, wallet: walletFaults.port, ...front };
  const folder = (party: PartyName): string => join(root, party);
  const commands = new Map<PartyName, Command>();
  const running = (party: PartyName): Command => {
    const command = commands.get(party);
    if (command === undefined) throw new TypeError(`the ${party} was not started`);
    return command;
  };
  const listening = {
    bank: `http://127.0.0.1:${bank}`,
    wallet: `http://localhost:${wallet}`,
    store: `http://127.0.0.1:${store}`,
    host: `http://127.0.0.1:${host}`,
  };
  const start = async (party: PartyName): Promise<void> => {
    const ofGuide = environmentOf(party, ports, publicPorts);
    const env = { ...ofGuide, ...more[party]?.(ofGuide), COUNTERSIGN_DATA: folder(party) };
    const command = runCommand([entries[party]], env, bare());
    commands.set(party, command);
    await command.printed('"process.ready"');
    const ready = await fetch(`${listening[party]}/readyz`);
    if (!ready.ok) throw new Error(`the ${party} is not ready: ${ready.status}`);
  };
  const kill = async (party: PartyName): Promise<void> => {
    signalGroup(running(party), "SIGKILL");
    await running(party).ended;
  };
  const stop = async (): Promise<void> => {
    for (const command of commands.values()) {
      if (command.child.exitCode === null && command.child.signalCode === null) signalGroup(command, "SIGKILL");
      await command.ended;
    }
    bankFaults.close();
    storeFaults.close();
    walletFaults.close();
    rmSync(root, { recursive: true, force: true });
  };
  try {
    await Promise.all(parties.map(start));
  } catch (error) {
    await stop();
    throw error;
  }
  const urls = {
    ...listening,
    host: `http://127.0.0.1:${publicPorts.host}`,
    bank: `http://127.0.0.1:${bankFaults.port}`,
    store: `http://127.0.0.1:${storeFaults.port}`,
    wallet: `http://localhost:${walletFaults.port}`,
  };
  return { urls, listening, storeFaults, bankFaults, walletFaults, folder, running, kill, start, stop };
}

/** The environment that the guide gives to a party, with other ports. */
function environmentOf(party: PartyName, ports: Ports, publicPorts: Ports): Readonly<Record<string, string>> {
  const text = new RegExp(`cat > \\S*/${party}\\.env <<'END'\\n(.*?)\\nEND`, "s").exec(readFileSync(guide, "utf8"))?.[1];
  if (text === undefined) throw new Error(`the guide has no environment for the ${party}`);
  const moved = text
    .replaceAll(/(PORT=|:)(\d{4})\b/g, (whole, before: string, port: string) => {
      const name = portNames.find((each) => guidePorts[each] === Number(port));
      return name === undefined ? whole : `${before}${(before === ":" ? publicPorts : ports)[name]}`;
    })
    .replace(callbackOf(guidePorts), callbackOf(publicPorts));
  return Object.fromEntries(Object.entries(parseEnv(moved)).map(([name, value]) => [name, value ?? ""]));
}

function callbackOf(ports: Ports): string {
  const resource = parseResourceUri(`http://127.0.0.1:${ports.store}/mcp`);
  const issuer = parseIssuer(`http://localhost:${ports.wallet}`);
  if (!resource.ok || !issuer.ok) throw new TypeError("store and wallet have valid URLs");
  return `/callback/${callbackId(resource.value, issuer.value)}`;
}

/** Nothing of this process's own settings, so that what is missing in the guide is missed. */
export function bare(): Readonly<Record<string, string | undefined>> {
  return { PATH: process.env["PATH"], HOME: process.env["HOME"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] };
}
