import type { JSX } from "preact";
import { Component } from "preact";
import { useMemo } from "preact/hooks";
import type { Block, Blocks, Cell, Inline, Inlines, Item } from "../words/tree.ts";
import { createWordsReader } from "../words/words-reader.ts";
import { CodeBlock } from "./code-block.tsx";
import { useEachFrame } from "./use-each-frame.ts";

export interface WordsProps {
  readonly text: string;
  /** More is on its way. */
  readonly writing: boolean;
}

/** A model's words, which are Markdown. What they may become is the closed table of {@link Block} and {@link Inline}; nothing in them is loaded. */
export function WordsView({ text, writing }: WordsProps): JSX.Element {
  const reader = useMemo(createWordsReader, []);
  const shown = useEachFrame(text, writing);
  return (
    <div class="result-text words">
      {outline(reader.read(shown, writing)).map((part, place) => (
        <Part key={place} {...part} />
      ))}
    </div>
  );
}

interface PartProps {
  readonly blocks: Blocks;
  /** For each block that is a heading its place in the outline, from 1. */
  readonly levels: readonly number[];
}

/** The parts of one message with the levels of their headings: how many are above each, whatever depth it was written with, so that none is skipped. */
export function outline(parts: readonly Blocks[]): readonly PartProps[] {
  const above: number[] = [];
  return parts.map((blocks) => ({ blocks, levels: blocks.map((block) => levelOf(block, above)) }));
}

function levelOf(block: Block, above: number[]): number {
  if (block.kind !== "heading") return 0;
  while ((above.at(-1) ?? 0) >= block.depth) above.pop();
  above.push(block.depth);
  return above.length;
}

/** While the end is written, what is above stands still. */
class Part extends Component<PartProps> {
  override shouldComponentUpdate({ blocks, levels }: PartProps): boolean {
    return blocks !== this.props.blocks || levels.some((level, place) => level !== this.props.levels[place]);
  }

  override render(props: PartProps): JSX.Element {
    return <>{partOf(props)}</>;
  }
}

/** What one part becomes. */
export function partOf({ blocks, levels }: PartProps): readonly JSX.Element[] {
  return blocks.map((block, place) => blockOf(block, levels[place] ?? 0));
}

const headings = [undefined, "h3", "h4", "h5", "h6"] as const;

function blockOf(block: Block, level: number): JSX.Element {
  switch (block.kind) {
    case "paragraph":
      return <p dir="auto">{inlinesOf(block.children)}</p>;
    case "heading": {
      // In a quote or a list it is no part of the answer's outline.
      const Heading = headings[Math.min(level, 4)];
      if (Heading !== undefined) return <Heading dir="auto">{inlinesOf(block.children)}</Heading>;
      return (
        <p dir="auto">
          <strong>{inlinesOf(block.children)}</strong>
        </p>
      );
    }
    case "code":
      return <CodeBlock language={block.language} text={block.text} />;
    case "quote":
      return <blockquote dir="auto">{block.blocks.map((each) => blockOf(each, 0))}</blockquote>;
    case "list":
      return block.start === undefined ? (
        <ul dir="auto">{block.items.map(itemOf)}</ul>
      ) : (
        <ol dir="auto" start={block.start}>
          {block.items.map(itemOf)}
        </ol>
      );
    case "table":
      return tableOf(block.header, block.rows);
    case "rule":
      return <hr />;
    default:
      return block satisfies never;
  }
}

function itemOf({ done, blocks }: Item): JSX.Element {
  const words = blocks.map((block) => blockOf(block, 0));
  if (done === undefined) return <li>{words}</li>;
  return (
    <li class="words-task">
      <span role="img" aria-label={done ? "Done" : "To do"}>
        {done ? "☑" : "☐"}
      </span>
      <div>{words}</div>
    </li>
  );
}

function tableOf(header: readonly Cell[], rows: readonly (readonly Cell[])[]): JSX.Element {
  return (
    <div class="words-table" role="group" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {header.map(({ align, children }) => (
              <th scope="col" dir="auto" data-align={align}>
                {inlinesOf(children)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {row.map(({ align, children }) => (
                <td dir="auto" data-align={align}>
                  {inlinesOf(children)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inlinesOf(nodes: Inlines): readonly (JSX.Element | string)[] {
  return nodes.map(inlineOf);
}

function inlineOf(node: Inline): JSX.Element | string {
  if (typeof node === "string") return node;
  switch (node.kind) {
    case "strong":
      return <strong>{inlinesOf(node.children)}</strong>;
    case "em":
      return <em>{inlinesOf(node.children)}</em>;
    case "del":
      return <del>{inlinesOf(node.children)}</del>;
    case "code":
      return <code>{node.text}</code>;
    case "break":
      return <br />;
    case "link":
      return (
        <a href={node.href} target="_blank" rel="noopener noreferrer">
          <bdi>{inlinesOf(node.children)}</bdi>
          {node.host !== undefined && <bdi class="words-host"> ({node.host})</bdi>}
        </a>
      );
    case "address":
      return (
        <>
          <bdi>{inlinesOf(node.children)}</bdi>
          {node.address !== undefined && <bdi class="words-host"> ({node.address})</bdi>}
        </>
      );
    case "picture":
      return (
        <span class="words-picture">
          <bdi>{node.words === "" ? "Picture" : node.words}</bdi>
          <bdi class="words-host"> (picture, not loaded: {node.address})</bdi>
        </span>
      );
    default:
      return node satisfies never;
  }
}
