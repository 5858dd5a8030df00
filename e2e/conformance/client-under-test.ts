// The client that the official suite starts, once for each scenario: the host, and a user who calls every tool of the server named by the last argument.
import { randomBytes } from "node:crypto";
import { type HostStartOptions, start } from "@countersign/host/main";
import { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import { z } from "zod";
import { listen, portOf } from "../stack/listen.ts";
import { ClientUser, type ListedTool } from "./client-user.ts";

const connectorId = "suite";
/** Its server lists a tool and answers no call: that the list was read, and nothing fetched for it, is all it looks at. */
const listOnly = "json-schema-ref-no-deref";
/** The suite gives a client 30 seconds, and then ends only the shell around it. */
const allowedMs = 20_000;

const contextSchema = z.object({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  issuer: z.string().optional(),
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })).optional(),
});

const samples: Readonly<Record<string, unknown>> = { number: 2, integer: 2, boolean: true, array: [], object: {}, null: null };

type Context = z.infer<typeof contextSchema>;

const url = process.argv.at(-1) ?? "";
const scenario = process.env["MCP_CONFORMANCE_SCENARIO"];
const context = contextSchema.parse(JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}"));
try {
  process.exit((await run(url, context)) ? 0 : 1);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

/** True when every tool was called and gave a result, where the scenario's server gives one. */
async function run(serverUrl: string, given: Context): Promise<boolean> {
  const host = await startHost(serverUrl, given);
  try {
    const user = new ClientUser(host.url, AbortSignal.timeout(allowedMs));
    await user.open();
    let complete = true;
    for (const tool of await user.listTools(connectorId)) {
      const call = await user.callTool(connectorId, tool.name, argumentsOf(tool, given));
      console.log(`${tool.name}: ${call.state}${call.error === undefined ? "" : ` ${call.error.code} (${call.error.message})`}`);
      complete &&= call.state === "completed" || scenario === listOnly;
    }
    return complete;
  } finally {
    await host.stop();
  }
}

async function startHost(serverUrl: string, given: Context): Promise<Awaited<ReturnType<typeof start>>> {
  const [page, widgets] = await Promise.all([listen(), listen()]);
  return start({
    listen: page,
    widgetListen: widgets,
    publicUrl: `http://127.0.0.1:${portOf(page)}`,
    widgetOrigin: `http://{app}.localhost:${portOf(widgets)}`,
    databaseUrl: "memory:",
    sealingKey: new Secret(randomBytes(32).toString("base64url")),
    connectors: [{ id: connectorId, name: "Conformance suite", url: serverUrl }],
    clients: clientsOf(given),
    clientMetadataUrl: "https://conformance-test.local/client-metadata.json",
    logger: createLogger("host", { level: "error" }),
  });
}

function clientsOf({ client_id: clientId, client_secret: secret, issuer }: Context): HostStartOptions["clients"] {
  if (clientId === undefined || issuer === undefined) return {};
  return { [issuer]: { clientId, ...(secret === undefined ? {} : { clientSecret: new Secret(secret) }) } };
}

/** What the scenario wants the tool to be called with, or else some value for each required property. */
function argumentsOf(tool: ListedTool, given: Context): Readonly<Record<string, unknown>> {
  const wanted = given.toolCalls?.find((call) => call.name === tool.name);
  if (wanted !== undefined) return wanted.arguments;
  const schema = z.object({ properties: z.record(z.string(), z.unknown()).optional(), required: z.array(z.string()).optional() });
  const { properties = {}, required = [] } = schema.parse(tool.inputSchema);
  return Object.fromEntries(required.map((name) => [name, someValue(properties[name])]));
}

function someValue(property: unknown): unknown {
  const type = z.object({ type: z.string() }).safeParse(property).data?.type ?? "string";
  return Object.hasOwn(samples, type) ? samples[type] : "text";
}
