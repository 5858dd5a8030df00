import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { readText, readTexts } from "./json.ts";

/** What differs from the tool that the user agreed to, and how it was; the digest names the tool as it is now. */
export interface ToolChange {
  readonly digest: string;
  readonly fields: readonly string[];
  readonly before: JsonObject | undefined;
}

/** Reads it as a tool carries it. */
export function readToolChange(json: unknown): ToolChange | undefined {
  if (!isJsonObject(json)) return undefined;
  const digest = readText(json["digest"], 100);
  return digest === undefined
    ? undefined
    : { digest, fields: readTexts(json["fields"], 20), before: isJsonObject(json["before"]) ? json["before"] : undefined };
}

const words: Readonly<Record<string, string>> = {
  title: "its name",
  description: "its description",
  inputSchema: "what it asks for",
  annotations: "what it says about its effects",
  visibility: "who may use it",
  security: "the sign-in it needs",
  resourceUri: "its view",
  fileParams: "the files it takes",
};

/** The differences in words, such as "its description and what it asks for". */
export function describeChange(change: ToolChange): string {
  const names = change.fields.map((field) => words[field] ?? field);
  return names.length === 0 ? "its definition" : new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}
