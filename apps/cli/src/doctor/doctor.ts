import { type ExamineStep, examineServer } from "@countersign/host/doctor/examine";
import { hostNames } from "@countersign/protocol/host-profile";
import { reportOn } from "@countersign/protocol/server-matrix";
import { oneLine, safeJson } from "../terminal-text.ts";
import type { DoctorOptions } from "./doctor-options.ts";
import { formatDetails, formatMatrix } from "./matrix-text.ts";

/** The parts of a process that the command uses; a test passes its own. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** In a matrix of 100 columns there are 16 for a name. */
const shortNames: Readonly<Record<string, string>> = { ...hostNames, copilot: "M365 Copilot", generic: "Any 2025-11-25" };

const stepLines: Readonly<Record<ExamineStep, string>> = {
  revisions: "opening it in each revision of MCP",
  tools: "listing its tools",
  calls: "asking how it demands sign-in",
  views: "reading its views",
  transport: "trying its transport",
  metadata: "reading the metadata for sign-in",
  cross_origin: "asking as a page of another origin",
};

const registering = "registering clients for a try, and taking them away again";
const nobodyRegisters = "no authorization server that was found registers clients, so none is tried";

/** The shape of what `--json` prints; a change that breaks readers raises it. */
const jsonSchema = 1;

/** `countersign doctor`: examines a server, prints the matrix, and gives the exit code. Progress goes to stderr. */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<number> {
  const { address, hosts, reach, consent, register } = options;
  const onStep = (step: ExamineStep): void => void terminal.stderr.write(`doctor: ${stepLines[step]}\n`);
  const onRegister = (offered: boolean): void => void terminal.stderr.write(`doctor: ${offered ? registering : nobodyRegisters}\n`);
  const examined = await examineServer(address, { reach, consent, register, onRegister, onStep });
  if (!examined.ok) {
    terminal.stderr.write(`countersign: ${oneLine(examined.error.detail ?? examined.error.code, 300)}.\n`);
    return 2;
  }
  const observation = examined.value;
  const matrix = reportOn(observation, hosts);
  const { exit } = matrix;
  if (options.json) {
    const report = { schema: jsonSchema, ...matrix, observation };
    terminal.stdout.write(`${safeJson(report)}\n`);
    return exit;
  }
  const style = styleOf(terminal);
  terminal.stdout.write(formatMatrix(matrix, shortNames, style));
  if (options.details) terminal.stdout.write(formatDetails(matrix, hostNames, style));
  return exit;
}

/** Colours are for a terminal whose owner did not say no (no-color.org). */
function styleOf({ stdout, env }: Terminal): { readonly colour: boolean; readonly columns: number } {
  const refused = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return { colour: stdout.isTTY === true && !refused, columns: stdout.columns ?? 100 };
}
