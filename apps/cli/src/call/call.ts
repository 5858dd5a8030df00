import { agreeToTool, startCall } from "@countersign/host/routes/operations";
import type { ConnectorView, ToolView } from "@countersign/host/routes/schemas/connectors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { JsonObject } from "@countersign/protocol/shape";
import type { CallCommand } from "../command.ts";
import { didYouMean } from "../command/nearest.ts";
import { findServer, readTools } from "../local/find-server.ts";
import { refused, SignInGuide } from "../local/guide-sign-in.ts";
import { type Session, type Stop, stop } from "../local/session.ts";
import { oneLine } from "../terminal-text.ts";
import { type Followed, followCall } from "./follow-call.ts";
import { readArguments, readObject, unnamedArguments } from "./read-arguments.ts";
import { judgeTraceFile, writeTraceFile } from "./trace-file.ts";

/** The input may be as long as a tool's arguments. */
const inputBytesMax = 1024 * 1024;

/** A call that was made, and of what server. */
export interface Called extends Followed {
  readonly server: ConnectorView;
}

/** `countersign call`: finds server and tool, reads the arguments by the tool's own schema, makes the call and follows it to its end. */
export async function call(session: Session, command: CallCommand): Promise<Result<Called, Stop>> {
  const typed = await readInput(session, command);
  if (!typed.ok) return typed;
  const place = judgeTraceFile(command.traceFile);
  if (!place.ok) return place;
  const server = await findServer(session, command.server);
  if (!server.ok) return server;
  const guide = new SignInGuide(session);
  const tools = await readTools(session, server.value, guide);
  if (!tools.ok) return tools;
  const tool = findTool(tools.value, command.tool);
  if (!tool.ok) return tool;
  const args = typed.value === undefined ? readArguments(command.words, tool.value.inputSchema) : ok(typed.value);
  if (!args.ok) return err(stop("usage", args.error));
  for (const sentence of unnamedArguments(command.words, args.value, tool.value.inputSchema)) session.terminal.tell(`countersign: ${sentence}\n`);
  const agreed = await agree(session, server.value, tool.value, command.agree);
  if (!agreed.ok) return agreed;
  session.terminal.tell(`Calling ${oneLine(tool.value.name, 128)} of ${oneLine(server.value.name, 100)}.\n`);
  const started = await session.host.ask(startCall, {
    body: { connectorId: server.value.id, tool: tool.value.name, arguments: args.value, origin: "user" },
  });
  if (!started.ok) return err(refused(started.error));
  const followed = await followCall({ session, guide, server: server.value.name, trace: command.trace }, started.value);
  if (command.traceFile !== undefined) await writeTraceFile(session, command.traceFile, started.value.id);
  return followed.ok ? ok({ ...followed.value, server: server.value }) : followed;
}

/** The arguments from the standard input, where `-` stands for them. */
async function readInput({ terminal }: Session, { words }: CallCommand): Promise<Result<JsonObject | undefined, Stop>> {
  if (words.length !== 1 || words[0] !== "-") return ok(undefined);
  const text = await terminal.readInput(inputBytesMax);
  const read = text === undefined ? err("the arguments are too long.") : readObject(text);
  return read.ok ? read : err(stop("usage", read.error));
}

function findTool(tools: readonly ToolView[], name: string): Result<ToolView, Stop> {
  const tool = tools.find((each) => each.name === name);
  if (tool !== undefined) return ok(tool);
  const names = tools.map((each) => oneLine(each.name, 128));
  const list = names.length === 0 ? "It has no tools." : `It has ${names.slice(0, 50).join(", ")}${names.length > 50 ? ", …" : ""}.`;
  return err(stop("usage", `the server has no tool “${oneLine(name, 80)}”.${didYouMean(name, names)} ${list}`));
}

/** A tool that changed since it was first used is paused until the user agrees to it as it is now. */
async function agree({ host }: Session, server: ConnectorView, { name, changed }: ToolView, said: boolean): Promise<Result<undefined, Stop>> {
  if (changed === undefined) return ok(undefined);
  if (!said) {
    const what = changed.fields.map((field) => oneLine(field, 100)).join(", ");
    return err(
      stop(
        "person",
        `the tool is not what it was when it was used first; different: ${what}. Look at it (countersign connect), and run this again with --agree.`,
      ),
    );
  }
  const agreed = await host.ask(agreeToTool, { id: server.id, body: { tool: name, digest: changed.digest } });
  return agreed.ok ? ok(undefined) : err(refused(agreed.error));
}
