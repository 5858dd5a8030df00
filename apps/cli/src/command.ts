import { parseArgs } from "node:util";
import { type DoctorOptions, doctorHelp, parseDoctor } from "./doctor/doctor-options.ts";

/** What a command line asks for. */
export type Command =
  | { readonly command: "help"; readonly text: string }
  /** `apps`: folders of apps that the local parties get to know. */
  | { readonly command: "up"; readonly apps: readonly string[] }
  /** `port`: where the new app listens. `install`: whether its packages are installed too. */
  | { readonly command: "new"; readonly folder: string; readonly port: number; readonly install: boolean }
  | ({ readonly command: "doctor" } & DoctorOptions)
  | { readonly command: "wrong"; readonly sentence: string };

const overview = `Usage: node tools/run.mjs apps/cli/src/main.ts <command>

Commands
  up       npm start: host, wallet, store and bank on this machine
  new      npm run new -- <folder>: an MCP app with server, view and tests
  doctor   npm run doctor -- <address>: how any MCP server fares in each host

\`npm start -- --help\` and \`npm run new -- --help\` tell more.
`;

const upHelp = `Usage: npm start -- [--app <folder>]...

Starts host, wallet, store and bank on this machine and prints where to go.

  --app <folder>   let host and wallet know the app in this folder (its countersign.json); may be given several times

Settings are COUNTERSIGN_* environment variables.
`;

const newHelp = `Usage: npm run new -- <folder> [--port <number>] [--no-install]

Makes an MCP app in a new folder: a server with a tool for anybody and a tool that needs sign-in, a view, and tests.
The folder's name becomes the app's name: small letters, digits and hyphens.

  --port <number>  where the app listens (4500)
  --no-install     leave the installing of its packages to you
`;

const defaultAppPort = 4500;

/** Reads the words after `countersign`. */
export function parseCommand(words: readonly string[]): Command {
  const [name, ...rest] = words;
  const wantsHelp = rest.includes("--help") || rest.includes("-h");
  switch (name) {
    case undefined:
    case "help":
    case "-h":
    case "--help":
      return { command: "help", text: overview };
    case "up":
      return wantsHelp ? { command: "help", text: upHelp } : parseUp(rest);
    case "new":
      return wantsHelp ? { command: "help", text: newHelp } : parseNew(rest);
    case "doctor":
      return wantsHelp ? { command: "help", text: doctorHelp } : parseDoctorWords(rest);
    default:
      return wrong(`there is no command “${name.slice(0, 80)}”. The commands are up, new and doctor.`);
  }
}

function parseUp(words: readonly string[]): Command {
  try {
    const { values } = parseArgs({ args: [...words], options: { app: { type: "string", multiple: true } } });
    return { command: "up", apps: values.app ?? [] };
  } catch (error) {
    return wrongWords("npm start", error);
  }
}

function parseNew(words: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { port: { type: "string" }, "no-install": { type: "boolean" } },
      allowPositionals: true,
    });
    const [folder, ...more] = positionals;
    if (folder === undefined || folder === "" || more.length > 0) return wrong("new takes one folder. Run `npm run new -- --help`.");
    const port = values.port === undefined ? defaultAppPort : Number(values.port);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) return wrong("--port is a number from 1 to 65535.");
    return { command: "new", folder, port, install: values["no-install"] !== true };
  } catch (error) {
    return wrongWords("npm run new", error);
  }
}

function parseDoctorWords(words: readonly string[]): Command {
  try {
    const parsed = parseDoctor(words);
    return typeof parsed === "string" ? wrong(parsed) : { command: "doctor", ...parsed };
  } catch (error) {
    return wrongWords("npm run doctor", error);
  }
}

/** What Node's parser says, up to its advice. */
function wrongWords(command: string, error: unknown): Command {
  const said = error instanceof TypeError ? error.message.split(/[.\n]/)[0] : undefined;
  if (said === undefined) throw error;
  return wrong(`${said.slice(0, 120)}. Run \`${command} -- --help\`.`);
}

function wrong(sentence: string): Command {
  return { command: "wrong", sentence };
}
