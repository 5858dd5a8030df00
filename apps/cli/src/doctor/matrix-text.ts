import { readableText } from "@countersign/protocol/readable-text";
import { certaintyNames } from "@countersign/protocol/host-profile";
import {
  type Basis,
  type Finding,
  findingsOf,
  matters,
  type Matrix,
  type Matter,
  type Note,
  type Standing,
  type Verdict,
} from "@countersign/protocol/server-verdict";

/** `colour`: for a terminal. Without it nothing but text is written. */
export interface MatrixStyle {
  readonly colour: boolean;
  /** Columns of the terminal; the matrix is laid out for at most 100. */
  readonly columns: number;
}

const columnsMax = 100;
const columnsMin = 40;

const matterNames: Readonly<Record<Matter, string>> = {
  connect: "connect",
  list: "tools",
  sign_in: "sign-in",
  model_call: "model call",
  view_call: "view call",
  view: "views",
  step_up: "more scope",
};

/** The words say it all: a colour only repeats them. */
const standings: Readonly<Record<Standing, readonly [word: string, colour: number]>> = {
  works: ["works", 32],
  falls_back: ["falls back", 33],
  dead: ["dead", 31],
  moot: ["-", 2],
  unknown: ["unknown", 2],
};

/** Writes a matrix, hosts down and matters across, and the findings under it, what frees most hosts first. Every line fits the terminal, and ends with a newline. */
export function formatMatrix(matrix: Matrix, names: Readonly<Record<string, string>>, style: MatrixStyle): string {
  const width = widthOf(style);
  const findings = findingsOf(matrix);
  const table = tableOf(matrix, names, style, width);
  const list = findings.flatMap((finding, index) => ["", ...findingLines(finding, index + 1, names, width)]);
  const notes = matrix.notes.flatMap((note, index) => ["", ...noteLines(note, findings.length + index + 1, width)]);
  const heading = notes.length === 0 ? [] : ["", "Whatever the host:"];
  const summary = findings.length + notes.length === 0 ? ["", "Nothing to mend."] : [...list, ...heading, ...notes];
  return `${[...wrap(clean(matrix.url), width, ""), "", ...table, ...summary].join("\n")}\n`;
}

/** A table where it fits, else one block for each host. */
function tableOf(matrix: Matrix, names: Readonly<Record<string, string>>, style: MatrixStyle, width: number): readonly string[] {
  const hostWidth = Math.max(4, ...matrix.hosts.map(({ host }) => nameOf(host, names).length));
  const widths = matters.map((matter) => {
    const words = matrix.hosts.map(({ verdicts }) => standings[verdicts[matter].standing][0].length);
    return Math.max(matterNames[matter].length, ...words);
  });
  const whole = hostWidth + widths.reduce((sum, each) => sum + each + 2, 0);
  if (whole > width) return matrix.hosts.flatMap((column) => blockOf(column, names, style, width));
  const head = ["host".padEnd(hostWidth), ...matters.map((matter, index) => matterNames[matter].padEnd(widths[index] ?? 0))];
  const rows = matrix.hosts.map(({ host, verdicts }) => {
    const cells = matters.map((matter, index) => wordOf(verdicts[matter].standing, style, widths[index] ?? 0));
    return [nameOf(host, names).padEnd(hostWidth), ...cells].join("  ").trimEnd();
  });
  return [head.join("  ").trimEnd(), ...rows];
}

function blockOf(
  { host, verdicts }: Matrix["hosts"][number],
  names: Readonly<Record<string, string>>,
  style: MatrixStyle,
  width: number,
): readonly string[] {
  const labels = Math.max(...Object.values(matterNames).map((name) => name.length));
  const lines = matters.map((matter) => `  ${matterNames[matter].padEnd(labels)}  ${wordOf(verdicts[matter].standing, style, 0)}`);
  return [...wrap(nameOf(host, names), width, ""), ...lines];
}

function wordOf(standing: Standing, { colour }: MatrixStyle, width: number): string {
  const [word, code] = standings[standing];
  const padding = " ".repeat(Math.max(0, width - word.length));
  return colour ? `\u001b[${code}m${word}\u001b[0m${padding}` : word + padding;
}

function findingLines(finding: Finding, number: number, names: Readonly<Record<string, string>>, width: number): readonly string[] {
  const indent = " ".repeat(String(number).length + 2);
  const list = (hosts: readonly string[]): string => hosts.map((host) => nameOf(host, names)).join(", ");
  const helped = finding.hosts.filter((host) => !finding.frees.includes(host) && !finding.unsure.includes(host));
  const lines = [
    ...(finding.fix === undefined ? [] : [`Fix: ${clean(finding.fix)}`]),
    ...(finding.frees.length === 0 ? [] : [`Frees ${list(finding.frees)}`]),
    ...(helped.length === 0 ? [] : [`${finding.fix === undefined ? "Concerns" : "Helps"} ${list(helped)}`]),
    ...(finding.unsure.length === 0 ? [] : [`${finding.fix === undefined ? "Concerns" : "May help"} ${list(finding.unsure)}`]),
  ];
  const first = wrap(`${number}. ${clean(finding.reason)}`, width, indent);
  return [...first, ...lines.flatMap((line) => wrap(indent + line, width, `${indent}  `))];
}

function noteLines({ reason, fix }: Note, number: number, width: number): readonly string[] {
  const indent = " ".repeat(String(number).length + 2);
  return [...wrap(`${number}. ${clean(reason)}`, width, indent), ...wrap(`${indent}Fix: ${clean(fix)}`, width, `${indent}  `)];
}

/** Writes all that is behind the cells of each host: reason, fix, and where it is written that the host does so. */
export function formatDetails(matrix: Matrix, names: Readonly<Record<string, string>>, style: MatrixStyle): string {
  const width = widthOf(style);
  const lines = matrix.hosts.flatMap(({ host, verdicts }) => [
    "",
    ...wrap(nameOf(host, names), width, ""),
    ...matters.flatMap((matter) => detailLines(matter, verdicts[matter], style, width)),
  ]);
  return `${lines.join("\n")}\n`;
}

const detailIndent = " ".repeat(6);

function detailLines(matter: Matter, { standing, reason, fix, basis }: Verdict, style: MatrixStyle, width: number): readonly string[] {
  const said = [clean(reason), ...(fix === undefined ? [] : [`Fix: ${clean(fix)}`]), ...(basis === undefined ? [] : [sourceOf(basis)])];
  return [
    `  ${matterNames[matter]}: ${wordOf(standing, style, 0)}`,
    ...said.flatMap((line) => wrap(detailIndent + line, width, `${detailIndent}  `)),
  ];
}

function sourceOf({ certainty, source }: Basis): string {
  return certainty === "assumed" ? `A guess: ${clean(source)}` : `Known from: ${clean(source)} (${certaintyNames[certainty]})`;
}

function widthOf({ columns }: MatrixStyle): number {
  return Math.min(columnsMax, Math.max(columnsMin, columns));
}

function nameOf(host: string, names: Readonly<Record<string, string>>): string {
  return clean(Object.hasOwn(names, host) ? (names[host] ?? host) : host);
}

/** A reason may repeat a server's words: nothing that moves a terminal's cursor or hides from people gets through. */
function clean(text: string): string {
  return (readableText(text, 2000) ?? "").replaceAll(/\s+/g, " ");
}

/** Breaks at blanks; a word that is longer than a line is broken too. `indent` stands before every line but the first. */
function wrap(text: string, width: number, indent: string): readonly string[] {
  const lead = /^ */.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = lead;
  for (const word of text.trim().split(" ")) {
    let rest = word;
    const begun = line.trim() !== "";
    if (begun && line.length + 1 + rest.length > width) {
      lines.push(line);
      line = indent;
    } else if (begun) {
      line += " ";
    }
    while (line.length + rest.length > width) {
      lines.push(line + rest.slice(0, width - line.length));
      rest = rest.slice(width - line.length);
      line = indent;
    }
    line += rest;
  }
  return [...lines, line];
}
