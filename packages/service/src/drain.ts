import type { Server, ServerResponse } from "node:http";

/**
 * Stops a server gracefully: no new connections, running answers get up to `drainMs` to finish, then event streams are ended (their clients reconnect elsewhere),
 * and whatever is left is cut. `running` are the answers that are not finished; it is kept up to date by the caller.
 */
export async function drain(server: Server, running: ReadonlySet<ServerResponse>, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const outgoing of running) outgoing.shouldKeepAlive = false;
  const deadline = performance.now() + drainMs;
  await untilFinished(
    [...running].filter((outgoing) => !isEventStream(outgoing)),
    deadline,
  );
  for (const outgoing of running) if (isEventStream(outgoing)) outgoing.end();
  await untilFinished([...running], Math.max(deadline, performance.now() + 500));
  server.closeAllConnections();
  await closed;
}

function isEventStream(outgoing: ServerResponse): boolean {
  return String(outgoing.getHeader("content-type")).startsWith("text/event-stream");
}

async function untilFinished(answers: readonly ServerResponse[], deadline: number): Promise<void> {
  const finished = answers.filter((outgoing) => !outgoing.closed).map((outgoing) => new Promise<void>((resolve) => outgoing.once("close", resolve)));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()));
  });
  await Promise.race([Promise.all(finished), late]);
  clearTimeout(timer);
}
