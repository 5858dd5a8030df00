import type { Rung, RungFailure } from "@countersign/protocol/ladder";
import type { LadderNote } from "@countersign/protocol/trace-document";

/** So many notes of a view are kept. One that says more is not listened to by the host. */
export const notesMax = 50;

/** Adds a note to those of a view; the oldest leave. */
export function addNote(notes: readonly LadderNote[] | undefined, note: LadderNote): readonly LadderNote[] {
  return [...(notes ?? []), note].slice(-notesMax);
}

const ways: Readonly<Record<Rung, string>> = {
  host_resumes: "the plain call",
  continue: "Continue in the chat",
  link: "a link of the app’s own",
  model: "a message to the chat",
};

const ends: Readonly<Record<RungFailure, string>> = {
  unauthorized: "needs a sign-in",
  unreadable: "gave no answer that can be understood",
  ended: "was ended",
  failed: "failed",
};

/** A note as a sentence for a person. */
export function wordsOf({ tool, rung, outcome }: LadderNote): string {
  const way = ways[rung];
  if (outcome === "begun") return `The app tries ${tool} by ${way}`;
  return outcome === "done" ? `The app got ${tool} by ${way}` : `${way.slice(0, 1).toUpperCase()}${way.slice(1)} for ${tool} ${ends[outcome]}`;
}
