import { errorCatalogue, type ErrorCode } from "@countersign/protocol/errors";
import type { RateBound } from "@countersign/protocol/rate";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { z } from "zod";
import { rateOf, rates } from "../limits/rates.ts";
import { type AnyOperation, noBody } from "./operation.ts";
import { followEvents, operations } from "./operations.ts";
import { httpError } from "./schemas/errors.ts";
import { eventData } from "./schemas/events.ts";

/** What every operation may refuse: a request that is not valid, not let in, too large, too often, or met a failure of ours. */
const everywhere: readonly ErrorCode[] = ["invalid_request", "forbidden_origin", "rate_limited", "internal_error", "unavailable"];
const withBody: readonly ErrorCode[] = ["request_too_large", "unsupported_media_type"];

const description = `Another chat product embeds this host with this API: it connects MCP servers for its users, calls their tools, lets the users sign in, and shows their views.

A product's server sends \`Authorization: Bearer <API key>\` and \`Countersign-User: <its own name of the user>\`. API keys are for servers: a request with an Origin header, or with
cookies, is refused, and no answer names an origin that may read it. Pages of the console come with a session cookie instead. Each user of each product is a user of its own: an id of
another user is answered exactly like an id that never was.

Answers may gain members and enumerations may gain values; requests with members that are not described are refused. Every refusal has the body \`Error\`; its \`code\` is
stable. Bodies are JSON of at most 256 KiB, 32 levels and 2,000 values. A known path with another method is 405 with \`Allow\`; a request whose Host is not the host's own is 421.`;

/** The codes that an operation may answer with instead of its good answer, by HTTP status. */
export function refusalsOf(operation: AnyOperation): ReadonlyMap<number, readonly ErrorCode[]> {
  const who: readonly ErrorCode[] =
    operation.audience === "console"
      ? ["not_signed_in", "client_not_allowed"]
      : operation.audience === "products"
        ? ["invalid_client", "not_signed_in", "client_not_allowed"]
        : ["invalid_client", "not_signed_in"];
  const missing: readonly ErrorCode[] = operation.path.includes(":id") ? ["not_found"] : [];
  const codes = new Set([...everywhere, ...who, ...missing, ...(operation.body === noBody ? [] : withBody), ...operation.errors]);
  return Map.groupBy([...codes], (code) => errorCatalogue[code].status);
}

/** The document of this host, as text: what `/api/openapi.json` answers and what stands in `docs/api`. */
export const apiDocument: string = `${JSON.stringify(describeApi(operations), null, 2)}\n`;

/** The OpenAPI 3.1 document of the HTTP API, made from the schemas that the routes read and answer by. */
function describeApi(described: readonly AnyOperation[]): JsonObject {
  const components: Record<string, unknown> = {};
  const toSchema = (schema: z.ZodType, io: "input" | "output"): JsonObject => {
    const { $schema: _, $defs, ...root } = z.toJSONSchema(schema, { io, target: "draft-2020-12", unrepresentable: "any", override: relax(io) });
    for (const [name, definition] of Object.entries($defs ?? {})) components[name] ??= definition;
    const { id } = schema.meta() ?? {};
    if (id === undefined) return root;
    components[id] ??= root;
    return { $ref: `#/$defs/${id}` };
  };
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of described) {
    const path = operation.path.replace(":id", "{id}");
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describeOperation(operation, toSchema) };
  }
  const error = toSchema(httpError, "output");
  const document = {
    openapi: "3.1.0",
    info: { title: "Countersign host", version: "0.1.0", description, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "{host}", variables: { host: { default: "http://127.0.0.1:4100", description: "The public origin of the host." } } }],
    tags: [...new Set(described.map((operation) => operation.tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        product: { type: "http", scheme: "bearer", description: "The API key of a product that embeds the host." },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "cs_session",
          description: "The session of a page of the console; `__Host-cs_session` on https.",
        },
      },
      parameters: {
        user: {
          name: "Countersign-User",
          in: "header",
          required: false,
          description:
            "The product's own name of its user; required with an API key. Choose one that does not change and says nothing about the person.",
          schema: { type: "string", pattern: "^[\\x21-\\x7e]{1,128}$" },
        },
      },
      headers: {
        requestId: { description: "Names the request in the host's log.", schema: { type: "string" } },
        retryAfter: { description: "Seconds to wait before asking again.", schema: { type: "integer", minimum: 1 } },
      },
      schemas: sorted({ ...components, Error: components["Error"] ?? error }),
    },
  };
  return inComponents(document);
}

type ToSchema = (schema: z.ZodType, io: "input" | "output") => JsonObject;

function describeOperation(operation: AnyOperation, toSchema: ToSchema): JsonObject {
  const { id, tag, summary, audience, path, query = [] } = operation;
  const parameters = [
    ...(path.includes(":id") ? [{ name: "id", in: "path", required: true, schema: { type: "string" } }] : []),
    ...query.map(({ name, description, schema }) => ({ name, in: "query", required: false, description, schema: toSchema(schema, "input") })),
    ...(audience === "console" ? [] : [{ $ref: "#/components/parameters/user" }]),
  ];
  const good = {
    description: "Done.",
    headers: { "x-request-id": { $ref: "#/components/headers/requestId" } },
    content: operation.id === followEvents.id ? describeEvents(toSchema) : describeAnswer(operation, toSchema),
  };
  const refusals = [...refusalsOf(operation)].map(([status, codes]) => [
    String(status),
    describeRefusal(status, codes, status === 400 ? operation.emptyWhen : undefined),
  ]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: describeRate(operation),
    security: [...(audience === "console" ? [] : [{ product: [] }]), ...(audience === "products" ? [] : [{ session: [] }])],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.body === noBody
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: toSchema(operation.body, "input") } } } }),
    responses: sorted({ [String(operation.status)]: good, ...Object.fromEntries(refusals) }),
  };
}

function describeAnswer({ answer, lines }: AnyOperation, toSchema: ToSchema): JsonObject {
  const json = { "application/json": { schema: toSchema(answer, "output") } };
  if (lines === undefined) return json;
  const description = "One JSON value in each line, as they come. A request that is left ends the work.";
  return { ...json, "application/x-ndjson": { schema: { type: "array", description, items: toSchema(lines, "output") } } };
}

function describeRate(operation: AnyOperation): string {
  const { user, client } = rates[rateOf(operation)];
  const words = ({ burst, perMinute }: RateBound): string => `${burst} at once and ${perMinute} a minute`;
  return `Counts as \`${rateOf(operation)}\`: ${words(user)} for one user, ${words(client)} for all users of a product, unless the operator set other bounds.`;
}

function describeRefusal(status: number, codes: readonly ErrorCode[], emptyWhen: string | undefined): JsonObject {
  const retry = status === 429 || status === 503 ? { "retry-after": { $ref: "#/components/headers/retryAfter" } } : {};
  const code = { type: "object", properties: { code: { enum: codes } } };
  const refused = { allOf: [{ $ref: "#/$defs/Error" }, code] };
  const hints = codes.map((each) => `\`${each}\`: ${errorCatalogue[each].hint}`);
  return {
    description: [...hints, ...(emptyWhen === undefined ? [] : [`\`{}\`: ${emptyWhen}`])].join("\n\n"),
    headers: { "x-request-id": { $ref: "#/components/headers/requestId" }, ...retry },
    content: { "application/json": { schema: emptyWhen === undefined ? refused : { anyOf: [refused, { type: "object", maxProperties: 0 }] } } },
  };
}

function describeEvents(toSchema: ToSchema): JsonObject {
  const events = Object.entries(eventData).map(([name, schema]) => ({
    type: "object",
    description: schema.description,
    required: ["event", "data"],
    properties: { event: { const: name }, data: toSchema(schema, "output") },
  }));
  const text = `Each item is one event of the stream (\`event:\` and \`data:\` lines); \`data\` is JSON. A comment comes every 15 seconds.

Events are hints: they have no ids, none is kept for a client that is away, and \`Last-Event-ID\` is not read. Whoever connects, for the first time or again, then reads the state of
the calls that it follows; a \`call\` with a lower \`version\` than the one known is older. A client that reads too slowly is disconnected.`;
  return { "text/event-stream": { schema: { type: "array", description: text, items: { oneOf: events } } } };
}

interface Made {
  additionalProperties?: unknown;
  propertyNames?: unknown;
  minimum?: unknown;
  maximum?: unknown;
  id?: unknown;
}

/** Answers may gain members, so the document does not close them; requests are closed. What is true of every JSON number or object is left out. */
function relax(io: "input" | "output"): (context: { readonly jsonSchema: Made }) => void {
  return ({ jsonSchema }) => {
    delete jsonSchema.id;
    delete jsonSchema.propertyNames;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  };
}

/** References of a schema of its own become references into the document. */
function inComponents(value: unknown): JsonObject {
  const moved: unknown = JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
  if (!isJsonObject(moved)) throw new TypeError("the document is an object");
  return moved;
}

function sorted(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
