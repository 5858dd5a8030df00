import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { readableText } from "./readable-text.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { asksForSecret } from "./secret-field.ts";
import type { JsonObject } from "./shape.ts";
import { isJsonObject, member } from "./shape.ts";

/** One of the values that a choice offers. */
export interface FormOption {
  readonly value: string;
  readonly label: string;
}

interface FieldBase {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly required: boolean;
}

/** How a text must look: the formats of the restricted schema. */
export type TextFormat = "email" | "uri" | "date" | "date-time";

/** One question of a form, as the restricted schema of elicitation has them (MCP 2025-11-25 and 2026-07-28, `PrimitiveSchemaDefinition`). */
export type FormField = FieldBase &
  (
    | { readonly kind: "text"; readonly format?: TextFormat; readonly minLength?: number; readonly maxLength?: number; readonly initial?: string }
    | { readonly kind: "number"; readonly integer: boolean; readonly minimum?: number; readonly maximum?: number; readonly initial?: number }
    | { readonly kind: "flag"; readonly initial?: boolean }
    | { readonly kind: "choice"; readonly options: readonly FormOption[]; readonly initial?: string }
    | {
        readonly kind: "choices";
        readonly options: readonly FormOption[];
        readonly minItems: number;
        readonly maxItems: number;
        readonly initial?: readonly string[];
      }
  );

/** What a person may put into one field. */
export type FormValue = string | number | boolean | readonly string[];

/** What a filled-in form says, by the names of its fields. */
export type FormContent = Readonly<Record<string, FormValue>>;

/** Messages for people, by the name of the field. */
export type FormProblems = Readonly<Record<string, string>>;

const fieldsMax = 30;
const optionsMax = 200;
const nameLengthMax = 100;
const textLengthMax = 10_000;
const formats: Readonly<Record<string, TextFormat>> = { email: "email", uri: "uri", url: "uri", date: "date", "date-time": "date-time" };

/**
 * Reads the restricted schema of a form: a flat object of texts, numbers, yes/no, and single or multiple choices, with titles and defaults (SEP-1034, SEP-1330).
 * At most 30 fields and 200 options each; no `pattern` is run and no `$ref` followed. Refuses with `protocol_error` what is not such a schema, and with
 * `secret_requested` a form of which a field asks for a secret (M17).
 */
export function parseForm(schema: unknown): Result<readonly FormField[], Refusal> {
  const properties = member(schema, "properties");
  if (!isJsonObject(schema) || (schema["type"] ?? "object") !== "object" || !isJsonObject(properties)) {
    return err(refuse("protocol_error", "a form's schema is an object with properties"));
  }
  const entries = Object.entries(properties);
  if (entries.length > fieldsMax) return err(refuse("protocol_error", `a form has at most ${fieldsMax} fields`));
  const required = member(schema, "required");
  const needed = new Set(Array.isArray(required) ? required : []);
  const fields: FormField[] = [];
  for (const [name, property] of entries) {
    if (name === "" || name.length > nameLengthMax || name === "__proto__") return err(refuse("protocol_error", "a form's field has no usable name"));
    if (asksForSecret(name, property)) return err(refuse("secret_requested", "a field of the form asks for a secret"));
    const field = isJsonObject(property) ? readField(name, property, needed.has(name)) : undefined;
    if (field === undefined) return err(refuse("protocol_error", "a form's field is a text, a number, yes or no, or a choice"));
    // Judged once more as it is shown: what is hidden in between is gone by then, and a name has become words.
    if (asksForSecret(name, schemaAsShown(property, field))) return err(refuse("secret_requested", "a field of the form asks for a secret"));
    fields.push(field);
  }
  return ok(fields);
}

/** What the person meets: a field to type into is one, whatever else its schema says. */
function schemaAsShown(property: unknown, field: FormField): JsonObject {
  const { label: title, hint: description, kind } = field;
  const type = kind === "text" ? "string" : kind;
  return { type, title, description, format: member(property, "format"), writeOnly: member(property, "writeOnly") };
}

/** What an untouched form answers: every field that has a default (SEP-1034). */
export function defaultsOf(fields: readonly FormField[]): FormContent {
  return Object.fromEntries(fields.flatMap((field) => (field.initial === undefined ? [] : [[field.name, field.initial]])));
}

/**
 * Judges what was filled in. Defaults stand in for fields that were left out; a name that the form does not have, a missing required field or a value outside its
 * field's rules is a problem. Gives the content to send.
 */
export function judgeForm(fields: readonly FormField[], content: JsonObject): Result<FormContent, FormProblems> {
  const problems: Record<string, string> = {};
  const known = new Set(fields.map((field) => field.name));
  for (const name of Object.keys(content)) {
    if (!known.has(name)) problems[name] = "The form has no such field.";
  }
  const values: [string, FormValue][] = [];
  for (const field of fields) {
    const given = Object.hasOwn(content, field.name) ? content[field.name] : field.initial;
    if (given === undefined || given === null) {
      if (field.required) problems[field.name] = `${field.label} is needed.`;
      continue;
    }
    const judged = judgeValue(field, given);
    if (judged.ok) values.push([field.name, judged.value]);
    else problems[field.name] = judged.error;
  }
  return Object.keys(problems).length === 0 ? ok(Object.fromEntries(values)) : err(problems);
}

function readField(name: string, schema: JsonObject, required: boolean): FormField | undefined {
  const hint = readableText(schema["description"], 500);
  const base = { name, label: readableText(schema["title"], 100) ?? labelOf(name), required, ...(hint === undefined ? {} : { hint }) };
  const { type } = schema;
  if (type === "array") return readChoices(base, schema);
  if (type === "boolean") return { ...base, kind: "flag", ...initial(schema, (value) => typeof value === "boolean") };
  if (type === "string") return readText(base, schema);
  return type === "number" || type === "integer" ? readNumber(base, schema, type === "integer") : undefined;
}

function readText(base: FieldBase, schema: JsonObject): FormField | undefined {
  const listed = schema["enum"] !== undefined || schema["oneOf"] !== undefined;
  const options = listed ? readOptions(schema) : undefined;
  if (listed) return options === undefined ? undefined : withInitial({ ...base, kind: "choice", options }, schema);
  const format = typeof schema["format"] === "string" && Object.hasOwn(formats, schema["format"]) ? formats[schema["format"]] : undefined;
  const field: FormField = {
    ...base,
    kind: "text",
    ...(format === undefined ? {} : { format }),
    ...bound(schema, "minLength"),
    ...bound(schema, "maxLength"),
  };
  return withInitial(field, schema);
}

function readNumber(base: FieldBase, schema: JsonObject, integer: boolean): FormField {
  return withInitial({ ...base, kind: "number", integer, ...bound(schema, "minimum"), ...bound(schema, "maximum") }, schema);
}

function readChoices(base: FieldBase, schema: JsonObject): FormField | undefined {
  const { items } = schema;
  const options = isJsonObject(items) ? readOptions(items) : undefined;
  if (options === undefined) return undefined;
  const { minItems = 0 } = bound(schema, "minItems");
  const { maxItems = options.length } = bound(schema, "maxItems");
  return withInitial({ ...base, kind: "choices", options, minItems: Math.max(0, minItems), maxItems: Math.min(maxItems, options.length) }, schema);
}

/** `enum` with or without `enumNames`, or `oneOf` and `anyOf` of `const` and `title` (SEP-1330). */
function readOptions(schema: JsonObject): readonly FormOption[] | undefined {
  const titled = schema["oneOf"] ?? schema["anyOf"];
  const values: unknown = titled ?? schema["enum"];
  if (!Array.isArray(values) || values.length === 0 || values.length > optionsMax) return undefined;
  const names: readonly unknown[] = Array.isArray(schema["enumNames"]) ? schema["enumNames"] : [];
  const options: FormOption[] = [];
  for (const [index, item] of values.entries()) {
    const value: unknown = titled === undefined ? item : member(item, "const");
    if (typeof value !== "string" || value.length > 1000) return undefined;
    const label = titled === undefined ? names[index] : member(item, "title");
    options.push({ value, label: readableText(label, 200) ?? readableText(value, 200) ?? "(empty)" });
  }
  return options;
}

/** A default counts only when the field itself would accept it. */
function withInitial(field: FormField, schema: JsonObject): FormField {
  const given = schema["default"];
  if (given === undefined) return field;
  const judged = judgeValue(field, given);
  if (!judged.ok) return field;
  switch (field.kind) {
    case "text":
    case "choice":
      return typeof judged.value === "string" ? { ...field, initial: judged.value } : field;
    case "number":
      return typeof judged.value === "number" ? { ...field, initial: judged.value } : field;
    case "flag":
      return typeof judged.value === "boolean" ? { ...field, initial: judged.value } : field;
    case "choices":
      return Array.isArray(judged.value) ? { ...field, initial: judged.value } : field;
  }
}

function initial<T>(schema: JsonObject, fits: (value: unknown) => value is T): { readonly initial?: T } {
  const given = schema["default"];
  return fits(given) ? { initial: given } : {};
}

function bound<N extends string>(schema: JsonObject, name: N): { readonly [K in N]?: number } {
  const value = schema[name];
  const found: { [K in N]?: number } = {};
  if (typeof value === "number" && Number.isFinite(value)) found[name] = value;
  return found;
}

function judgeValue(field: FormField, value: unknown): Result<FormValue, string> {
  switch (field.kind) {
    case "text":
      return judgeText(field, value);
    case "number":
      return judgeNumber(field, value);
    case "flag":
      return typeof value === "boolean" ? ok(value) : err("Yes or no, please.");
    case "choice":
      return field.options.some((option) => option.value === value) && typeof value === "string" ? ok(value) : err("Choose one of the values.");
    case "choices":
      return judgeChoices(field, value);
  }
}

function judgeText(field: Extract<FormField, { kind: "text" }>, value: unknown): Result<string, string> {
  if (typeof value !== "string" || value.length > textLengthMax) return err("This is not a text, or it is too long.");
  // JSON Schema counts code points (2020-12 validation, section 6.3).
  const length = Array.from(value).length;
  if (field.minLength !== undefined && length < field.minLength) return err(`At least ${field.minLength} characters.`);
  if (field.maxLength !== undefined && length > field.maxLength) return err(`At most ${field.maxLength} characters.`);
  if (field.required && value.trim() === "") return err(`${field.label} is needed.`);
  if (value === "" || field.format === undefined) return ok(value);
  return formatRules[field.format][0](value) ? ok(value) : err(formatRules[field.format][1]);
}

const formatRules: Readonly<Record<TextFormat, readonly [(value: string) => boolean, string]>> = {
  email: [(value) => value.length <= 254 && /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)*$/u.test(value), "This is not an e-mail address."],
  uri: [(value) => /^[a-z][a-z0-9+.-]*:/i.test(value) && URL.canParse(value), "This is not an address; it begins with https://, for example."],
  date: [(value) => isDate(value), "A date, please: year-month-day."],
  "date-time": [isDateTime, "A date and time, please, such as 2026-07-28T12:00:00Z."],
};

/** RFC 3339 section 5.6 `full-date`, of a day that exists. */
function isDate(value: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number);
  const last = [31, isLeapYear(year ?? 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][(month ?? 0) - 1];
  return last !== undefined && day !== undefined && day >= 1 && day <= last;
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** RFC 3339 section 5.6 `date-time`. */
function isDateTime(value: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.exec(value);
  return match?.[1] !== undefined && isDate(match[1]);
}

function judgeNumber(field: Extract<FormField, { kind: "number" }>, value: unknown): Result<number, string> {
  if (typeof value !== "number" || !Number.isFinite(value)) return err("This is not a number.");
  if (field.integer && !Number.isSafeInteger(value)) return err("A whole number, please.");
  if (field.minimum !== undefined && value < field.minimum) return err(`At least ${field.minimum}.`);
  if (field.maximum !== undefined && value > field.maximum) return err(`At most ${field.maximum}.`);
  return ok(value);
}

function judgeChoices(field: Extract<FormField, { kind: "choices" }>, value: unknown): Result<readonly string[], string> {
  if (!Array.isArray(value)) return err("Choose from the values.");
  const chosen: string[] = [];
  for (const item of value) {
    if (typeof item !== "string" || chosen.includes(item) || !field.options.some((option) => option.value === item))
      return err("Choose from the values.");
    chosen.push(item);
  }
  if (chosen.length < field.minItems) return err(`Choose at least ${field.minItems}.`);
  if (chosen.length > field.maxItems) return err(`Choose at most ${field.maxItems}.`);
  return ok(chosen);
}

/** `first_name` and `firstName` as people read them: `First name`. */
function labelOf(name: string): string {
  const words = (readableText(name, nameLengthMax) ?? "Field")
    .replaceAll(/[_-]+/g, " ")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .trim();
  return words === "" ? "Field" : words.charAt(0).toUpperCase() + words.slice(1);
}
