// What a durable call cannot do without: one HTTP exchange with the caller, the row of the call on disk before it is sent, the same MCP call by the official client,
// and its result on disk before it is answered. No session, no policy, no trace, nothing sealed.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { isJsonObject, member } from "@countersign/protocol/shape";
import { openDatabase } from "@countersign/storage/open";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";
import { openRawDatabase, type RawDatabase } from "./parts/raw-database.ts";

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function call(client: Client, database: RawDatabase, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const asked = await readText(incoming);
  const request: unknown = JSON.parse(asked);
  const id = randomUUID();
  await database.run({ text: "insert into records (kind, id, value, version, keys) values ('call', ?, ?, 1, '{}')", values: [id, asked] });
  const args = member(request, "arguments");
  const result = await client.callTool({ name: String(member(request, "tool")), arguments: isJsonObject(args) ? { ...args } : {} });
  const answer = JSON.stringify({ id, state: "completed", result });
  await database.run({ text: "update records set value = ?, version = 2 where kind = 'call' and id = ? and version = 1", values: [answer, id] });
  outgoing.writeHead(202, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) }).end(answer);
}

await runProgram(async (options) => {
  const client = new Client({ name: "bench", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new StreamableHTTPClientTransport(new URL(String(options["shopUrl"]))));
  await client.listTools();
  const databaseUrl = String(options["databaseUrl"]);
  await (await openDatabase<unknown>({ url: databaseUrl, schema: "bench", migrations: [] })).close();
  const database = openRawDatabase(databaseUrl, "bench");
  const server = createServer((incoming, outgoing) => {
    call(client, database, incoming, outgoing).catch((error: unknown) => outgoing.writeHead(500).end(String(error)));
  });
  const url = await listen(server);
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await client.close();
    await database.close();
  };
  return { facts: { url }, stop };
});
