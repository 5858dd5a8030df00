import type { JsonObject } from "@countersign/protocol/shape";
import type { JSX } from "preact";
import { readText } from "../json.ts";
import type { CallResult } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { JsonView } from "./json-view.tsx";

const textMax = 8000;

/** What the server answered: its text as text (links and images are never loaded, M22), its structured part as a tree. */
export function CallResultView({ result, folded }: { readonly result: CallResult; readonly folded: boolean }): JSX.Element | null {
  const texts = result.content.flatMap((block) => textOf(block));
  const hasStructure = result.structuredContent !== undefined;
  if (texts.length === 0 && !hasStructure) return <p class="small quiet">The tool answered without content.</p>;
  const words = <Words texts={texts} isError={result.isError} />;
  if (!folded && !hasStructure) return <div data-testid="call-result">{words}</div>;
  return (
    <div class="stack snug" data-testid="call-result">
      {!folded && texts.length > 0 && words}
      <details class="result-details">
        <summary class="small quiet">Result</summary>
        <div class="result-box">
          {folded && texts.length > 0 && words}
          {hasStructure && <JsonView value={result.structuredContent} />}
        </div>
      </details>
    </div>
  );
}

function Words({ texts, isError }: { readonly texts: readonly string[]; readonly isError: boolean }): JSX.Element {
  const paragraphs = texts.map((text, index) => (
    <p key={index} class="result-text">
      {text}
    </p>
  ));
  if (!isError) return <>{paragraphs}</>;
  return (
    <div class="notice notice-bad">
      <Icon name="alert" size="small" />
      <div class="grow">{paragraphs}</div>
    </div>
  );
}

function textOf(block: JsonObject): readonly string[] {
  if (block["type"] === "text") return [readText(block["text"], textMax) ?? ""];
  if (block["type"] === "resource_link")
    return [`Link: ${readText(block["title"] ?? block["name"], 200) ?? ""} ${readText(block["uri"], 500) ?? ""}`.trim()];
  const type = readText(block["type"], 40) ?? "content";
  return [`[${type}${typeof block["mimeType"] === "string" ? `, ${block["mimeType"].slice(0, 60)}` : ""}]`];
}
