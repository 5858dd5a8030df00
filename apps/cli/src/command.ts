import { parseArgs } from "node:util";
import { commandHelp, commandNames, type CommandName, overview } from "./command/help.ts";
import { didYouMean } from "./command/nearest.ts";
import { type DoctorOptions, parseDoctor } from "./doctor/doctor-options.ts";
import { type Wrong, wrong, wrongUse, wrongWords } from "./command/wrong.ts";

/** `apps`: folders of apps that the local parties get to know. */
export interface UpCommand {
  readonly command: "up";
  readonly apps: readonly string[];
}

/** `port`: where the new app listens. `install`: whether its packages are installed too. */
export interface NewCommand {
  readonly command: "new";
  readonly folder: string;
  readonly port: number;
  readonly install: boolean;
}

/** How a person signs in, should they have to. */
export type SignInWay = "browser" | "link" | "device";

/** `words`: the arguments as they were typed. */
export interface CallCommand {
  readonly command: "call";
  readonly server: string;
  readonly tool: string;
  readonly words: readonly string[];
  readonly json: boolean;
  readonly trace: boolean;
  readonly agree: boolean;
  /** Where the call's trace is written when it is over. */
  readonly traceFile?: { readonly path: string; readonly overwrite: boolean };
  readonly way: SignInWay;
}

/** What to do with a server; without one, all are listed. */
export interface ConnectCommand {
  readonly command: "connect";
  readonly server: string | undefined;
  readonly act: "list" | "sign_in" | "sign_out" | "remove";
  readonly name: string | undefined;
  readonly json: boolean;
  readonly way: SignInWay;
}

export interface ConfigCommand {
  readonly command: "config";
  readonly party: string | undefined;
  readonly json: boolean;
}

export interface BenchCommand {
  readonly command: "bench";
  readonly scenario: string | undefined;
  readonly json: boolean;
}

/** What a command line asks for. */
export type Command =
  | { readonly command: "help"; readonly text: string }
  | { readonly command: "version" }
  | UpCommand
  | NewCommand
  | CallCommand
  | ConnectCommand
  | ConfigCommand
  | BenchCommand
  | ({ readonly command: "doctor" } & DoctorOptions)
  | Wrong;

const defaultAppPort = 4500;

const parsers: Readonly<Record<CommandName, (words: readonly string[]) => Command>> = {
  up: parseUp,
  call: parseCall,
  connect: parseConnect,
  doctor: parseDoctorWords,
  config: parseConfig,
  new: parseNew,
  bench: parseBench,
};

/** Reads the words after `countersign`. `debug`: whether faults of this program are shown with where they happened. */
export function parseCommand(words: readonly string[]): Command & { readonly debug?: true } {
  const end = words.indexOf("--");
  const own = end < 0 ? words : words.slice(0, end);
  const [name, ...rest] = words.filter((word, at) => word !== "--debug" || at >= own.length);
  const command = parseNamed(name, rest, own.slice(1).includes("--help") || own.slice(1).includes("-h"));
  return own.includes("--debug") ? { ...command, debug: true } : command;
}

function parseNamed(name: string | undefined, rest: readonly string[], wantsHelp: boolean): Command {
  if (name === undefined || name === "-h" || name === "--help") return { command: "help", text: overview };
  if (name === "--version" || name === "-v") return { command: "version" };
  const known = commandNames.find((each) => each === (name === "help" ? rest[0] : name));
  if (name === "help") return { command: "help", text: known === undefined ? overview : commandHelp[known].text };
  if (known === undefined) {
    return wrong(`there is no command “${name.slice(0, 80)}”.${didYouMean(name, commandNames)} The commands are ${listed(commandNames)}.`);
  }
  return wantsHelp ? { command: "help", text: commandHelp[known].text } : parsers[known](rest);
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;
}

function parseUp(words: readonly string[]): Command {
  try {
    const { values } = parseArgs({ args: [...words], options: { app: { type: "string", multiple: true } } });
    return { command: "up", apps: values.app ?? [] };
  } catch (error) {
    return wrongWords("up", error);
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
    if (folder === undefined || folder === "" || more.length > 0) return wrongUse("new", "new takes one folder.");
    const port = values.port === undefined ? defaultAppPort : Number(values.port);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) return wrong("--port is a number from 1 to 65535.");
    return { command: "new", folder, port, install: values["no-install"] !== true };
  } catch (error) {
    return wrongWords("new", error);
  }
}

const signInOptions = { device: { type: "boolean" }, "no-browser": { type: "boolean" } } as const;

function parseCall(words: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: {
        json: { type: "boolean" },
        trace: { type: "boolean" },
        "trace-file": { type: "string" },
        overwrite: { type: "boolean" },
        agree: { type: "boolean" },
        ...signInOptions,
      },
      allowPositionals: true,
    });
    const [server, tool, ...given] = positionals;
    if (server === undefined || tool === undefined || server === "" || tool === "") return wrongUse("call", "call takes a server and a tool.");
    const path = values["trace-file"];
    if (path === "") return wrongUse("call", "--trace-file takes the name of a file.");
    if (path === undefined && values.overwrite === true) return wrongUse("call", "--overwrite goes with --trace-file.");
    const flags = { json: values.json === true, trace: values.trace === true, agree: values.agree === true };
    const traceFile = path === undefined ? {} : { traceFile: { path, overwrite: values.overwrite === true } };
    return { command: "call", server, tool, words: given, ...flags, ...traceFile, way: wayOf(values) };
  } catch (error) {
    return wrongWords("call", error);
  }
}

function wayOf(values: { readonly device?: boolean | undefined; readonly "no-browser"?: boolean | undefined }): SignInWay {
  if (values.device === true) return "device";
  return values["no-browser"] === true ? "link" : "browser";
}

function parseConnect(words: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: {
        json: { type: "boolean" },
        name: { type: "string" },
        "sign-in": { type: "boolean" },
        "sign-out": { type: "boolean" },
        remove: { type: "boolean" },
        ...signInOptions,
      },
      allowPositionals: true,
    });
    const [server, ...more] = positionals;
    if (more.length > 0 || server === "") return wrongUse("connect", "connect takes one server.");
    const acts = (["sign-in", "sign-out", "remove"] as const).filter((act) => values[act] === true);
    if (acts.length > 1) return wrongUse("connect", `--${acts.join(" and --")} do not go together.`);
    if (server === undefined && (acts.length > 0 || values.name !== undefined)) return wrongUse("connect", "name the server that is meant.");
    const act = ({ "sign-in": "sign_in", "sign-out": "sign_out", remove: "remove", list: "list" } as const)[acts[0] ?? "list"];
    return { command: "connect", server, act, name: values.name, json: values.json === true, way: wayOf(values) };
  } catch (error) {
    return wrongWords("connect", error);
  }
}

function parseDoctorWords(words: readonly string[]): Command {
  try {
    const parsed = parseDoctor(words);
    return typeof parsed === "string" ? wrong(parsed) : { command: "doctor", ...parsed };
  } catch (error) {
    return wrongWords("doctor", error);
  }
}

function parseConfig(words: readonly string[]): Command {
  const one = parseOne("config", words);
  return one.command === "wrong" ? one : { command: "config", party: one.word, json: one.json };
}

function parseBench(words: readonly string[]): Command {
  const one = parseOne("bench", words);
  return one.command === "wrong" ? one : { command: "bench", scenario: one.word, json: one.json };
}

/** A command that takes at most one word, and `--json`. */
function parseOne(
  name: "config" | "bench",
  words: readonly string[],
): Wrong | { readonly command: "one"; readonly word: string | undefined; readonly json: boolean } {
  try {
    const { values, positionals } = parseArgs({ args: [...words], options: { json: { type: "boolean" } }, allowPositionals: true });
    if (positionals.length > 1) return wrongUse(name, `${name} takes at most one word.`);
    return { command: "one", word: positionals[0], json: values.json === true };
  } catch (error) {
    return wrongWords(name, error);
  }
}
