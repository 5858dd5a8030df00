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

export type CommandName = "up" | "call" | "connect" | "doctor" | "config" | "new" | "bench";

const signInOptions = `  --device         sign in on another device: prints a QR code and a code to type
  --no-browser     print the sign-in link and open nothing
`;

export const commandHelp: Readonly<Record<CommandName, CommandHelp>> = {
  up: {
    invocation: "npm start --",
    summary: "host, wallet, store and bank on this machine (npm start)",
    options: ["app"],
    text: `Usage: npm start -- [--app <folder>]...

Starts host, wallet, store and bank on this machine and prints where to go.

  --app <folder>   let host and wallet know the app in this folder (its countersign.json); may be given several times
${everybodys}
Settings are COUNTERSIGN_* environment variables: npm run countersign -- config up
`,
  },
  call: {
    invocation: "countersign call",
    summary: "call a tool of an MCP server; sign in when it needs that",
    options: ["json", "device", "no-browser", "trace", "trace-file", "overwrite", "agree"],
    text: `Usage: countersign call <server> <tool> [<name>=<value>... | <JSON object> | -]

Calls a tool through the host's broker and prints its answer. <server> is an address, or the name of a connected server.
When the call needs sign-in, a browser opens; the call goes on by itself afterwards. What the server asks is asked here.

  name=value       an argument; its type is the one that the tool names
  '{"a": 1}'       all arguments as one JSON object; - reads it from the standard input
  --json           print one JSON object on the standard output, and nothing else there
${signInOptions}  --trace          print each step of the call with its reason
  --trace-file <file>  write the call's trace as JSON, or as a Mermaid diagram where the name ends in .mmd
  --overwrite      let --trace-file replace a file
  --agree          agree to the tool as it is now, when it is not what it was when it was used first
${everybodys}`,
  },
  connect: {
    invocation: "countersign connect",
    summary: "connect an MCP server, sign in where it demands that, list its tools",
    options: ["json", "device", "no-browser", "name", "sign-in", "sign-out", "remove"],
    text: `Usage: countersign connect [<server>]

Connects a server by its address and lists its tools. Without a server, lists those that are connected.

  --name <name>    how you call it from now on
  --sign-in        sign in also where the server does not demand it yet
  --sign-out       forget its tokens and revoke them
  --remove         remove the server; its tokens are revoked
  --json           print one JSON object on the standard output, and nothing else there
${signInOptions}${everybodys}`,
  },
  doctor: {
    invocation: "npm run doctor --",
    summary: "how any MCP server fares in each host, why, and what to change (npm run doctor)",
    options: ["host", "details", "json", "no-call", "register", "allow-private"],
    text: doctorHelp,
  },
  config: {
    invocation: "countersign config",
    summary: "every setting with its type, value and source; secrets are masked",
    options: ["json"],
    text: `Usage: countersign config [up | cli | host | wallet | store | bank]

Prints the settings of one party, or of all: the environment variable, its type, what it does, its value and where that comes from.
Values of secrets are never printed. Ends with 2 when a value is not valid; such a value is not repeated.

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

export const commandNames: readonly CommandName[] = ["up", "call", "connect", "doctor", "config", "new", "bench"];

const summaries: string = commandNames.map((name) => `  ${name.padEnd(9)} ${commandHelp[name].summary}`).join("\n");

/** What `countersign --help` prints. */
export const overview: string = `Usage: countersign <command>
In a clone: npm run countersign -- <command>

Commands
${summaries}

countersign <command> --help tells more. countersign --version prints the version.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 unreachable, 4 needs a person, 5 outcome unknown, 70 fault, 130 interrupted.
`;
