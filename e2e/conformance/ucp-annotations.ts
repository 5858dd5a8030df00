import type { SchemaFiles } from "./schema-folder.ts";

/** Which of UCP's messages a schema is to describe: what a platform sends for an operation, or what the business answers. */
export type UcpMessageKind =
  | { readonly direction: "request"; readonly operation: "create" | "update" | "complete" }
  | { readonly direction: "response" };

type Node = Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Resolves the annotations `ucp_request` and `ucp_response` (UCP, Schema authoring) of every file for one kind of message: a member is `omit`, `required` or
 * `optional`, for all operations or by operation, and without an annotation what `required` of its object says.
 */
export function resolveAnnotations(files: SchemaFiles, kind: UcpMessageKind): SchemaFiles {
  return new Map([...files].map(([name, schema]) => [name, resolve(schema, kind)]));
}

function resolve(schema: unknown, kind: UcpMessageKind): unknown {
  if (Array.isArray(schema)) return schema.map((each) => resolve(each, kind));
  if (!isNode(schema)) return schema;
  const plain = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, key === "const" ? value : resolve(value, kind)]));
  const { properties } = schema;
  return isNode(properties) ? { ...plain, ...visible(properties, plain, kind) } : plain;
}

function visible(properties: Node, plain: Node, kind: UcpMessageKind): Node {
  const required = new Set(Array.isArray(plain["required"]) ? plain["required"] : []);
  const shown = new Map(Object.entries(isNode(plain["properties"]) ? plain["properties"] : {}));
  for (const [name, property] of Object.entries(properties)) {
    const word = isNode(property) ? wordFor(property[kind.direction === "request" ? "ucp_request" : "ucp_response"], kind) : undefined;
    if (word === "required") required.add(name);
    if (word === "optional" || word === "omit") required.delete(name);
    if (word === "omit") shown.set(name, false);
  }
  return { properties: Object.fromEntries(shown), ...(required.size === 0 && plain["required"] === undefined ? {} : { required: [...required] }) };
}

function wordFor(annotation: unknown, kind: UcpMessageKind): unknown {
  if (!isNode(annotation)) return annotation;
  return kind.direction === "request" ? annotation[kind.operation] : undefined;
}
