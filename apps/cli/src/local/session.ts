import type { CallView } from "@countersign/host/call/record";
import type { HttpErrorBody } from "@countersign/protocol/errors";
import type { SignInWay } from "../command.ts";
import type { Ending } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import type { LocalHost } from "./local-host.ts";

/** What a command that speaks to servers has at hand. */
export interface Session {
  readonly host: LocalHost;
  readonly terminal: Terminal;
  readonly way: SignInWay;
  /** How the person at this terminal is named on the page that a sign-in begins with. */
  readonly account: string;
  /** Opens an address in the user's browser, if there is one. */
  readonly open: (url: string) => boolean;
  /** Aborts when the user wants to stop. */
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Why a command stopped before it did what it was to do: how it ends, and what to say. */
export interface Stop {
  readonly ending: Ending;
  readonly sentence: string;
  readonly error?: HttpErrorBody | NonNullable<CallView["error"]>;
}

export function stop(ending: Ending, sentence: string, error?: Stop["error"]): Stop {
  return { ending, sentence, ...(error === undefined ? {} : { error }) };
}
