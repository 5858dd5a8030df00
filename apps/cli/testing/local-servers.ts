import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { StandInAuthorizationServer } from "@countersign/host/testing/authorization-server";
import { StandInMcpServer, type StandInTool } from "@countersign/host/testing/mcp-server";
import { Secret } from "@countersign/protocol/secret";
import { openLocalHost } from "../src/local/local-host.ts";
import type { Session } from "../src/local/session.ts";
import { visitAsPerson } from "./person.ts";

/** A server with its sign-in service, both real but small. */
export interface LocalServers {
  readonly authorizationServer: StandInAuthorizationServer;
  readonly server: StandInMcpServer;
  close(): Promise<void>;
}

export async function startServers(tools: Record<string, StandInTool>): Promise<LocalServers> {
  const authorizationServer = await StandInAuthorizationServer.start();
  const server = await StandInMcpServer.start({
    issuers: [authorizationServer.origin],
    judgeToken: (token) => {
      const granted = authorizationServer.granted.get(token);
      return granted?.active === true ? granted.scope : undefined;
    },
    tools,
  });
  return {
    authorizationServer,
    server,
    close: async () => {
      await server.close();
      await authorizationServer.close();
    },
  };
}

/** What was opened in the person's browser, and the pages that they saw there. */
export interface TestSession extends Session {
  readonly opened: readonly string[];
  readonly pages: readonly string[];
  close(): Promise<void>;
}

/** A session of the command line on a new database, with a person who follows every sign-in's link. `databaseUrl` and `sealingKey` to come back to an earlier one. */
export async function openSession(
  { authorizationServer, server }: LocalServers,
  given: Pick<Session, "terminal"> &
    Partial<Pick<Session, "way" | "signal">> & { readonly databaseUrl?: string; readonly sealingKey?: Secret; readonly declines?: boolean },
): Promise<TestSession> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  if (typeof address !== "object" || address === null) throw new TypeError("a listening server has an address");
  const host = await openLocalHost({
    databaseUrl: given.databaseUrl ?? "memory:",
    sealingKey: given.sealingKey ?? new Secret(randomBytes(32).toString("base64url")),
    connectors: [{ id: "store", name: "Store", url: server.url }],
    clients: { [authorizationServer.origin]: { clientId: "countersign-host" } },
    listen: listener,
    port: address.port,
    portVariable: "COUNTERSIGN_CLI_PORT",
    report: (event, fields) => {
      throw new Error(`${event}: ${String(fields["error"])}`);
    },
  });
  const opened: string[] = [];
  const pages: string[] = [];
  const visits: Promise<unknown>[] = [];
  const open = (url: string): boolean => {
    opened.push(url);
    if (url.startsWith("http://127.0.0.1")) visits.push(visitAsPerson(url, given.declines).then((seen) => pages.push(...seen)));
    return true;
  };
  return {
    host,
    terminal: given.terminal,
    way: given.way ?? "browser",
    account: "ana on laptop",
    open,
    signal: given.signal ?? new AbortController().signal,
    sleep: (ms) => sleep(Math.min(ms, 20)),
    opened,
    pages,
    close: async () => {
      await Promise.all(visits);
      await host.close();
      await new Promise((resolve) => {
        listener.close(resolve);
        listener.closeAllConnections();
      });
    },
  };
}
