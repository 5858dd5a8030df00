import type { Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStack, type Stack, type StackOptions, type StackUrls } from "@countersign/cli/stack";
import type { App } from "@countersign/kit/app";
import { openDataFolder } from "@countersign/service/data-folder";
import { createLogger } from "@countersign/service/log";
import { serve, type Served } from "@countersign/service/serve";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { listen, portOf } from "./listen.ts";

/** A whole system of its own: every party on a port that the system chose, data in a folder that is removed at the end. */
export interface TestStack extends Stack {
  readonly folder: string;
  /** Stands between everybody and the store. */
  readonly storeFaults: FaultProxy;
  /** Stands between everybody and the bank. */
  readonly bankFaults: FaultProxy;
  /** Stops every party and starts it again on the same ports and data. */
  restart(): Promise<void>;
}

/** Options of the stack that a scenario may change. */
export interface TestStackOptions extends Partial<Omit<StackOptions, "data" | "listen" | "logger" | "urls" | "apps">> {
  /** A second app, made for the scenario with the kit; it becomes the connector `fixture` and a resource of the wallet with the scope `fixture:read`. */
  readonly fixture?: (urls: { readonly resource: string; readonly issuer: string }) => App;
  /** Apps that the parties get to know, by the wallet that they take tokens from. They are run by the scenario. */
  readonly apps?: (issuer: string) => NonNullable<StackOptions["apps"]>;
  /** Who the fixture takes tokens from, when that is not the wallet. */
  readonly fixtureIssuer?: string;
}

const logger = (party: string): ReturnType<typeof createLogger> => createLogger(party, { level: "error" });

/** Starts host, wallet, store and bank in this process as `countersign up` does. */
export async function runStack(options: TestStackOptions = {}): Promise<TestStack> {
  const { fixture, fixtureIssuer, connectors = [], apps, ...rest } = options;
  const folder = mkdtempSync(join(tmpdir(), "countersign-stack-"));
  const data = openDataFolder(folder);
  const [console, widgets, wallet, store, bank] = await Promise.all([listen(), listen(), listen(), listen(), listen()]);
  const servers = { console, widgets, wallet, store, bank };
  const [storeFaults, bankFaults] = await Promise.all([startFaultProxy(() => ports.store), startFaultProxy(() => ports.bank)]);
  const ports = { console: portOf(console), widgets: portOf(widgets), wallet: portOf(wallet), store: portOf(store), bank: portOf(bank) };
  const urls: Partial<StackUrls> = { store: `http://127.0.0.1:${storeFaults.port}`, bank: `http://127.0.0.1:${bankFaults.port}` };
  const app = fixture === undefined ? undefined : await serveFixture(fixture, fixtureIssuer ?? `http://localhost:${ports.wallet}`);
  const extra =
    app === undefined
      ? { connectors }
      : {
          connectors: [{ id: "fixture", name: "Fixture", url: app.resource }, ...connectors],
          ...(fixtureIssuer === undefined ? { walletResources: [app.walletResource] } : {}),
        };
  const startOn = (on: Readonly<Record<keyof typeof servers, number | Server>>): Promise<Stack> =>
    startStack({
      openingBalance: 100_000,
      apps: apps?.(`http://localhost:${ports.wallet}`) ?? [],
      ...extra,
      ...rest,
      data,
      listen: on,
      urls,
      logger,
    });
  let stack = await startOn(servers);
  return {
    folder,
    storeFaults,
    bankFaults,
    urls: stack.urls,
    get parties() {
      return stack.parties;
    },
    restart: async () => {
      await stack.stop();
      stack = await startOn(ports);
    },
    stop: async () => {
      await stack.stop();
      await app?.stop();
      storeFaults.close();
      bankFaults.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface ServedFixture {
  readonly resource: string;
  readonly walletResource: NonNullable<StackOptions["walletResources"]>[number];
  stop(): Promise<void>;
}

async function serveFixture(make: NonNullable<TestStackOptions["fixture"]>, issuer: string): Promise<ServedFixture> {
  const server = await listen();
  const resource = `http://127.0.0.1:${portOf(server)}/mcp`;
  const app = make({ resource, issuer });
  const served: Served = await serve({ handler: app.fetch, listen: server, logger: logger("fixture") });
  return {
    resource,
    walletResource: { resource, name: "Fixture", scopes: { "fixture:read": "Read the fixture" } },
    stop: async () => {
      await served.stop();
      await app.close();
    },
  };
}
