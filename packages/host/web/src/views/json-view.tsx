import { isJsonObject } from "@countersign/protocol/shape";
import type { JSX } from "preact";

const itemsMax = 200;
const depthMax = 12;
const textMax = 4000;

/** JSON as a tree that folds. Large values are cut, with the number of what is left out. */
export function JsonView({ value }: { readonly value: unknown }): JSX.Element {
  return (
    <div class="json" data-testid="json">
      <Node name={undefined} value={value} depth={0} />
    </div>
  );
}

function Node({ name, value, depth }: { readonly name: string | undefined; readonly value: unknown; readonly depth: number }): JSX.Element {
  const label = name === undefined ? null : <span class="json-name">{name}: </span>;
  if (!Array.isArray(value) && !isJsonObject(value)) {
    return (
      <div class="json-line">
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  const items: readonly (readonly [string, unknown])[] = Object.entries(value);
  const summary = Array.isArray(value) ? `[${items.length}]` : items.length === 0 ? "{}" : `{${items.length}}`;
  if (items.length === 0 || depth >= depthMax) {
    return (
      <div class="json-line">
        {label}
        <span class="quiet">{summary}</span>
      </div>
    );
  }
  return (
    <details open={depth < 2}>
      <summary>
        {label}
        <span class="quiet">{summary}</span>
      </summary>
      <div class="json-items">
        {items.slice(0, itemsMax).map(([key, item]) => (
          <Node key={key} name={key} value={item} depth={depth + 1} />
        ))}
        {items.length > itemsMax && <div class="json-line quiet">and {items.length - itemsMax} more</div>}
      </div>
    </details>
  );
}

function Leaf({ value }: { readonly value: unknown }): JSX.Element {
  if (typeof value !== "string") return <span class="json-plain">{String(value)}</span>;
  const cut = value.length > textMax;
  return (
    <span class="json-text">
      "{cut ? value.slice(0, textMax) : value}"{cut && <span class="quiet"> … {value.length} characters</span>}
    </span>
  );
}
