// The official client in a process of its own, calling the tool directly.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { member } from "@countersign/protocol/shape";
import { runInside } from "../measure/inside.ts";
import { runProgram } from "../measure/program.ts";
import { quoteTool } from "./parts/quote.ts";

await runProgram(async (options) => {
  const client = new Client({ name: "bench", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new StreamableHTTPClientTransport(new URL(String(options["shopUrl"]))));
  await client.listTools();
  const call = async (): Promise<boolean> => {
    const result = await client.callTool({ name: quoteTool.name, arguments: { sku: "mug-stoneware-blue", quantity: 2 } });
    if (member(result.structuredContent, "total") !== 2500) throw new Error(`not a quote: ${JSON.stringify(result)}`);
    return true;
  };
  return {
    facts: {},
    perform: (task) => runInside(Number(member(task, "durationMs")), Number(member(task, "inFlight")), call),
    stop: () => client.close(),
  };
});
