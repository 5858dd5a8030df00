import type { Terminal } from "../src/terminal.ts";

/** A terminal that keeps what was written to it. */
export interface PaperTerminal extends Terminal {
  printed(): string;
  told(): string;
  /** The questions that were asked, in their order. */
  readonly asked: readonly string[];
}

/** What a person types when asked; without it nobody sits there. Each question takes the next line; after the last one the input has ended. */
export function paperTerminal(typed?: readonly string[], input = ""): PaperTerminal {
  const lines = { printed: "", told: "" };
  const left = [...(typed ?? [])];
  const asked: string[] = [];
  return {
    print: (text) => {
      lines.printed += text;
    },
    tell: (text) => {
      lines.told += text;
    },
    columns: undefined,
    attended: typed !== undefined,
    ask: async (question) => {
      asked.push(question);
      return left.shift();
    },
    readInput: async (bytesMax) => (input.length > bytesMax ? undefined : input),
    printed: () => lines.printed,
    told: () => lines.told,
    asked,
  };
}
