import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStack, type Stack, type StackOptions } from "@countersign/cli/stack";
import { openDataFolder } from "@countersign/service/data-folder";
import { createLogger } from "@countersign/service/log";

/** A whole system of its own: every party on a port that the system chose, data in a folder that is removed at the end. */
export interface TestStack extends Stack {
  readonly folder: string;
  /** Stops every party and starts it again on the same ports and data. */
  restart(): Promise<void>;
}

/** Options of the stack that a scenario may change. */
export type TestStackOptions = Partial<Omit<StackOptions, "data" | "listen" | "logger">>;

const parties = ["console", "widgets", "wallet", "store", "bank"] as const;
type Party = (typeof parties)[number];

/** Starts host, wallet, store and bank in this process as `countersign up` does. */
export async function runStack(options: TestStackOptions = {}): Promise<TestStack> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-stack-"));
  const data = openDataFolder(folder);
  const first = await listenAll();
  const ports = Object.fromEntries(parties.map((party) => [party, portOf(first[party])])) as Record<Party, number>;
  const startOn = (listen: Record<Party, number | Server>): Promise<Stack> =>
    startStack({ openingBalance: 100_000, ...options, data, listen, logger: (party) => createLogger(party, { level: "error" }) });
  let stack = await startOn(first);
  return {
    folder,
    urls: stack.urls,
    restart: async () => {
      await stack.stop();
      stack = await startOn(ports);
    },
    stop: async () => {
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listenAll(): Promise<Record<Party, Server>> {
  const servers = await Promise.all(parties.map(async (party) => [party, await listen()] as const));
  return Object.fromEntries(servers) as Record<Party, Server>;
}

function listen(): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("the server listens on TCP");
  return address.port;
}
