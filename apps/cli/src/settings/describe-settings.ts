import { describeConfig, readConfig, type VariableDescription } from "@countersign/service/config";
import { oneLine } from "../terminal-text.ts";
import { parties, type PartyName } from "./parties.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** One variable, and what is wrong with its value, if anything. */
export interface Setting extends VariableDescription {
  readonly problem: string | undefined;
}

/** The settings of one party as they are in force in `env`. */
export interface Settings {
  readonly party: PartyName;
  readonly title: string;
  readonly settings: readonly Setting[];
}

/** Reads a party's settings: what they are, and which values are not valid. A secret's value is in none of it, nor one that is not valid, which may be a secret in the wrong place. */
export function readSettings(party: PartyName, env: Environment): Settings {
  const { schema, title } = parties[party];
  const read = readConfig(schema, env);
  const problems = new Map(read.ok ? [] : read.error.map(({ env: name, problem }) => [name, problem]));
  const settings = describeConfig(schema, env).map((each): Setting => {
    const problem = problems.get(each.env);
    return { ...each, problem, value: problem === undefined ? each.value : undefined };
  });
  return { party, title, settings };
}

/** As a person reads it, at most `width` characters a line where words allow. */
export function settingsText(all: readonly Settings[], width = 100): string {
  return all
    .map(({ party, title, settings }) => [`${party}: ${title}`, "", ...settings.flatMap((each) => [...linesOf(each, width), ""])].join("\n"))
    .join("\n");
}

function linesOf(setting: Setting, width: number): readonly string[] {
  const { env, doc, type, value, source, problem } = setting;
  const shown = value === undefined ? "" : `=${oneLine(value, 300)}`;
  return [
    `  ${env}${shown}  (${source})`,
    ...wrapped(`${type}. ${doc}`, width - 6).map((line) => `      ${line}`),
    ...(problem === undefined ? [] : [`      NOT VALID: it ${problem}.`]),
  ];
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
