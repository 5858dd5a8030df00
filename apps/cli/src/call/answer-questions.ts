import type { CallView } from "@countersign/host/call/record";
import { answerCall, openQuestion, readCall } from "@countersign/host/routes/operations";
import type { NewAnswer } from "@countersign/host/routes/schemas/asking";
import { err, ok, type Result } from "@countersign/protocol/result";
import { refused } from "../local/guide-sign-in.ts";
import { type Session, type Stop, stop } from "../local/session.ts";
import { oneLine, severalLines } from "../terminal-text.ts";
import { askForm } from "./ask-form.ts";

type Asking = NonNullable<CallView["asking"]>;
type UrlItem = Extract<Asking["items"][number], { readonly kind: "url" }>;

/** Puts a server's questions to the person at the terminal and sends the answers. Nobody there: the call cannot go on. */
export async function answerQuestions(session: Session, call: CallView, asking: Asking, server: string): Promise<Result<undefined, Stop>> {
  const { host, terminal } = session;
  if (!terminal.attended) {
    const asks = asking.items.map((item) => `  ${oneLine(item.message, 300)}${item.kind === "url" ? `\n  ${oneLine(item.url)}` : ""}`).join("\n");
    return err(stop("person", `${oneLine(server, 100)} asks something that takes a person; run this in a terminal.\n${asks}`));
  }
  const over = new AbortController();
  const signal = AbortSignal.any([session.signal, over.signal]);
  const watching = watchRound(session, call, asking.round, over);
  try {
    const answers = await collect({ ...session, signal }, call, asking, server);
    // The server was content before the person was, as when it saw the visit's end itself.
    if (answers === undefined || signal.aborted) return session.signal.aborted ? err(stop("interrupted", "Stopped.")) : ok(undefined);
    const answered = await host.ask(answerCall, { id: call.id, body: { round: asking.round, answers } });
    return answered.ok || answered.error.code === "conflict" ? ok(undefined) : err(refused(answered.error));
  } finally {
    over.abort();
    await watching;
  }
}

/** One answer for each question, in their order; undefined when opening an address was the answer itself. */
async function collect(session: Session, call: CallView, asking: Asking, server: string): Promise<readonly NewAnswer[] | undefined> {
  const { terminal, signal } = session;
  const again = asking.again ? " once more" : "";
  const answers: NewAnswer[] = [];
  for (const [index, item] of asking.items.entries()) {
    terminal.tell(`${oneLine(server, 100)} asks${again}:\n${severalLines(item.message, 2000)}\n`);
    const answer =
      item.kind === "url" ? await visit(session, call, { round: asking.round, index, item }) : await askForm(terminal, item.fields, signal);
    if (signal.aborted) return undefined;
    answers.push(answer);
  }
  if (asking.style === "live" && answers[0]?.action === "accept" && asking.items[0]?.kind === "url") return undefined;
  if (answers.some(({ action }) => action === "accept") && asking.items.some(({ kind }) => kind === "url")) {
    await terminal.ask("Press Enter when you are done there. ", signal);
  }
  return answers;
}

/** An address is shown whole and opened only when the person says so (MCP 2025-11-25, elicitation, URL mode). */
async function visit(
  session: Session,
  call: CallView,
  { round, index, item }: { readonly round: number; readonly index: number; readonly item: UrlItem },
): Promise<NewAnswer> {
  const { host, terminal, open, signal, way } = session;
  terminal.tell(`  ${oneLine(item.url)}\n`);
  const said = await terminal.ask(`Open this page of ${oneLine(item.host, 200)}? [y/N] `, signal);
  if (!isYes(said)) return { action: said === undefined ? "cancel" : "decline" };
  const opened = await host.ask(openQuestion, { id: call.id, body: { round, item: index } });
  if (!opened.ok) return { action: "cancel" };
  if (way !== "browser" || !open(opened.value.url)) terminal.tell("Open it in a browser.\n");
  return { action: "accept" };
}

/** Whether a person said yes. */
export function isYes(said: string | undefined): boolean {
  return /^(y|yes)$/i.test(said?.trim() ?? "");
}

/** Aborts `over` once the call asks something else or nothing any more. */
async function watchRound({ host, sleep }: Session, call: CallView, round: number, over: AbortController): Promise<void> {
  let since = call.version;
  while (!over.signal.aborted) {
    const reading = host.ask(readCall, { id: call.id, query: { wait: "20", since: String(since) } });
    const aborted = new Promise<undefined>((resolve) => over.signal.addEventListener("abort", () => resolve(undefined), { once: true }));
    const read = await Promise.race([reading, aborted]);
    if (read === undefined) return;
    if (!read.ok || read.value.asking?.round !== round) return over.abort();
    since = read.value.version;
    await sleep(0);
  }
}
