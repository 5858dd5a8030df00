import { doctorHelp } from "../doctor/doctor-options.ts";
import { everybodys } from "./everybodys.ts";

/** The words of each command, for `countersign help` and for refusals. */
export interface CommandHelp {
  /** How it is called, up to its own words. */
  readonly invocation: string;
  readonly summary: string;
  /** What `--help` prints. */
  readonly text: string;
  /** Its options, without their dashes; `--help` and `--debug` are everybody's. */
  readonly options: readonly string[];
}

export type CommandName = "up" | "doctor" | "config" | "new" | "bench";

export const commandHelp: Readonly<Record<CommandName, CommandHelp>> = {
  up: {
    invocation: "npm start --",
    summary: "host, wallet, store and bank on this machine (npm start)",
    options: ["app"],
    text: `Usage: npm start -- [--app <folder>]...

Starts host, wallet, store and bank on this machine and prints where to go.

  --app <folder>   let host and wallet know the app in this folder (its countersign.json); may be given several times
${everybodys}
Settings are COUNTERSIGN_* environment variables: countersign config up
`,
  },
  doctor: {
    invocation: "npm run doctor --",
    summary: "how any MCP server fares in each host, why, and what to change (npm run doctor)",
    options: ["host", "details", "json", "no-call", "allow-private"],
    text: doctorHelp,
  },
  config: {
    invocation: "countersign config",
    summary: "every setting with its type, value and source; secrets are masked",
    options: ["json"],
    text: `Usage: countersign config [up | host | wallet | store | bank]

Prints the settings of one party, or of all: the environment variable, its type, what it does, its value and where that comes from.
Values of secrets are never printed. Ends with 2 when a value is not valid.

  --json           print one JSON object on the standard output
${everybodys}`,
  },
  new: {
    invocation: "npm run new --",
    summary: "an MCP app with server, view and tests (npm run new)",
    options: ["port", "no-install"],
    text: `Usage: npm run new -- <folder> [--port <number>] [--no-install]

Makes an MCP app in a new folder: a server with a tool for anybody and a tool that needs sign-in, a view, and tests.
The folder's name becomes the app's name: small letters, digits and hyphens.

  --port <number>  where the app listens (4500)
  --no-install     leave the installing of its packages to you
${everybodys}`,
  },
  bench: {
    invocation: "countersign bench",
    summary: "measurements as ratios in one run",
    options: ["json"],
    text: `Usage: countersign bench [<scenario>]

Measures side by side on this machine and prints figures and ratios; progress goes to the standard error. All scenarios take many minutes.

  --json           print one JSON line a scenario
${everybodys}`,
  },
};

export const commandNames: readonly CommandName[] = ["up", "doctor", "config", "new", "bench"];

const summaries: string = commandNames.map((name) => `  ${name.padEnd(9)} ${commandHelp[name].summary}`).join("\n");

/** What `countersign --help` prints. */
export const overview: string = `Usage: countersign <command>
In a clone: npm run countersign -- <command>

Commands
${summaries}

countersign <command> --help tells more. countersign --version prints the version.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 unreachable, 130 interrupted.
`;
