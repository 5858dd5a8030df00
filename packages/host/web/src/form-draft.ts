import { judgeForm, type FormContent, type FormField, type FormProblems } from "@countersign/protocol/form";
import type { Result } from "@countersign/protocol/result";

/** What stands in the controls of a form: texts as typed, ticks, and chosen values. */
export type FormDraft = Readonly<Record<string, string | boolean | readonly string[]>>;

/** An untouched form: its defaults, or nothing. */
export function draftOfForm(fields: readonly FormField[]): FormDraft {
  return Object.fromEntries(fields.map((field) => [field.name, initialOf(field)]));
}

/** The content that a draft stands for, judged by the rules that the host applies too. An emptied field is left out. */
export function contentOfDraft(fields: readonly FormField[], draft: FormDraft): Result<FormContent, FormProblems> {
  const typed = fields.flatMap((field) => {
    const value = valueOf(field, draft[field.name]);
    return value === undefined ? [] : [[field.name, value] as const];
  });
  // What the user emptied stays empty, so the defaults are not filled in a second time.
  return judgeForm(fields.map(withoutInitial), Object.fromEntries(typed));
}

function initialOf(field: FormField): string | boolean | readonly string[] {
  switch (field.kind) {
    case "flag":
      return field.initial ?? false;
    case "choices":
      return field.initial ?? [];
    case "number":
      return field.initial === undefined ? "" : String(field.initial);
    case "text":
      return field.format === "date-time" && field.initial !== undefined ? toLocal(field.initial) : (field.initial ?? "");
    case "choice":
      return field.initial ?? "";
  }
}

function valueOf(field: FormField, drafted: FormDraft[string] | undefined): unknown {
  if (field.kind === "flag") return drafted === true;
  if (field.kind === "choices")
    return Array.isArray(drafted) && (drafted.length > 0 || field.required || field.initial !== undefined) ? drafted : undefined;
  if (typeof drafted !== "string" || drafted === "") return undefined;
  if (field.kind === "number") return drafted.trim() === "" ? undefined : Number(drafted);
  return field.kind === "text" && field.format === "date-time" ? toMoment(drafted) : drafted;
}

/** The browser's control gives local time without a zone; the protocol wants a moment (RFC 3339). */
function toMoment(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
}

function toLocal(moment: string): string {
  const at = new Date(moment);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function withoutInitial(field: FormField): FormField {
  const { initial: _, ...rest } = field;
  return rest;
}
