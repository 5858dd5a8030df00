import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { usePostgres } from "@countersign/storage/testing/postgres";
import { type Command, freePorts, runCommand, signalGroup } from "./command.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { bare, type Processes, runProcesses } from "./run-processes.ts";

type HostName = "A" | "B";

/** The parties as processes, with two hosts on one PostgreSQL behind a front that asks them in turn. */
export interface TwoHosts {
  readonly processes: Processes;
  /** Requests that each host was given so far. */
  readonly asked: Readonly<Record<HostName, number>>;
  /** Ends one host as a crash does (kill -9); the front goes on with the other. */
  kill(host: HostName): Promise<void>;
  stop(): Promise<void>;
}

/** A front that gives each request to the next host that is alive. */
interface Front {
  readonly proxy: FaultProxy;
  readonly targets: Map<HostName, number>;
}

async function startFront(asked: Record<HostName, number>): Promise<Front> {
  const targets = new Map<HostName, number>();
  let turn = 0;
  const proxy = await startFaultProxy(() => {
    const alive = [...targets];
    const [name, port] = alive[(turn += 1) % alive.length] ?? [];
    if (name === undefined || port === undefined) throw new Error("no host is alive");
    asked[name] += 1;
    return port;
  });
  return { proxy, targets };
}

/** Starts everything; the hosts share nothing but database, key and public address. */
export async function runTwoHosts(): Promise<TwoHosts> {
  const postgres = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
  const shared = {
    COUNTERSIGN_HOST_DATABASE_URL: await postgres.createDatabase(),
    COUNTERSIGN_KEY: randomBytes(32).toString("base64url"),
  };
  const asked: Record<HostName, number> = { A: 0, B: 0 };
  const front = await startFront(asked);
  const widgetFront = await startFront({ A: 0, B: 0 });
  let environment: Readonly<Record<string, string>> = {};
  const ofHost = (guide: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
    environment = { ...guide, ...shared };
    return shared;
  };
  const processes = await runProcesses({ host: ofHost }, { host: front.proxy.port, widgets: widgetFront.proxy.port });
  const [port = 0, widgetPort = 0] = await freePorts(2);
  const ports = {
    COUNTERSIGN_HOST_PORT: String(port),
    COUNTERSIGN_WIDGET_PORT: String(widgetPort),
    COUNTERSIGN_DATA: join(processes.folder("host"), "b"),
  };
  const second: Command = runCommand(["packages/host/src/main.ts"], { ...environment, ...ports }, bare());
  await second.printed('"process.ready"');
  front.targets.set("A", Number(environment["COUNTERSIGN_HOST_PORT"])).set("B", port);
  widgetFront.targets.set("A", Number(environment["COUNTERSIGN_WIDGET_PORT"])).set("B", widgetPort);
  const kill = async (host: HostName): Promise<void> => {
    front.targets.delete(host);
    widgetFront.targets.delete(host);
    if (host === "A") return processes.kill("host");
    signalGroup(second, "SIGKILL");
    await second.ended;
  };
  const stop = async (): Promise<void> => {
    if (second.child.exitCode === null && second.child.signalCode === null) signalGroup(second, "SIGKILL");
    await second.ended;
    await processes.stop();
    for (const { proxy } of [front, widgetFront]) proxy.close();
    await postgres.stop();
  };
  return { processes, asked, kill, stop };
}
