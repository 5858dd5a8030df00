import { commandHelp, type CommandName } from "./help.ts";
import { didYouMean } from "./nearest.ts";

/** A command line that cannot be followed, in one sentence. */
export interface Wrong {
  readonly command: "wrong";
  readonly sentence: string;
}

export function wrong(sentence: string): Wrong {
  return { command: "wrong", sentence };
}

/** The same with where to read how it goes. */
export function wrongUse(name: CommandName, sentence: string): Wrong {
  return wrong(`${sentence} Run \`${commandHelp[name].invocation} --help\`.`);
}

/** What Node's parser says, up to its advice; for an unknown option the one that was probably meant. Other errors are thrown on. */
export function wrongWords(name: CommandName, error: unknown): Wrong {
  const said = error instanceof TypeError ? error.message.split(/[.\n]/)[0] : undefined;
  if (said === undefined) throw error;
  const unknown = /^Unknown option '-{1,2}([^']*)'/.exec(said)?.[1];
  const meant = unknown === undefined ? "" : didYouMean(`--${unknown}`, knownOptions(name));
  return wrongUse(name, `${said.slice(0, 120)}.${meant}`);
}

function knownOptions(name: CommandName): readonly string[] {
  return [...commandHelp[name].options, "help", "debug"].map((option) => `--${option}`);
}
