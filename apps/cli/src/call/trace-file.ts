import { accessSync, constants, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { listConnectors, readCall } from "@countersign/host/routes/operations";
import { readTrace } from "@countersign/host/routes/trace-operations";
import { err, ok, type Result } from "@countersign/protocol/result";
import { toTraceDocument } from "@countersign/protocol/trace-document";
import { traceToMermaid } from "@countersign/protocol/trace-to-mermaid";
import type { CallCommand } from "../command.ts";
import { type Session, type Stop, stop } from "../local/session.ts";
import { oneLine } from "../terminal-text.ts";

type TraceFile = NonNullable<CallCommand["traceFile"]>;

/** Nobody but the user reads it: it names servers, accounts and what was asked for. */
const mode = 0o600;

/** Whether the trace can be written there, judged before anything is called. What stands there is replaced only when that was said. */
export function judgeTraceFile(file: TraceFile | undefined): Result<undefined, Stop> {
  if (file === undefined) return ok(undefined);
  const shown = oneLine(file.path, 300);
  if (!file.overwrite && existsSync(file.path)) return err(stop("usage", `${shown} is there already; --overwrite replaces it.`));
  try {
    accessSync(dirname(file.path), constants.W_OK);
    return ok(undefined);
  } catch {
    return err(stop("failed", `nothing can be written to the folder of ${shown}.`));
  }
}

/**
 * Writes the trace of a call that is over, masked as the console's export is: `countersign-trace/1`, or a Mermaid diagram where the name ends in `.mmd`. The call's own
 * ending stands whatever comes of this, because it has run.
 */
export async function writeTraceFile({ host, terminal }: Session, file: TraceFile, id: string): Promise<void> {
  const shown = oneLine(file.path, 300);
  const [call, trace, servers] = await Promise.all([host.ask(readCall, { id }), host.ask(readTrace, { id }), host.ask(listConnectors)]);
  if (!call.ok || !trace.ok) return terminal.tell(`countersign: the trace cannot be read, so ${shown} was not written.\n`);
  const { connectorId, tool, origin, state, error, createdAt } = call.value;
  const server = servers.ok ? servers.value.connectors.find((each) => each.id === connectorId) : undefined;
  const connector = server === undefined ? undefined : { name: server.name, url: server.url, protocol: server.protocol };
  const traced = { id, parentId: undefined, tool, origin, state, error, createdAt, connector, ...trace.value };
  const document = toTraceDocument([traced], Date.now());
  const text = file.path.endsWith(".mmd") ? traceToMermaid(document) : JSON.stringify(document, null, 2);
  try {
    put(file, `${text}\n`);
    terminal.tell(`The trace is in ${shown}.\n`);
  } catch (problem) {
    const code = problem instanceof Error && "code" in problem ? ` (${String(problem.code)})` : "";
    terminal.tell(`countersign: the trace could not be written to ${shown}${code}.\n`);
  }
}

/** What is replaced is replaced whole, by a file that was never open to others. */
function put({ path, overwrite }: TraceFile, text: string): void {
  if (!overwrite) return writeFileSync(path, text, { flag: "wx", mode });
  const beside = `${path}.${process.pid}.new`;
  try {
    writeFileSync(beside, text, { flag: "wx", mode });
    renameSync(beside, path);
  } finally {
    rmSync(beside, { force: true });
  }
}
