import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { parseJson, readList, readNumber, readText, readTexts } from "./json.ts";
import { titleOf } from "./wire.ts";

/**
 * A form from a tool's JSON Schema: plain fields for what people can fill in, a JSON editor for the rest. The schema is outside input: no
 * `$ref` is followed, no `pattern` is run, counts and depth are bounded (M16). The server judges the arguments; this only helps.
 */

interface FieldBase {
  readonly name: string;
  readonly label: string;
  readonly hint: string | undefined;
  readonly required: boolean;
}

export type Field =
  | (FieldBase & {
      readonly kind: "text";
      readonly input: "text" | "email" | "url" | "date" | "long";
      readonly lengthMax: number | undefined;
      readonly initial: string;
    })
  | (FieldBase & {
      readonly kind: "number";
      readonly integer: boolean;
      readonly min: number | undefined;
      readonly max: number | undefined;
      readonly initial: string;
    })
  | (FieldBase & { readonly kind: "flag"; readonly initial: boolean })
  | (FieldBase & {
      readonly kind: "choice";
      readonly options: readonly { readonly value: string | number; readonly label: string }[];
      readonly initial: string;
    })
  | (FieldBase & { readonly kind: "list"; readonly row: readonly Field[]; readonly plain: boolean; readonly min: number; readonly max: number })
  | (FieldBase & { readonly kind: "json"; readonly initial: string });

export type Draft = string | boolean | readonly Draft[] | DraftRecord;

export interface DraftRecord {
  readonly [name: string]: Draft;
}

/** Messages by the path of the field, such as `items.0.quantity`. */
export type FieldProblems = Readonly<Record<string, string>>;

const fieldsMax = 60;
const optionsMax = 200;
const rowsMax = 100;

/** The fields of an object schema. Deeper than a list of flat rows becomes a JSON editor. */
export function fieldsOf(schema: JsonObject, depth = 0): readonly Field[] {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = new Set(readTexts(schema["required"]));
  return Object.entries(properties)
    .slice(0, fieldsMax)
    .map(([name, property]) => fieldOf(name, isJsonObject(property) ? property : {}, required.has(name), depth));
}

function fieldOf(name: string, schema: JsonObject, required: boolean, depth: number): Field {
  const label = readText(schema["title"], 100) ?? titleOf(name);
  const base: FieldBase = { name, label, hint: readText(schema["description"], 400), required };
  const options = choicesOf(schema);
  if (options.length > 0)
    return { ...base, kind: "choice", options, initial: options.find((option) => option.value === schema["default"])?.label ?? "" };
  switch (typeOf(schema)) {
    case "string":
      return {
        ...base,
        kind: "text",
        input: inputOf(schema),
        lengthMax: readNumber(schema["maxLength"]),
        initial: readText(schema["default"]) ?? "",
      };
    case "integer":
    case "number":
      return {
        ...base,
        kind: "number",
        integer: typeOf(schema) === "integer",
        min: readNumber(schema["minimum"]),
        max: readNumber(schema["maximum"]),
        initial: readNumber(schema["default"])?.toString() ?? "",
      };
    case "boolean":
      return { ...base, kind: "flag", initial: schema["default"] === true };
    case "array":
      return listOf(base, schema, depth) ?? jsonOf(base, schema);
    case undefined:
    default:
      return jsonOf(base, schema);
  }
}

function typeOf(schema: JsonObject): string | undefined {
  const { type } = schema;
  if (Array.isArray(type)) {
    const named = readTexts(type).filter((one) => one !== "null");
    return named.length === 1 ? named[0] : undefined;
  }
  return readText(type);
}

function choicesOf(schema: JsonObject): Extract<Field, { kind: "choice" }>["options"] {
  const values: readonly unknown[] = Array.isArray(schema["enum"]) ? schema["enum"] : [];
  return readList(
    values,
    (value) => (typeof value === "string" || typeof value === "number" ? { value, label: String(value) } : undefined),
    optionsMax,
  );
}

function inputOf(schema: JsonObject): "text" | "email" | "url" | "date" | "long" {
  const format = schema["format"];
  if (format === "email" || format === "date") return format;
  if (format === "uri" || format === "url") return "url";
  return (readNumber(schema["maxLength"]) ?? 0) > 300 ? "long" : "text";
}

function listOf(base: FieldBase, schema: JsonObject, depth: number): Field | undefined {
  if (depth > 0 || !isJsonObject(schema["items"])) return undefined;
  const items = schema["items"];
  const plain = typeOf(items) !== "object";
  const row = plain ? [fieldOf("value", { title: base.label, ...items }, true, depth + 1)] : fieldsOf(items, depth + 1);
  if (row.length === 0 || row.some((field) => field.kind === "json" || field.kind === "list")) return undefined;
  const min = Math.max(readNumber(schema["minItems"]) ?? 0, base.required ? 1 : 0);
  return { ...base, kind: "list", row, plain, min, max: Math.min(readNumber(schema["maxItems"]) ?? rowsMax, rowsMax) };
}

function jsonOf(base: FieldBase, schema: JsonObject): Field {
  return { ...base, kind: "json", initial: schema["default"] === undefined ? "" : JSON.stringify(schema["default"], null, 2) };
}

/** What an untouched form holds. */
export function draftOf(fields: readonly Field[]): DraftRecord {
  return Object.fromEntries(fields.map((field) => [field.name, initialOf(field)]));
}

function initialOf(field: Field): Draft {
  if (field.kind !== "list") return field.initial;
  return Array.from({ length: Math.min(field.min, field.max) }, () => draftOf(field.row));
}

/** Sets one value of a draft, by its path. */
export function putDraft(draft: Draft, path: readonly (string | number)[], value: Draft): Draft {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  if (isDraftList(draft)) return draft.with(Number(head), putDraft(draft[Number(head)] ?? "", rest, value));
  const record = isDraftRecord(draft) ? draft : {};
  return { ...record, [head]: putDraft(record[head] ?? "", rest, value) };
}

/** A list of drafts, as a list field holds its rows. */
export function isDraftList(draft: Draft | undefined): draft is readonly Draft[] {
  return Array.isArray(draft);
}

/** A draft with named parts, as a form or a row holds. */
export function isDraftRecord(draft: Draft | undefined): draft is DraftRecord {
  return typeof draft === "object" && !Array.isArray(draft);
}

/** The arguments that a draft stands for, or what is wrong with it. Empty optional fields are left out. */
export function argumentsOf(
  fields: readonly Field[],
  draft: DraftRecord,
): { readonly ok: true; readonly value: JsonObject } | { readonly ok: false; readonly problems: FieldProblems } {
  const problems: Record<string, string> = {};
  const value = recordOf(fields, draft, "", problems);
  return Object.keys(problems).length === 0 ? { ok: true, value } : { ok: false, problems };
}

function recordOf(fields: readonly Field[], draft: DraftRecord, prefix: string, problems: Record<string, string>): JsonObject {
  const value: Record<string, unknown> = Object.create(null);
  for (const field of fields) {
    const path = `${prefix}${field.name}`;
    const part = valueOf(field, draft[field.name], path, problems);
    if (part !== undefined) value[field.name] = part;
    else if (field.required && problems[path] === undefined) problems[path] = `${field.label} is needed.`;
  }
  return { ...value };
}

function valueOf(field: Field, draft: Draft | undefined, path: string, problems: Record<string, string>): unknown {
  if (field.kind === "flag") return draft === true ? true : field.required || field.initial ? false : undefined;
  if (field.kind === "list") return listValueOf(field, isDraftList(draft) ? draft : [], path, problems);
  const text = typeof draft === "string" ? draft : "";
  if (text.trim() === "") return undefined;
  switch (field.kind) {
    case "text":
      if (field.lengthMax !== undefined && text.length > field.lengthMax) problems[path] = `At most ${field.lengthMax} characters.`;
      return text;
    case "number":
      return numberOf(field, text, path, problems);
    case "choice":
      return field.options.find((option) => String(option.value) === text)?.value;
    case "json": {
      const value = parseJson(text);
      if (value === undefined) problems[path] = "This is not valid JSON.";
      return value;
    }
    default:
      return field satisfies never;
  }
}

function numberOf(field: Extract<Field, { kind: "number" }>, text: string, path: string, problems: Record<string, string>): number | undefined {
  const value = Number(text);
  if (!Number.isFinite(value)) problems[path] = "This is not a number.";
  else if (field.integer && !Number.isSafeInteger(value)) problems[path] = "A whole number, please.";
  else if (field.min !== undefined && value < field.min) problems[path] = `At least ${field.min}.`;
  else if (field.max !== undefined && value > field.max) problems[path] = `At most ${field.max}.`;
  return value;
}

function listValueOf(
  field: Extract<Field, { kind: "list" }>,
  rows: readonly Draft[],
  path: string,
  problems: Record<string, string>,
): readonly unknown[] | undefined {
  if (rows.length === 0 && !field.required) return undefined;
  if (rows.length < field.min) problems[path] = field.min === 1 ? "Add at least one." : `Add at least ${field.min}.`;
  return rows.map((row, index) => {
    const value = recordOf(field.row, isDraftRecord(row) ? row : {}, `${path}.${index}.`, problems);
    return field.plain ? value["value"] : value;
  });
}
