import { createTown, type Town } from "@countersign/store/testing/stand-ins/town";
import { AcpAgentServer, acpAgents, type AcpExchange, type AcpVerb } from "./acp-agent.ts";
import { acpCases } from "./acp-cases.ts";
import type { Outcome } from "./outcome.ts";
import { type PublishedSchemas, readSchemaFolder } from "./schema-folder.ts";
import { createSchemaJudge, type SchemaJudge } from "./schema-judge.ts";

const file = "schema.agentic_checkout.json";

const published: PublishedSchemas = {
  protocol: "ACP",
  version: "2026-04-17",
  repository: "agentic-commerce-protocol/agentic-commerce-protocol",
  folder: "spec/2026-04-17/json-schema",
  needed: [file],
};

/** Reading has no body. */
const requestShapes: Readonly<Record<Exclude<AcpVerb, "get">, string>> = {
  create: "CheckoutSessionCreateRequest",
  update: "CheckoutSessionUpdateRequest",
  complete: "CheckoutSessionCompleteRequest",
  cancel: "CancelSessionRequest",
};

/** Plays every story of a checkout session against the store, and holds each request, each answer and the discovery document against the schemas of the folder. */
export async function runAcp(say: (line: string) => void, options: readonly string[]): Promise<readonly Outcome[]> {
  const judge = createSchemaJudge(readSchemaFolder(options, published));
  const exchanges: AcpExchange[] = [];
  for (const each of acpCases) {
    const played = await inTown(async (town) => {
      const agent = new AcpAgentServer(town);
      await each.play(agent, town);
      return agent.exchanges;
    });
    exchanges.push(...played.map((exchange) => ({ ...exchange, name: `${each.name}: ${exchange.name}` })));
  }
  const requests = exchanges.flatMap((each) => judgeRequest(judge, each));
  const answers = exchanges.map((each) => judgeAnswer(judge, each));
  const outcomes = [hold(judge, "the discovery document", "DiscoveryResponse", await inTown(discover)), ...requests, ...answers];
  for (const { name, passed } of outcomes) say(`${passed ? "ok   " : "FAIL "} ${name}`);
  const refused = exchanges.filter((each) => each.status >= 400);
  const codes = new Set(refused.map(({ status, answer }) => `${status} ${String(answer["code"])}`));
  const statuses = new Set(exchanges.flatMap(({ status, answer }) => (status < 400 ? [String(answer["status"])] : [])));
  say(`${requests.length} requests and ${answers.length} answers, ${answers.length - refused.length} of them sessions and ${refused.length} errors`);
  say(`statuses: ${[...statuses].toSorted().join(", ")}; errors: ${[...codes].toSorted().join(", ")}`);
  return outcomes;
}

async function inTown<T>(act: (town: Town) => Promise<T>): Promise<T> {
  const town = await createTown({ agents: acpAgents });
  try {
    return await act(town);
  } finally {
    await town.close();
  }
}

async function discover(town: Town): Promise<unknown> {
  return await (await town.store.fetch(new Request("https://store.test/.well-known/acp.json"))).json();
}

function judgeRequest(judge: SchemaJudge, { name, verb, request: { body, isWrong } }: AcpExchange): readonly Outcome[] {
  return verb === "get" || body === undefined || isWrong === true ? [] : [hold(judge, `${name}: request`, requestShapes[verb], body)];
}

function judgeAnswer(judge: SchemaJudge, { name, status, answer }: AcpExchange): Outcome {
  const session = answer["status"] === "completed" ? "CheckoutSessionWithOrder" : "CheckoutSession";
  return hold(judge, `${name}: answer ${status}`, status >= 400 ? "Error" : session, answer);
}

function hold(judge: SchemaJudge, name: string, shape: string, value: unknown): Outcome {
  const faults = judge.faultsOf(`${file}#/$defs/${shape}`, value);
  const told = faults.length === 0 ? [] : [JSON.stringify(value)];
  return { name, passed: faults.length === 0, output: [...faults, ...told].join("\n") };
}
