import { addConnector, listConnectors, listTools, signInConnector } from "@countersign/host/routes/operations";
import type { ConnectorView, ToolView } from "@countersign/host/routes/schemas/connectors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { didYouMean } from "../command/nearest.ts";
import { oneLine } from "../terminal-text.ts";
import { refused, type SignInGuide } from "./guide-sign-in.ts";
import { type Session, type Stop, stop } from "./session.ts";

const signInsMax = 2;

/** The server that a word of the command line means: an address, which is connected if it was not yet, or the name or id of one that is. */
export async function findServer({ host }: Session, word: string, name?: string): Promise<Result<ConnectorView, Stop>> {
  if (/^https?:\/\//i.test(word)) {
    const added = await host.ask(addConnector, { body: { url: word, ...(name === undefined ? {} : { name }) } });
    return added.ok ? added : err(refused(added.error));
  }
  const listed = await host.ask(listConnectors);
  if (!listed.ok) return err(refused(listed.error));
  const wanted = word.toLowerCase();
  const found = listed.value.connectors.filter((each) => each.id === word || each.name.toLowerCase() === wanted);
  const [first, ...more] = found;
  if (first !== undefined && more.length === 0) return ok(first);
  const names = listed.value.connectors.flatMap((each) => [each.id, each.name]);
  const which = first === undefined ? "no server is connected under that name" : "several servers have that name, so use the id";
  return err(stop("usage", `“${oneLine(word, 80)}”: ${which}.${didYouMean(word, names)} An address begins with https:// or http://.`));
}

/** The tools that the server offers; where it demands sign-in before it lists them, the user signs in first. */
export async function readTools({ host }: Session, server: ConnectorView, guide: SignInGuide): Promise<Result<readonly ToolView[], Stop>> {
  for (let signIns = 0; ; signIns += 1) {
    const listed = await host.ask(listTools, { id: server.id });
    if (listed.ok) return ok(listed.value.tools);
    if (listed.error.code !== "authorization_required" || signIns >= signInsMax) return err(refused(listed.error));
    const signedIn = await signIn(host, server, guide);
    if (!signedIn.ok) return signedIn;
  }
}

/** Signs in to the server itself. */
export async function signIn(host: Session["host"], server: ConnectorView, guide: SignInGuide): Promise<Result<undefined, Stop>> {
  const flow = await host.ask(signInConnector, { id: server.id });
  return flow.ok ? guide.finish(flow.value) : err(refused(flow.error));
}
