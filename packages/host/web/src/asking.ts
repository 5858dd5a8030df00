import type { FormField, FormOption } from "@countersign/protocol/form";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { readList, readNumber, readText, readTexts, readTime } from "./json.ts";

/** What a server asks the user for one call, as the host tells it. */
export interface Asking {
  readonly style: "retry" | "respond" | "live";
  readonly round: number;
  readonly expiresAt: number | undefined;
  /** The same was asked before: the server is not content yet. */
  readonly again: boolean;
  /** The user has just refused something of this connector: shown as one line until they want to see it. */
  readonly quiet: boolean;
  readonly items: readonly Question[];
}

export type Question =
  | {
      readonly kind: "url";
      readonly message: string;
      readonly url: string;
      readonly host: string;
      readonly visitUrl: string;
      readonly opened: boolean;
    }
  | { readonly kind: "form"; readonly message: string; readonly fields: readonly FormField[] };

const itemsMax = 20;

/** The `asking` of a call; undefined when it asks nothing, or something that this page does not understand. */
export function readAsking(json: unknown): Asking | undefined {
  if (!isJsonObject(json)) return undefined;
  const round = readNumber(json["round"]);
  const items = readList(json["items"], readQuestion, itemsMax);
  // Answers go by place, so one question that cannot be read makes all of them unanswerable.
  if (round === undefined || items.length === 0 || !Array.isArray(json["items"]) || items.length !== json["items"].length) return undefined;
  return {
    style: json["style"] === "respond" || json["style"] === "live" ? json["style"] : "retry",
    round,
    expiresAt: readTime(json["expiresAt"]),
    again: json["again"] === true,
    quiet: json["quiet"] === true,
    items,
  };
}

function readQuestion(json: unknown): Question | undefined {
  if (!isJsonObject(json)) return undefined;
  const message = readText(json["message"], 2000) ?? "";
  if (json["kind"] === "form") {
    const fields = readList(json["fields"], readField, 50);
    return Array.isArray(json["fields"]) && fields.length === json["fields"].length ? { kind: "form", message, fields } : undefined;
  }
  const url = readText(json["url"], 8192);
  const host = readText(json["host"], 300);
  const visitUrl = readText(json["visitUrl"], 500);
  if (url === undefined || host === undefined || visitUrl === undefined || !visitUrl.startsWith("/calls/")) return undefined;
  return { kind: "url", message, url, host, visitUrl, opened: json["opened"] === true };
}

function readField(json: unknown): FormField | undefined {
  if (!isJsonObject(json)) return undefined;
  const name = readText(json["name"], 100);
  const label = readText(json["label"], 200);
  if (name === undefined || label === undefined) return undefined;
  const hint = readText(json["hint"], 500);
  const base = { name, label, required: json["required"] === true, ...(hint === undefined ? {} : { hint }) };
  const { initial } = json;
  switch (json["kind"]) {
    case "text":
      return {
        ...base,
        kind: "text",
        ...formatOf(json),
        ...numbersOf(json, "minLength", "maxLength"),
        ...(typeof initial === "string" ? { initial } : {}),
      };
    case "number": {
      const bounds = numbersOf(json, "minimum", "maximum");
      return { ...base, kind: "number", integer: json["integer"] === true, ...bounds, ...(typeof initial === "number" ? { initial } : {}) };
    }
    case "flag":
      return { ...base, kind: "flag", ...(typeof initial === "boolean" ? { initial } : {}) };
    case "choice":
      return { ...base, kind: "choice", options: readOptions(json), ...(typeof initial === "string" ? { initial } : {}) };
    case "choices": {
      const options = readOptions(json);
      const { minItems = 0, maxItems = options.length } = numbersOf(json, "minItems", "maxItems");
      return { ...base, kind: "choices", options, minItems, maxItems, ...(Array.isArray(initial) ? { initial: readTexts(initial) } : {}) };
    }
    case undefined:
    default:
      return undefined;
  }
}

function readOptions(json: JsonObject): readonly FormOption[] {
  const read = (option: unknown): FormOption | undefined => {
    if (!isJsonObject(option) || typeof option["value"] !== "string") return undefined;
    return { value: option["value"], label: readText(option["label"], 200) ?? option["value"] };
  };
  return readList(json["options"], read, 200);
}

function formatOf(json: JsonObject): { readonly format?: "email" | "uri" | "date" | "date-time" } {
  const { format } = json;
  return format === "email" || format === "uri" || format === "date" || format === "date-time" ? { format } : {};
}

function numbersOf<N extends string>(json: JsonObject, ...names: readonly N[]): { readonly [K in N]?: number } {
  const numbers: { [K in N]?: number } = {};
  for (const name of names) {
    const value = readNumber(json[name]);
    if (value !== undefined) numbers[name] = value;
  }
  return numbers;
}
