import { clampHeight } from "./bridge/size.ts";
import { parseJson } from "./json.ts";
import { isJsonObject } from "@countersign/protocol/shape";

/** What a view shows: the next one of the same tool and template is probably as high. */
export interface ViewKind {
  readonly connectorId: string;
  readonly tool: string;
  readonly resourceUri: string;
}

/** How high the views of this tab came to be in the conversation, so that the next one of a kind has its room from the start and what follows it stays where it is. */
export interface ViewHeights {
  /** In pixels; undefined before there was one of the kind. */
  readonly known: (kind: ViewKind) => number | undefined;
  readonly note: (kind: ViewKind, height: number) => void;
}

const storageKey = "countersign.view-heights";
const kindsMax = 50;

/** Keeps the heights of the fifty kinds that were shown last in the storage of the tab. */
export function createViewHeights(storage: Pick<Storage, "getItem" | "setItem">): ViewHeights {
  const keyOf = ({ connectorId, tool, resourceUri }: ViewKind): string => JSON.stringify([connectorId, tool, resourceUri]);
  const kept = readKept(storage.getItem(storageKey));
  return {
    known: (kind) => kept.get(keyOf(kind)),
    note: (kind, height) => {
      const key = keyOf(kind);
      if (kept.get(key) === height) return;
      kept.delete(key);
      kept.set(key, height);
      for (const oldest of [...kept.keys()].slice(0, -kindsMax)) kept.delete(oldest);
      try {
        storage.setItem(storageKey, JSON.stringify(Object.fromEntries(kept)));
      } catch {
        // The browser keeps nothing more: the heights last until the page is left.
      }
    },
  };
}

function readKept(text: string | null): Map<string, number> {
  const json = text === null ? undefined : parseJson(text);
  if (!isJsonObject(json)) return new Map();
  const entries = Object.entries(json).flatMap(([key, value]): readonly (readonly [string, number])[] => {
    const height = clampHeight(value);
    return height === undefined || height !== value ? [] : [[key, height]];
  });
  return new Map(entries);
}

export interface GrowthOptions {
  /** The room that the view has from the start. */
  readonly reserved: number | undefined;
  readonly apply: (height: number) => void;
  /** What the view came to be at first. What it grows to under the user's hands says nothing about the next one. */
  readonly onSettled: (height: number) => void;
  readonly schedule: (run: () => void, delayMs: number) => () => void;
}

/** A view that asks for no other height for so long is what it came to be. */
export const settledMs = 1000;

/**
 * Takes the heights that a view asks for while it builds itself up: it may grow at once, but gives reserved room back only when it has settled. Else what follows it
 * would move up and down again.
 */
export function createGrowth({ reserved, apply, onSettled, schedule }: GrowthOptions): {
  readonly ask: (height: number) => void;
  readonly stop: () => void;
} {
  let settled = false;
  let unschedule = (): void => {};
  return {
    ask: (height) => {
      if (settled) return apply(height);
      apply(Math.max(reserved ?? 0, height));
      unschedule();
      unschedule = schedule(() => {
        settled = true;
        apply(height);
        onSettled(height);
      }, settledMs);
    },
    stop: () => unschedule(),
  };
}
