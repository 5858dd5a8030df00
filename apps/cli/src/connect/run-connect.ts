import type { ConnectorView, ToolView } from "@countersign/host/routes/schemas/connectors";
import type { ConnectCommand } from "../command.ts";
import type { Ending } from "../exit-codes.ts";
import type { Session } from "../local/session.ts";
import { safeJson } from "../terminal-text.ts";
import { type Connected, connect } from "./connect.ts";
import { connectedText } from "./connected-text.ts";

/** The shape of what `--json` prints; a change that breaks readers raises it. */
const jsonSchema = 1;

/** Connects, and prints how that went. */
export async function runConnect(session: Session, command: ConnectCommand): Promise<Ending> {
  const connected = await connect(session, command);
  const ending = connected.ok ? "done" : connected.error.ending;
  if (command.json) {
    const { error, sentence } = connected.ok ? {} : connected.error;
    const told = error === undefined ? { message: sentence } : { code: error.code, message: sentence, retryable: error.retryable };
    session.terminal.print(
      `${safeJson({ schema: jsonSchema, ok: connected.ok, ending, ...(connected.ok ? asJson(connected.value) : { error: told }) })}\n`,
    );
  } else if (connected.ok) {
    session.terminal.print(connectedText(connected.value));
  } else {
    session.terminal.tell(`countersign: ${connected.error.sentence}\n`);
  }
  return ending;
}

function asJson(connected: Connected): { readonly servers: readonly ConnectorView[]; readonly tools?: readonly ToolView[] } {
  if (connected.did === "listed") return { servers: connected.servers };
  return { servers: [connected.server], ...(connected.did === "connected" ? { tools: connected.tools } : {}) };
}
