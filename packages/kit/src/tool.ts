import { RESOURCE_URI_META_KEY } from "@modelcontextprotocol/ext-apps/server";
import type { StandardSchemaWithJSON } from "@modelcontextprotocol/server";
import { z } from "zod";
import { refused, type ToolAnswer } from "./answer.ts";
import { type ToolAuth, toSecuritySchemes } from "./auth.ts";
import type { ToolContext } from "./context.ts";
import type { LinkStore } from "./link/link-store.ts";

export interface ToolAnnotations {
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

export interface ToolDefinition<Input extends z.ZodObject> {
  readonly title?: string;
  readonly description: string;
  /** Arguments are validated before the handler runs. */
  readonly input: Input;
  /** Validates `structuredContent` of successful answers, and is published. */
  readonly output?: z.ZodObject;
  /** Absent in an app with an issuer: sign-in is needed. */
  readonly auth?: ToolAuth;
  /** Who may call the tool; both by default. */
  readonly visibility?: readonly ("model" | "app")[];
  /** Name of a view given to `app.ui`. */
  readonly ui?: string;
  readonly annotations?: ToolAnnotations;
  /** Where answers are kept, so that the handler runs once for each key that a client sends ({@link runOncePerKey}). */
  readonly idempotency?: LinkStore;
}

export type ToolHandler<Input extends z.ZodObject> = (args: z.infer<Input>, ctx: ToolContext) => ToolAnswer | Promise<ToolAnswer>;

/** One element of tools/list, made once. `securitySchemes` stands at the top level and in `_meta`, because some clients drop the former. */
export interface ToolListing {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>> & { readonly type: "object" };
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  readonly annotations?: ToolAnnotations;
  readonly securitySchemes: ReturnType<typeof toSecuritySchemes>;
  readonly _meta: Readonly<Record<string, unknown>> & { readonly ui: { readonly resourceUri?: string; readonly visibility: ("model" | "app")[] } };
}

/** A tool ready to serve: everything that does not depend on the request is made. */
export interface Tool {
  readonly auth: ToolAuth;
  readonly listing: ToolListing;
  /** The published schema for the SDK; the values themselves are judged by {@link Tool.run}. */
  readonly inputSchema: StandardSchemaWithJSON;
  readonly outputSchema: StandardSchemaWithJSON | undefined;
  /** Whether some arguments also travel as headers (`x-mcp-header`), which the SDK compares. */
  readonly hasHeaderArguments: boolean;
  /** Validates, runs the handler and validates its answer. A handler's error reaches the caller of this function. */
  run(args: unknown, ctx: ToolContext): Promise<ToolAnswer>;
}

/** Prepares a tool. Throws on a schema that JSON Schema cannot express. */
export function prepareTool<Input extends z.ZodObject>(
  name: string,
  definition: ToolDefinition<Input>,
  auth: ToolAuth,
  resourceUri: string | undefined,
  handler: ToolHandler<Input>,
): Tool {
  const inputSchema = { type: "object" as const, ...jsonSchemaOf(definition.input, "input") };
  const outputSchema = definition.output && jsonSchemaOf(definition.output, "output");
  const visibility = [...(definition.visibility ?? (["model", "app"] as const))];
  const securitySchemes = toSecuritySchemes(auth);
  const listing: ToolListing = {
    name,
    title: definition.title ?? name,
    description: definition.description,
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    ...(definition.annotations === undefined ? {} : { annotations: definition.annotations }),
    securitySchemes,
    _meta: {
      securitySchemes,
      ...viewMeta(resourceUri, visibility),
      // A client may send a call again, whatever became of the first.
      ...(definition.idempotency === undefined ? {} : { "countersign/idempotency": true }),
    },
  };
  return {
    auth,
    listing,
    inputSchema: publishedSchema(inputSchema),
    outputSchema: outputSchema && publishedSchema(outputSchema),
    hasHeaderArguments: JSON.stringify(inputSchema).includes('"x-mcp-header"'),
    async run(args, ctx) {
      const parsed = definition.input.safeParse(args ?? {});
      if (!parsed.success) return invalidArguments(parsed.error);
      const answer = await handler(parsed.data, ctx);
      if (answer.kind === "result" && !answer.isError && definition.output) {
        const checked = definition.output.safeParse(answer.structuredContent);
        if (!checked.success) throw new TypeError(`the answer does not match the output schema: ${describe(checked.error)}`);
      }
      return answer;
    },
  };
}

/** The standard member first; the older keys are for hosts that know only them. */
function viewMeta(resourceUri: string | undefined, visibility: ("model" | "app")[]): ToolListing["_meta"] {
  if (resourceUri === undefined) return { ui: { visibility }, "openai/widgetAccessible": visibility.includes("app") };
  return {
    ui: { resourceUri, visibility },
    [RESOURCE_URI_META_KEY]: resourceUri,
    "openai/outputTemplate": resourceUri,
    "openai/widgetAccessible": visibility.includes("app"),
  };
}

function jsonSchemaOf(schema: z.ZodObject, io: "input" | "output"): Record<string, unknown> {
  return { ...z.toJSONSchema(schema, { target: "draft-2020-12", io }) };
}

/** Serves a ready-made JSON Schema, so that no request converts one, and passes values through. */
function publishedSchema(json: Record<string, unknown>): StandardSchemaWithJSON {
  return {
    "~standard": { version: 1, vendor: "countersign", validate: (value) => ({ value }), jsonSchema: { input: () => json, output: () => json } },
  };
}

/** A refusal that says which argument is wrong, so that a model can correct itself. */
function invalidArguments(error: z.ZodError): ToolAnswer {
  const refusal = refused({ code: "invalid_arguments" });
  return { ...refusal, content: [{ type: "text", text: `Invalid arguments: ${describe(error)}` }] };
}

function describe(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join(".") || "(root)"}: ${issue.message}`)
    .join("; ")
    .slice(0, 500);
}
