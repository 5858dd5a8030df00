import { changeConnector, listConnectors, readConnector, removeConnector, signOut } from "@countersign/host/routes/operations";
import type { ConnectorView, ToolView } from "@countersign/host/routes/schemas/connectors";
import { parseResourceUri } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { ConnectCommand } from "../command.ts";
import { findServer, readTools, signIn } from "../local/find-server.ts";
import { refused, SignInGuide } from "../local/guide-sign-in.ts";
import { type Session, type Stop, stop } from "../local/session.ts";

/** What `countersign connect` came to: servers as they stand, with their tools where they were asked for. */
export type Connected =
  | { readonly did: "listed"; readonly servers: readonly ConnectorView[] }
  | { readonly did: "connected"; readonly server: ConnectorView; readonly tools: readonly ToolView[] }
  | { readonly did: "signed_out" | "removed"; readonly server: ConnectorView };

/** `countersign connect`: connects a server and lists its tools, or signs out of it, or removes it; without a server, lists those that are connected. */
export async function connect(session: Session, command: ConnectCommand): Promise<Result<Connected, Stop>> {
  const { host } = session;
  if (command.server === undefined) {
    const listed = await host.ask(listConnectors);
    return listed.ok ? ok({ did: "listed", servers: listed.value.connectors }) : err(refused(listed.error));
  }
  if (command.act === "sign_out" || command.act === "remove") return leave(session, command.server, command.act);
  const found = await findServer(session, command.server, command.name);
  const server = found.ok ? await rename(session, found.value, command.name) : found;
  if (!server.ok) return server;
  const guide = new SignInGuide(session);
  if (command.act === "sign_in") {
    const signedIn = await signIn(host, server.value, guide);
    if (!signedIn.ok) return signedIn;
  }
  const tools = await readTools(session, server.value, guide);
  if (!tools.ok) return tools;
  const now = await host.ask(readConnector, { id: server.value.id });
  return now.ok ? ok({ did: "connected", server: now.value, tools: tools.value }) : err(refused(now.error));
}

/** Signs out of a server that is connected, or removes it. An address that is not connected is nothing to leave. */
async function leave(session: Session, word: string, act: "sign_out" | "remove"): Promise<Result<Connected, Stop>> {
  const { host } = session;
  const listed = await host.ask(listConnectors);
  if (!listed.ok) return err(refused(listed.error));
  const known = /^https?:\/\//i.test(word) ? sameAddress(listed.value.connectors, word) : await findServer(session, word);
  if (!known.ok) return known;
  if (act === "sign_out") {
    const left = await host.ask(signOut, { id: known.value.id });
    return left.ok ? ok({ did: "signed_out", server: left.value }) : err(refused(left.error));
  }
  const removed = await host.ask(removeConnector, { id: known.value.id });
  return removed.ok ? ok({ did: "removed", server: known.value }) : err(refused(removed.error));
}

/** Finds an address among the connected ones, in the form in which the host compares addresses. */
function sameAddress(connected: readonly ConnectorView[], url: string): Result<ConnectorView, Stop> {
  const resource = parseResourceUri(url);
  const found = resource.ok ? connected.find((each) => each.url === resource.value) : undefined;
  return found === undefined ? err(stop("usage", "no server is connected at that address.")) : ok(found);
}

async function rename({ host }: Session, server: ConnectorView, name: string | undefined): Promise<Result<ConnectorView, Stop>> {
  if (name === undefined || name === server.name) return ok(server);
  const changed = await host.ask(changeConnector, { id: server.id, body: { name } });
  return changed.ok ? changed : err(refused(changed.error));
}
