#!/usr/bin/env node
import { resolve } from "node:path";
import { requireConfig } from "@countersign/service/config";
import { createLogger, describeError } from "@countersign/service/log";
import { runMain, startupSentence } from "@countersign/service/run-main";
import { type CallCommand, type Command, type ConfigCommand, type ConnectCommand, type NewCommand, parseCommand, type UpCommand } from "./command.ts";
import { SettingsProblem } from "@countersign/service/startup-problem";
import { exitCodes } from "./exit-codes.ts";
import type { Npm } from "./new/pack-libraries.ts";
import { processTerminal } from "./process-terminal.ts";
import { readVersion } from "./version.ts";

const terminal = processTerminal(process);

/** Folders are meant from where the person stands, which `npm run` tells. */
const standing = process.env["INIT_CWD"] ?? process.cwd();

/** Does what a command line asks for and gives the exit code; undefined for what ends by itself. Each command loads its own modules, so that help is there at once. */
async function run(command: Command): Promise<number | undefined> {
  switch (command.command) {
    case "help":
      terminal.print(command.text);
      return exitCodes.done;
    case "version":
      terminal.print(`${readVersion()}\n`);
      return exitCodes.done;
    case "up":
      await runUp(command);
      return undefined;
    case "new":
      return make(command);
    case "call":
    case "connect":
      return runSession(command);
    case "config":
      return runConfig(command);
    case "doctor":
      return (await import("./doctor/doctor.ts")).doctor(command, process);
    case "bench":
      return (await import("./bench.ts")).bench(command, terminal);
    case "wrong":
      terminal.tell(`countersign: ${command.sentence}\n`);
      return exitCodes.usage;
  }
}

async function runUp(command: UpCommand): Promise<void> {
  const { upConfig } = await import("./config.ts");
  const { up } = await import("./up.ts");
  const quiet = createLogger("countersign", { level: "error" });
  const apps = command.apps.map((folder) => resolve(standing, folder));
  const config = requireConfig(upConfig, process.env);
  await runMain("countersign", async () => up(config, apps, terminal.print), process, quiet);
}

/** Ctrl-C ends what runs in good order; a second one ends at once. */
async function runSession(command: CallCommand | ConnectCommand): Promise<number> {
  const { cliConfig } = await import("./config.ts");
  const { withSession } = await import("./local/with-session.ts");
  const stopping = new AbortController();
  for (const event of ["uncaughtException", "unhandledRejection"]) process.on(event, (error: unknown) => process.exit(explain(error, debug)));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => (stopping.signal.aborted ? process.exit(exitCodes.interrupted) : stopping.abort()));
  }
  const report = (event: string, { error }: Readonly<Record<string, unknown>>): void => {
    if (debug) terminal.tell(`countersign: ${event} ${error instanceof Error ? (error.stack ?? error.name) : ""}\n`);
  };
  const around = { config: requireConfig(cliConfig, process.env), terminal, env: process.env, signal: stopping.signal, report };
  const ending = await withSession(around, command.way, async (session) =>
    command.command === "call"
      ? (await import("./call/run-call.ts")).runCall(session, { ...command, ...traceFileOf(command) })
      : (await import("./connect/run-connect.ts")).runConnect(session, command),
  );
  // What still waits for a server would keep the process.
  if (ending === "interrupted") process.exit(exitCodes.interrupted);
  return exitCodes[ending];
}

function traceFileOf({ traceFile }: CallCommand): Pick<CallCommand, "traceFile"> {
  return traceFile === undefined ? {} : { traceFile: { ...traceFile, path: resolve(standing, traceFile.path) } };
}

async function runConfig(command: ConfigCommand): Promise<number> {
  const { printSettings } = await import("./settings/print-settings.ts");
  return exitCodes[printSettings(command, process.env, terminal)];
}

async function make({ folder, port, install }: NewCommand): Promise<number> {
  const { newApp } = await import("./new/new-app.ts");
  const { nextSteps } = await import("./new/next-steps.ts");
  const { packLibraries } = await import("./new/pack-libraries.ts");
  const npm = npmOf(process.env);
  const options = { folder: resolve(standing, folder), port, install, npm, pack: (into: string) => packLibraries(npm, into) };
  const app = newApp(options, (line) => terminal.print(`new: ${line}\n`));
  terminal.print(nextSteps(app, standing, install));
  return exitCodes.done;
}

/** The npm that runs this command, or the one on the path. */
function npmOf(env: Npm["env"]): Npm {
  const cli = env["npm_execpath"];
  if (cli !== undefined && /\.c?js$/.test(cli)) return { command: [process.execPath, cli], env };
  return { command: [process.platform === "win32" ? "npm.cmd" : "npm"], env };
}

/** A sentence for what explains itself; for a fault of this program its kind only, because a message may repeat anything. */
function explain(error: unknown, debug: boolean): number {
  const sentence = startupSentence(error);
  const fault = `This should not have happened (${describeError(error).name}). ${debug ? "" : "Run it again with --debug to see where."}`.trimEnd();
  terminal.tell(`countersign: ${sentence ?? fault}\n`);
  if (debug && error instanceof Error) terminal.tell(`${error.stack ?? error.message}\n`);
  if (error instanceof SettingsProblem) return exitCodes.usage;
  return sentence === undefined ? exitCodes.fault : exitCodes.failed;
}

// Whoever reads the output may have read enough, as `head` does: the command goes on to its end, and its exit code says what it found. What a full disk loses is lost.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") return;
  terminal.tell(`countersign: the output cannot be written (${error.code ?? error.name}).\n`);
  process.exit(exitCodes.failed);
});
// What is told is not the answer: a call that may run already is not to be left because nobody listens.
process.stderr.on("error", () => undefined);

const { debug = false, ...command } = parseCommand(process.argv.slice(2));
const code = await run(command).catch((error: unknown) => explain(error, debug));
if (code !== undefined) process.exitCode = code;
