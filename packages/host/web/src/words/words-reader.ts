import { readBlocks } from "./read-blocks.ts";
import { settleTail } from "./settle-tail.ts";
import { splitWords } from "./split-words.ts";
import type { Blocks } from "./tree.ts";

/** Reads a text that grows. A part that is as it was when it was last read is given back as the same object. */
export interface WordsReader {
  readonly read: (text: string, writing: boolean) => readonly Blocks[];
}

/** Makes a reader for one message. */
export function createWordsReader(): WordsReader {
  let known: readonly { readonly source: string; readonly blocks: Blocks }[] = [];
  return {
    read: (text, writing) => {
      const parts = splitWords(text.replaceAll(/\r\n?/g, "\n"));
      known = parts.map((part, place) => {
        const source = writing && place === parts.length - 1 ? settleTail(part) : part;
        const before = known[place];
        return before?.source === source ? before : { source, blocks: readBlocks(source) };
      });
      return known.map(({ blocks }) => blocks);
    },
  };
}
