import type { Entry } from "./state.ts";

/** The model's words of one message are shown up to so many UTF-16 units: what a host gives at most. */
export const saidMax = 200_000;

type Said = Extract<Entry, { readonly kind: "said" }>;
type Draft = Extract<Entry, { readonly kind: "draft" }>;
type Entries = readonly Entry[];

/** Puts words into the conversation: whole, or with `at` the piece that begins there. A piece whose beginning is missing is left out, see {@link isPieceMissing}. */
export function putSaid(entries: Entries, entry: Said, at: number | undefined): Entries {
  if (isPieceMissing(entries, entry.id, at)) return entries;
  const place = entries.findIndex((known) => known.kind === "said" && known.id === entry.id);
  const known = entries[place];
  // A piece may come after a read that had it already: what is there stays there.
  if (known?.kind === "said" && at !== undefined && known.text.startsWith(entry.text, at)) return entries;
  const before = known?.kind === "said" && at !== undefined ? known.text.slice(0, at) : "";
  const next: Said = { ...entry, text: (before + entry.text).slice(0, saidMax), ...(at === undefined ? {} : { writing: true as const }) };
  return place < 0 ? [...entries, next] : entries.with(place, next);
}

/** Whether a piece begins beyond what is known of its message. */
export function isPieceMissing(entries: Entries, id: string, at: number | undefined): boolean {
  if (at === undefined || at === 0) return false;
  const known = entries.find((entry) => entry.kind === "said" && entry.id === id);
  return known?.kind !== "said" || known.text.length < at;
}

/** Shows a call while it is written; one that was made, or was not, stays what it is. */
export function putDraft(entries: Entries, draft: Draft): Entries {
  const place = entries.findIndex((known) => isOfDraft(known, draft.id));
  const known = entries[place];
  if (known === undefined) return [...entries, draft];
  return known.kind === "draft" && known.unmade === undefined ? entries.with(place, draft) : entries;
}

/** Shows a call: in the place where it was written, else at the end. */
export function putCallEntry(entries: Entries, call: Extract<Entry, { readonly kind: "call" }>): Entries {
  if (entries.some((known) => known.kind === "call" && known.callId === call.callId)) return entries;
  const place = entries.findIndex((known) => call.draft !== undefined && known.kind === "draft" && known.id === call.draft);
  return place < 0 ? [...entries, call] : entries.with(place, call);
}

/** A call that was written is not made: the one with this id, or every one. */
export function endDrafts(entries: Entries, unmade: string, id?: string): Entries {
  const ends = (entry: Entry): entry is Draft => entry.kind === "draft" && entry.unmade === undefined && (id === undefined || entry.id === id);
  return entries.some(ends) ? entries.map((entry) => (ends(entry) ? { ...entry, unmade } : entry)) : entries;
}

/** Nothing is written any more. */
export function endWriting(entries: Entries): Entries {
  const isWriting = (entry: Entry): entry is Said => entry.kind === "said" && entry.writing === true;
  if (!entries.some(isWriting)) return entries;
  return entries.map((entry) => {
    if (!isWriting(entry)) return entry;
    const { writing: _, ...rest } = entry;
    return rest;
  });
}

/** The id under which a call's card knows it now: a written call is known by its draft's until it is made. */
export function cardIdOf(entries: Entries, id: string): string {
  const made = entries.find((entry) => entry.kind === "call" && entry.draft === id);
  return made?.kind === "call" ? made.callId : id;
}

/** The words that were not answered: the user's last, when nothing but words followed. Undefined after a call, which is not to be made twice. */
export function unansweredWords(entries: Entries): string | undefined {
  const place = entries.findLastIndex((entry) => entry.kind === "said" && entry.by === "user");
  const asked = entries[place];
  const called = entries.slice(place + 1).some((entry) => entry.kind === "call");
  return asked?.kind === "said" && !called ? asked.text : undefined;
}

function isOfDraft(entry: Entry, id: string): boolean {
  return entry.kind === "draft" ? entry.id === id : entry.kind === "call" && entry.draft === id;
}
