#!/usr/bin/env node
import { resolve } from "node:path";
import { requireConfig } from "@countersign/service/config";
import { createLogger } from "@countersign/service/log";
import { runMain, startupSentence } from "@countersign/service/run-main";
import { parseCommand } from "./command.ts";
import { upConfig } from "./config.ts";
import { doctor } from "./doctor/doctor.ts";
import { newApp } from "./new/new-app.ts";
import { nextSteps } from "./new/next-steps.ts";
import { type Npm, packLibraries } from "./new/pack-libraries.ts";
import { up } from "./up.ts";

const print = (text: string): void => {
  process.stdout.write(text);
};

/** Folders are meant from where the person stands, which `npm run` tells. */
const standing = process.env["INIT_CWD"] ?? process.cwd();

const command = parseCommand(process.argv.slice(2));
switch (command.command) {
  case "help":
    print(command.text);
    break;
  case "up": {
    const quiet = createLogger("countersign", { level: "error" });
    const apps = command.apps.map((folder) => resolve(standing, folder));
    await runMain("countersign", async () => up(requireConfig(upConfig, process.env), apps, print), process, quiet);
    break;
  }
  case "new":
    process.exitCode = make(resolve(standing, command.folder), command);
    break;
  case "doctor":
    process.exitCode = await doctor(command, process);
    break;
  case "wrong":
    process.stderr.write(`countersign: ${command.sentence}\n`);
    process.exitCode = 2;
    break;
}

function make(folder: string, options: { readonly port: number; readonly install: boolean }): number {
  const npm = npmOf(process.env);
  try {
    const app = newApp({ ...options, folder, npm, pack: (into) => packLibraries(npm, into) }, (line) => print(`new: ${line}\n`));
    print(nextSteps(app, standing, options.install));
    return 0;
  } catch (error) {
    const sentence = startupSentence(error);
    if (sentence === undefined) throw error;
    process.stderr.write(`countersign: ${sentence}\n`);
    return 1;
  }
}

/** The npm that runs this command, or the one on the path. */
function npmOf(env: Npm["env"]): Npm {
  const cli = env["npm_execpath"];
  if (cli !== undefined && /\.c?js$/.test(cli)) return { command: [process.execPath, cli], env };
  return { command: [process.platform === "win32" ? "npm.cmd" : "npm"], env };
}
