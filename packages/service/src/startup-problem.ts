/** A reason not to start that a person can act on. Only the sentence is printed. */
export class StartupProblem extends Error {
  readonly sentence: string;
  readonly loggable = true;

  constructor(sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.name = "StartupProblem";
    this.sentence = sentence;
  }
}

/** Settings that are not valid. */
export class SettingsProblem extends StartupProblem {}

/**
 * Explains why a port could not be opened, with the variable that changes it. Errors of other kinds come back unchanged.
 * `portVariable` is the name of the environment variable, for example `COUNTERSIGN_WALLET_PORT`.
 */
export function explainListenError(error: unknown, hostname: string, port: number, portVariable: string | undefined): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const remedy = portVariable === undefined ? "choose another port" : `set ${portVariable} to another port`;
  switch (error.code) {
    case "EADDRINUSE":
      return new StartupProblem(`Port ${port} on ${hostname} is already in use; stop the program that uses it, or ${remedy}.`, error);
    case "EACCES":
      return new StartupProblem(`Port ${port} may not be opened by this user; ${remedy} above 1023.`, error);
    case "EADDRNOTAVAIL":
      return new StartupProblem(`This machine has no address ${hostname} to listen on.`, error);
    default:
      return error;
  }
}
