import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import { didYouMean } from "../command/nearest.ts";

const textMax = 1024 * 1024;

/**
 * Reads a tool's arguments as they were typed: nothing, one JSON object, or `name=value` words, whose values are read by the types of the tool's input schema:
 * a text stays as it is, anything else is JSON. The error is a sentence. Whether the tool takes them is the server's to say.
 */
export function readArguments(words: readonly string[], inputSchema: JsonObject): Result<JsonObject, string> {
  const [first, ...more] = words;
  if (first === undefined) return ok({});
  if (first.trimStart().startsWith("{")) return more.length === 0 ? readObject(first) : err("one JSON object is all, or name=value words.");
  const read: [string, unknown][] = [];
  for (const word of words) {
    const at = word.indexOf("=");
    const name = word.slice(0, Math.max(0, at));
    if (name === "") return err(`“${word.slice(0, 80)}” is not name=value, nor a JSON object.`);
    if (read.some(([known]) => known === name)) return err(`${name.slice(0, 80)} is given twice.`);
    const value = readValue(name, word.slice(at + 1), inputSchema);
    if (!value.ok) return value;
    read.push([name, value.value]);
  }
  return ok(Object.fromEntries(read));
}

/** Reads one JSON object of at most a million characters. */
export function readObject(text: string): Result<JsonObject, string> {
  if (text.length > textMax) return err("the arguments are too long.");
  const value = parse(text);
  return isJsonObject(value) ? ok(value) : err("the arguments are not a JSON object.");
}

function readValue(name: string, text: string, inputSchema: JsonObject): Result<unknown, string> {
  const properties = member(inputSchema, "properties");
  const known = isJsonObject(properties) ? properties : {};
  if (!Object.hasOwn(known, name)) {
    const closed = inputSchema["additionalProperties"] === false;
    return closed ? err(`the tool has no argument ${name.slice(0, 80)}.${didYouMean(name, Object.keys(known))}`) : ok(text);
  }
  const types = typesOf(known[name]);
  if (types.length === 0 || (types.includes("string") && !isOtherValue(text, types))) return ok(text);
  const value = parse(text);
  return value === undefined ? err(`${name} is ${types.join(" or ")}, written as JSON.`) : ok(value);
}

/** Where a text or something else may stand, only what is surely something else is read as that. */
function isOtherValue(text: string, types: readonly string[]): boolean {
  return types.includes("null") && text === "null";
}

function typesOf(schema: unknown): readonly string[] {
  const type = member(schema, "type");
  if (typeof type === "string") return [type];
  if (Array.isArray(type)) return type.filter((each) => typeof each === "string");
  const choices: unknown = member(schema, "anyOf") ?? member(schema, "oneOf");
  return Array.isArray(choices) ? choices.flatMap(typesOf) : [];
}

/** Undefined for what is no JSON, which has no such value itself. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
