import type { Result } from "@countersign/protocol/result";
import type { CallCommand } from "../command.ts";
import type { Ending } from "../exit-codes.ts";
import type { Session, Stop } from "../local/session.ts";
import { oneLine, safeJson } from "../terminal-text.ts";
import type { Called } from "./call.ts";
import { call } from "./call.ts";
import { resultText } from "./result-text.ts";

/** The shape of what `--json` prints; a change that breaks readers raises it. */
const jsonSchema = 1;

/** Makes the call and prints what came of it: the answer on the standard output, everything else on the standard error; with `--json` one object. */
export async function runCall(session: Session, command: CallCommand): Promise<Ending> {
  const called = await call(session, command);
  const ending = called.ok ? called.value.ending : called.error.ending;
  if (command.json) {
    session.terminal.print(`${safeJson(asJson(command, called, ending))}\n`);
    return ending;
  }
  if (!called.ok) {
    session.terminal.tell(`countersign: ${called.error.sentence}\n`);
    return ending;
  }
  const { result, error } = called.value.call;
  // What the tool says of its failure is no answer for a script to read on.
  if (result !== undefined) (ending === "done" ? session.terminal.print : session.terminal.tell)(resultText(result));
  if (error !== undefined) {
    const detail = error.detail === undefined ? "" : ` (${oneLine(error.detail, 300)})`;
    session.terminal.tell(`countersign: ${error.message}${detail} [${error.code}]\n`);
  }
  return ending;
}

function asJson({ tool }: CallCommand, called: Result<Called, Stop>, ending: Ending): unknown {
  if (!called.ok) {
    const { error, sentence } = called.error;
    const told = error === undefined ? { message: sentence } : { code: error.code, message: sentence, retryable: error.retryable };
    return { schema: jsonSchema, ok: false, ending, tool, error: told };
  }
  const { server, call: made } = called.value;
  const { id, name, url } = server;
  const { state, result, error } = made;
  return {
    schema: jsonSchema,
    ok: ending === "done",
    ending,
    call: made.id,
    server: { id, name, url },
    tool,
    state,
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error }),
  };
}
