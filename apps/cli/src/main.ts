#!/usr/bin/env node
import { requireConfig } from "@countersign/service/config";
import { createLogger } from "@countersign/service/log";
import { runMain } from "@countersign/service/run-main";
import { upConfig } from "./config.ts";
import { up } from "./up.ts";

const help = `Usage: countersign <command>

Commands
  up       start host, wallet, store and bank on this machine and print where to go

Each command reads its settings from COUNTERSIGN_* environment variables.
`;

const [command, ...rest] = process.argv.slice(2);

if (command === undefined || command === "--help" || command === "-h" || command === "help") {
  process.stdout.write(help);
} else if (command === "up" && rest.length === 0) {
  const quiet = createLogger("countersign", { level: "error" });
  await runMain("countersign", async () => up(requireConfig(upConfig, process.env), (text) => process.stdout.write(text)), process, quiet);
} else {
  const given = [command, ...rest].join(" ");
  process.stderr.write(`countersign: there is no command “${given.slice(0, 80)}”. Run \`countersign --help\` for the list.\n`);
  process.exitCode = 2;
}
