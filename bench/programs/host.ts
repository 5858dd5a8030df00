// The host as a process, on an embedded database, with one connector.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { start } from "@countersign/host/main";
import { Secret } from "@countersign/protocol/secret";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

/** What is still held once everything that can go has gone. */
function liveHeapBytes(): number {
  if (typeof collect === "function") collect();
  return process.memoryUsage().heapUsed;
}

await runProgram(async (options) => {
  const [console, widgets] = [createServer(), createServer()];
  const publicUrl = await listen(console);
  const widgetPort = new URL(await listen(widgets)).port;
  const host = await start({
    publicUrl,
    widgetOrigin: `http://{app}.localhost:${widgetPort}`,
    listen: console,
    widgetListen: widgets,
    databaseUrl: String(options["databaseUrl"]),
    sealingKey: new Secret(typeof options["sealingKey"] === "string" ? options["sealingKey"] : randomBytes(32).toString("base64url")),
    connectors: [{ id: "shop", name: "Shop", url: String(options["shopUrl"]) }],
    clients: typeof options["issuer"] === "string" ? { [options["issuer"]]: { clientId: "bench" } } : {},
    // One user asks for many.
    limits: { rateFactor: 1_000_000, pendingCallsMax: 1_000_000 },
  });
  return { facts: { url: publicUrl }, perform: async () => liveHeapBytes(), stop: () => host.stop() };
});
