import type { NewAnswer } from "@countersign/host/routes/schemas/asking";
import { type FormField, judgeForm } from "@countersign/protocol/form";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../terminal-text.ts";

/** Asks the fields of a form one after the other (elicitation, form mode). The person may say no first, or end the input at any field. */
export async function askForm(terminal: Terminal, fields: readonly FormField[], signal: AbortSignal): Promise<NewAnswer> {
  const said = await terminal.ask("Answer? [y/N] ", signal);
  if (said === undefined) return { action: "cancel" };
  if (!/^(y|yes)$/i.test(said.trim())) return { action: "decline" };
  const content: Record<string, unknown> = {};
  for (const field of fields) {
    const value = await askField(terminal, field, signal);
    if (value === "ended") return { action: "cancel" };
    if (value.given !== undefined) content[field.name] = value.given;
  }
  return { action: "accept", content };
}

async function askField(terminal: Terminal, field: FormField, signal: AbortSignal): Promise<{ readonly given: unknown } | "ended"> {
  if (field.hint !== undefined) terminal.tell(`  ${oneLine(field.hint, 500)}\n`);
  const options = field.kind === "choice" || field.kind === "choices" ? field.options : [];
  for (const [at, option] of options.entries()) terminal.tell(`  ${at + 1}  ${oneLine(option.label, 200)}\n`);
  for (;;) {
    const said = await terminal.ask(`${oneLine(field.label, 100)}${hintOf(field)}: `, signal);
    if (said === undefined || signal.aborted) return "ended";
    const given = said.trim() === "" ? field.initial : readField(field, said.trim());
    const judged = judgeForm([field], given === undefined ? {} : { [field.name]: given });
    if (judged.ok) return { given: judged.value[field.name] };
    terminal.tell(`  ${oneLine(judged.error[field.name] ?? "That does not fit.", 300)}\n`);
  }
}

function hintOf(field: FormField): string {
  const kind = { text: "", number: "number", flag: "y or n", choice: "its number", choices: "numbers, separated by commas" }[field.kind];
  const initial = field.initial === undefined ? "" : `Enter for ${oneLine(String(field.initial), 100)}`;
  const words = [kind, field.required || field.initial !== undefined ? "" : "optional", initial].filter((word) => word !== "");
  return words.length === 0 ? "" : ` (${words.join("; ")})`;
}

/** What was typed, as the kind of the field; what does not fit stays a text, which the form refuses with its reason. */
function readField(field: FormField, said: string): unknown {
  switch (field.kind) {
    case "text":
      return said;
    case "number":
      return Number.isNaN(Number(said)) ? said : Number(said);
    case "flag":
      return /^(y|yes|true)$/i.test(said) ? true : /^(n|no|false)$/i.test(said) ? false : said;
    case "choice":
      return field.options[Number(said) - 1]?.value ?? said;
    case "choices":
      return said.split(",").map((part) => field.options[Number(part.trim()) - 1]?.value ?? part.trim());
  }
}
