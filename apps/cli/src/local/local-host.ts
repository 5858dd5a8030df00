import { createHash, randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { createHost, type Host } from "@countersign/host/host";
import type { HostOptions } from "@countersign/host/options";
import type { Operation } from "@countersign/host/routes/operation";
import { httpError } from "@countersign/host/routes/schemas/errors";
import { type HttpErrorBody, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import { respondRefusal } from "@countersign/service/respond";
import { serve, type Served } from "@countersign/service/serve";
import { openDatabase } from "@countersign/storage/open";
import { createSealer, keyRing } from "@countersign/storage/sealed";

/** Where the host of the command line keeps its rows, and the servers and clients it starts with. */
export interface LocalHostOptions extends Pick<HostOptions, "connectors" | "clients"> {
  readonly databaseUrl: string;
  readonly sealingKey: Secret;
  /** The port that sign-ins come back to, or a server that listens already. */
  readonly listen: number | Server;
  readonly port: number;
  /** The variable that changes the port. */
  readonly portVariable: string;
  readonly report: NonNullable<HostOptions["report"]>;
}

/** What goes with an operation: the `:id` of its path, its query, its body. */
export interface Asked<Body> {
  readonly id?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Body;
}

/** Asks the host of the command line. Each operation is one of the HTTP API, judged and answered as for any other product that embeds a host. */
export interface LocalHost {
  ask<Body, Answer>(operation: Operation<Body, Answer>, asked?: Asked<Body>): Promise<Result<Answer, HttpErrorBody>>;
  /** Opens the pages of a sign-in to a browser of this machine, until the host is closed. Throws `StartupProblem` when the port is taken. */
  admitBrowser(): Promise<void>;
  close(): Promise<void>;
}

/** What a browser may see of it: the pages of sign-ins that are under way. The API is for this process alone. */
const openPaths = /^\/(flows\/(link|visit)|callback|pages)\/[^/]+/;
const user = "local";

/** Starts a host inside this process, with one product, the command line, and one user of it. Nothing listens until a sign-in in a browser needs it. */
export async function openLocalHost(options: LocalHostOptions): Promise<LocalHost> {
  const publicUrl = `http://127.0.0.1:${options.port}`;
  const key = randomBytes(32).toString("base64url");
  const database = await openDatabase<unknown>({ url: options.databaseUrl, schema: "host", migrations: [] });
  let host: Host;
  try {
    host = await createHost({
      publicUrl,
      widgetOrigin: "http://{app}.localhost:1",
      database,
      sealer: createSealer(keyRing(options.sealingKey)),
      connectors: options.connectors,
      clients: options.clients,
      apiClients: [
        { id: "cli", name: "the Countersign command line", keyDigest: createHash("sha256").update(key, "utf8").digest("hex"), origins: [] },
      ],
      soleUser: { clientId: "cli", user },
      report: options.report,
    });
  } catch (error) {
    await database.close();
    throw error;
  }
  let pages: Promise<Served> | undefined;
  return {
    ask: async (operation, asked = {}) => {
      const answered = await host.fetch(requestOf(publicUrl, key, operation, asked));
      const body: unknown = await answered.json();
      return answered.ok ? ok(operation.answer.parse(body)) : err(httpError.parse(body));
    },
    admitBrowser: async () => {
      pages ??= serve({
        handler: (request) => (openPaths.test(new URL(request.url).pathname) ? host.fetch(request) : respondRefusal(refuse("not_found"))),
        listen: options.listen,
        hosts: [new URL(publicUrl).host],
        logger: createLogger("cli", { level: "silent" }),
        timeouts: { drain: 1000 },
        portVariable: options.portVariable,
      });
      await pages;
    },
    close: async () => {
      host.stopWaiting();
      await pages?.then(
        (served) => served.stop(),
        () => undefined,
      );
      await host.close();
    },
  };
}

function requestOf<Body>(origin: string, key: string, operation: Operation<Body, unknown>, { id = "", query = {}, body }: Asked<Body>): Request {
  const url = new URL(operation.path.replace(":id", encodeURIComponent(id)), origin);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const headers = { authorization: `Bearer ${key}`, "countersign-user": user, "content-type": "application/json" };
  return new Request(url, { method: operation.method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}
