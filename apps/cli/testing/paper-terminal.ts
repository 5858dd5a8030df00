import type { Terminal } from "../src/terminal.ts";

/** A terminal that keeps what was written to it. */
export interface PaperTerminal extends Terminal {
  printed(): string;
  told(): string;
}

export function paperTerminal(): PaperTerminal {
  const lines = { printed: "", told: "" };
  return {
    print: (text) => {
      lines.printed += text;
    },
    tell: (text) => {
      lines.told += text;
    },
    printed: () => lines.printed,
    told: () => lines.told,
  };
}
