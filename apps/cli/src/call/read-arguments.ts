import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import { didYouMean, nearestOf } from "../command/nearest.ts";
import { oneLine } from "../terminal-text.ts";

const textMax = 1024 * 1024;
const nameMax = 80;
const warningsMax = 5;

/** With one of these a schema says elsewhere than in its `properties` which names there are (JSON Schema 2020-12 and draft-07). */
const opening =
  /^(additionalProperties|patternProperties|unevaluatedProperties|propertyNames|allOf|anyOf|oneOf|if|dependentSchemas|dependencies|\$ref|\$dynamicRef)$/;

/**
 * Reads a tool's arguments as they were typed: nothing, one JSON object, or `name=value` words, whose values are read by the types of the tool's input schema:
 * a text stays as it is, anything else is JSON. The error is a sentence. Whether the tool takes them is the server's to say.
 */
export function readArguments(words: readonly string[], inputSchema: JsonObject): Result<JsonObject, string> {
  const [first, ...more] = words;
  if (first === undefined) return ok({});
  if (isObjectText(first)) return more.length === 0 ? readObject(first) : err("one JSON object is all, or name=value words.");
  const read: [string, unknown][] = [];
  for (const word of words) {
    const at = word.indexOf("=");
    const name = word.slice(0, Math.max(0, at));
    if (name === "") return err(`“${word.slice(0, nameMax)}” is not name=value, nor a JSON object.`);
    if (read.some(([known]) => known === name)) return err(`${name.slice(0, nameMax)} is given twice.`);
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

/**
 * A sentence for each argument that the tool's schema does not name, where it lists names and says nothing of others: most likely a slip, but the server's to judge.
 * Beyond five they are only counted. `words` are what `args` was read from.
 */
export function unnamedArguments(words: readonly string[], args: JsonObject, inputSchema: JsonObject): readonly string[] {
  const known = namesOf(inputSchema);
  const unnamed = Object.keys(args).filter((name) => !known.includes(name));
  const silent = known.length > 0 && !Object.keys(inputSchema).some((word) => opening.test(word));
  if (unnamed.length === 0 || !(silent || inputSchema["additionalProperties"] === false)) return [];
  const sentAs = words.length === 1 && (words[0] === "-" || isObjectText(words[0] ?? "")) ? "it is" : "text";
  const sentences = unnamed.slice(0, warningsMax).map((name) => {
    const nearest = nearestOf(name, known);
    const meant = nearest === undefined ? "." : `; did you mean ${oneLine(nearest, nameMax)}?`;
    return `the tool names no argument ${oneLine(name, nameMax)}${meant} Sent as ${sentAs}.`;
  });
  const more = unnamed.length - warningsMax;
  return more > 0 ? [...sentences, `and ${more} more that it does not name.`] : sentences;
}

function isObjectText(word: string): boolean {
  return word.trimStart().startsWith("{");
}

function namesOf(inputSchema: JsonObject): readonly string[] {
  const properties = member(inputSchema, "properties");
  return isJsonObject(properties) ? Object.keys(properties) : [];
}

function readValue(name: string, text: string, inputSchema: JsonObject): Result<unknown, string> {
  const properties = member(inputSchema, "properties");
  const known = isJsonObject(properties) ? properties : {};
  if (!Object.hasOwn(known, name)) {
    const closed = inputSchema["additionalProperties"] === false;
    return closed ? err(`the tool has no argument ${oneLine(name, nameMax)}.${didYouMean(name, namesOf(inputSchema))}`) : ok(text);
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
