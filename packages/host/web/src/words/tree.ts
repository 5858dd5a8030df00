/** A model's words as this page shows them: a closed set of what can stand there. Whatever else Markdown or HTML could mean is text. */
export type Block =
  | { readonly kind: "paragraph"; readonly children: Inlines }
  | { readonly kind: "heading"; readonly depth: number; readonly children: Inlines }
  | { readonly kind: "code"; readonly language: string | undefined; readonly text: string }
  | { readonly kind: "quote"; readonly blocks: Blocks }
  | { readonly kind: "list"; readonly start: number | undefined; readonly items: readonly Item[] }
  | { readonly kind: "table"; readonly header: readonly Cell[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: "rule" };

export type Blocks = readonly Block[];

/** One entry of a list; `done` is there where it is a task. */
export interface Item {
  readonly done: boolean | undefined;
  readonly blocks: Blocks;
}

export interface Cell {
  readonly align: "start" | "center" | "end" | undefined;
  readonly children: Inlines;
}

export type Inline =
  | string
  | { readonly kind: "strong" | "em" | "del"; readonly children: Inlines }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "break" }
  /** An address of the web. `host` is there where the words do not say themselves where it leads. */
  | { readonly kind: "link"; readonly href: string; readonly host: string | undefined; readonly children: Inlines }
  /** Words with an address that is not followed. */
  | { readonly kind: "address"; readonly address: string | undefined; readonly children: Inlines }
  /** A picture that is not loaded. */
  | { readonly kind: "picture"; readonly words: string; readonly address: string };

export type Inlines = readonly Inline[];

/** The words of inline nodes, as they are read aloud. */
export function wordsOf(nodes: Inlines): string {
  return nodes
    .map((node) => {
      if (typeof node === "string") return node;
      if (node.kind === "code") return node.text;
      if (node.kind === "break") return "\n";
      return node.kind === "picture" ? node.words : wordsOf(node.children);
    })
    .join("");
}
