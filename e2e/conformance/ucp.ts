import { record } from "@countersign/store/testing/stand-ins/record";
import { createTown } from "@countersign/store/testing/stand-ins/town";
import type { Outcome } from "./outcome.ts";
import { type PublishedSchemas, readSchemaFolder } from "./schema-folder.ts";
import { createSchemaJudge, type SchemaJudge } from "./schema-judge.ts";
import { resolveAnnotations } from "./ucp-annotations.ts";
import { ucpCases } from "./ucp-cases.ts";
import { type Exchange, UcpPlatform, type UcpTransport, type UcpVerb } from "./ucp-platform.ts";

const checkoutSchema = "schemas/shopping/checkout.json";
const fulfillmentSchema = "schemas/shopping/fulfillment.json";
const errorSchema = "schemas/common/types/error_response.json";
const profileSchema = "discovery/profile_schema.json";
/** The checkout with the one extension that the shop's profile names. */
const extendedCheckout = `${fulfillmentSchema}#/$defs/dev.ucp.shopping.checkout`;

const published: PublishedSchemas = {
  protocol: "UCP",
  version: "2026-08-25",
  repository: "Universal-Commerce-Protocol/ucp",
  folder: "source",
  needed: [checkoutSchema, fulfillmentSchema, errorSchema, profileSchema],
};

type Written = "create" | "update" | "complete";

/**
 * Plays every story of a checkout session over both transports against the store, and holds each request and each answer, and the profile, against the
 * schemas of the folder. A request that cannot be processed is answered without a checkout; UCP has no schema for that, and it is counted as such.
 */
export async function runUcp(say: (line: string) => void, options: readonly string[]): Promise<readonly Outcome[]> {
  const files = readSchemaFolder(options, published);
  const answers = createSchemaJudge(resolveAnnotations(files, { direction: "response" }));
  const judgeFor = (operation: Written): SchemaJudge => createSchemaJudge(resolveAnnotations(files, { direction: "request", operation }));
  const requests = { create: judgeFor("create"), update: judgeFor("update"), complete: judgeFor("complete") };
  const exchanges: Exchange[] = [];
  for (const transport of ["rest", "mcp"] as const) exchanges.push(...(await play(transport)));
  const outcomes = [
    outcome("the profile", answers.faultsOf(`${profileSchema}#/$defs/business_profile`, await readProfile()), undefined),
    ...exchanges.flatMap((each) => judgeRequest(requests, each)),
    ...exchanges.flatMap((each) => judgeAnswer(answers, each)),
  ];
  const refused = exchanges.filter(({ refusal }) => refusal !== undefined).length;
  const statuses = new Set(exchanges.flatMap(({ answer }) => (typeof answer?.["status"] === "string" ? [answer["status"]] : [])));
  for (const { name, passed } of outcomes) say(`${passed ? "ok   " : "FAIL "} ${name}`);
  say(`${exchanges.length} requests: ${exchanges.length - refused} answers of the shop, ${refused} refusals, for which UCP has no schema`);
  say(`statuses: ${[...statuses].toSorted().join(", ")}; ${files.size} schema files`);
  return outcomes;
}

async function play(transport: UcpTransport): Promise<readonly Exchange[]> {
  const all: Exchange[] = [];
  for (const each of ucpCases) {
    const town = await createTown();
    const platform = new UcpPlatform(town, transport);
    try {
      await each.play(platform, town);
    } finally {
      await town.close();
    }
    all.push(...platform.exchanges.map((exchange) => ({ ...exchange, name: `${each.name}: ${exchange.name}` })));
  }
  return all;
}

async function readProfile(): Promise<unknown> {
  const town = await createTown();
  try {
    return await (await town.store.fetch(new Request("https://store.test/.well-known/ucp"))).json();
  } finally {
    await town.close();
  }
}

function judgeRequest(judges: Readonly<Record<Written, SchemaJudge>>, { name, verb, request }: Exchange): readonly Outcome[] {
  if (!isWritten(verb) || request.isWrong === true) return [];
  return [outcome(`${name}: request`, judges[verb].faultsOf(extendedCheckout, request.checkout ?? {}), request.checkout)];
}

function isWritten(verb: UcpVerb): verb is Written {
  return verb === "create" || verb === "update" || verb === "complete";
}

function judgeAnswer(judge: SchemaJudge, { name, answer }: Exchange): readonly Outcome[] {
  if (answer === undefined) return [];
  const isError = record(answer["ucp"])["status"] === "error";
  return [outcome(`${name}: answer`, judge.faultsOf(isError ? errorSchema : extendedCheckout, answer), answer)];
}

function outcome(name: string, faults: readonly string[], value: unknown): Outcome {
  const told = value === undefined || faults.length === 0 ? [] : [JSON.stringify(value)];
  return { name, passed: faults.length === 0, output: [...faults, ...told].join("\n") };
}
