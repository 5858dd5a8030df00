import { createLogger, type Logger } from "./log.ts";

const stopMsMax = 30_000;

/** What a party's start gives back. */
export interface Started {
  readonly url: string;
  stop(): Promise<void>;
}

/** The parts of a process that {@link runMain} uses; a test passes its own. */
export interface ProcessHandle {
  readonly stderr: { write(text: string): unknown };
  on(event: "SIGTERM" | "SIGINT" | "uncaughtException" | "unhandledRejection", listener: (reason: unknown) => void): unknown;
  exit(code: number): void;
}

/**
 * Runs a party as a process: starts it, stops it gracefully on SIGTERM or SIGINT (a second signal, or 30 s, end it at once), and on a failure to start prints one
 * sentence and exits with 1. Errors that nobody caught are logged without their message, and end the process.
 */
export async function runMain(
  party: string,
  start: () => Promise<Started>,
  handle: ProcessHandle = process,
  logger: Logger = createLogger(party),
): Promise<void> {
  const state: { started: Started | undefined; stopping: boolean } = { started: undefined, stopping: false };
  const fail = (error: unknown): void => {
    logger.error("process.failed", { error });
    handle.exit(1);
  };
  const stop = (signal: string): void => {
    // Supervisors and wrappers may both send SIGTERM for one stop; only a person who presses Ctrl-C again means "now".
    if (state.stopping && signal === "SIGTERM") return;
    if (state.stopping || state.started === undefined) return handle.exit(130);
    state.stopping = true;
    logger.info("process.stopping", { signal });
    setTimeout(() => handle.exit(1), stopMsMax).unref();
    state.started.stop().then(() => handle.exit(0), fail);
  };
  handle.on("uncaughtException", fail);
  handle.on("unhandledRejection", fail);
  handle.on("SIGTERM", () => stop("SIGTERM"));
  handle.on("SIGINT", () => stop("SIGINT"));
  try {
    state.started = await start();
    logger.info("process.ready", { url: state.started.url });
  } catch (error) {
    const sentence = startupSentence(error);
    if (sentence === undefined) return fail(error);
    handle.stderr.write(`${party}: ${sentence}\n`);
    handle.exit(1);
  }
}

/** The sentence for a person when an error explains itself: a `StartupProblem`, or an error whose message is declared `loggable`. */
export function startupSentence(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("sentence" in error && typeof error.sentence === "string") return error.sentence;
  return "loggable" in error && error.loggable === true ? error.message : undefined;
}
