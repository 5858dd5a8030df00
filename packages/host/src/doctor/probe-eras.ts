import type { EraName, EraObservation } from "@countersign/protocol/server-observation";
import { boundedText, isJsonObject, member } from "@countersign/protocol/shape";
import type { Asker } from "./ask.ts";
import { contentTypeOf, initializeMessage, readReply, send, type PostEra, type Reply, type Speech } from "./message.ts";

export interface ErasSeen {
  readonly eras: Readonly<Record<EraName, EraObservation>>;
  /** The newest way that the server speaks; undefined when it speaks none by POST. */
  readonly speech: Speech | undefined;
  /** Every way that was opened. */
  readonly opened: readonly Speech[];
  /** Every session that was given, also by a server that answered in another revision. */
  readonly sessions: readonly Session[];
}

export interface Session {
  readonly id: string;
  readonly version: string;
}

interface EraSeen {
  readonly observation: EraObservation;
  readonly speech?: Speech;
  readonly session?: Session;
}

/** Opens a server once in every era, as a client that knows only this one would. Sessions that are given stay open for what is asked next. */
export async function probeEras(asker: Asker, url: string): Promise<ErasSeen> {
  const newest = await discover(asker, url);
  const middle = await initialize(asker, url, "2025-11-25");
  const older = await initialize(asker, url, "2025-06-18");
  const oldest = await initialize(asker, url, "2025-03-26");
  const first = await initialize(asker, url, "2024-11-05");
  const eras = {
    "2026-07-28": newest.observation,
    "2025-11-25": middle.observation,
    "2025-06-18": older.observation,
    "2025-03-26": oldest.observation,
    "2024-11-05": first.observation,
    "HTTP+SSE": await openOldStream(asker, url),
  };
  const posted = [newest, middle, older, oldest, first];
  const opened = posted.flatMap(({ speech }) => speech ?? []);
  return { eras, speech: opened[0], opened, sessions: posted.flatMap(({ session }) => session ?? []) };
}

/** Ends the sessions that were given, as a client that leaves should (MCP 2025-11-25, session management). */
export async function endSessions(asker: Asker, url: string, sessions: readonly Session[]): Promise<void> {
  for (const { id, version } of sessions) {
    await asker.ask({ method: "DELETE", url, headers: { "mcp-session-id": id, "mcp-protocol-version": version }, reading: "head" });
  }
}

async function discover(asker: Asker, url: string): Promise<EraSeen> {
  const speech: Speech = { url, era: "2026-07-28" };
  const reply = await send(asker, speech, { method: "server/discover" });
  if (reply.seen !== "result") return { observation: withoutResult(reply) };
  const versions = member(reply.result, "supportedVersions");
  if (Array.isArray(versions) && !versions.includes(speech.era)) {
    return { observation: { seen: "other_version", version: boundedText(versions[0], 40) ?? "" } };
  }
  return { observation: spoken(reply, false), speech };
}

async function initialize(asker: Asker, url: string, era: PostEra): Promise<EraSeen> {
  const reply = await send(asker, { url, era }, initializeMessage(era));
  if (reply.seen !== "result") return { observation: withoutResult(reply) };
  const version = boundedText(member(reply.result, "protocolVersion"), 40) ?? "";
  const session = boundedText(reply.answer.headers.get("mcp-session-id"), 1000);
  // What a server makes up for a version need not fit into a header.
  const given = session === undefined ? {} : { session: { id: session, version: /^[\x21-\x7e]+$/.test(version) ? version : era } };
  if (version !== era) return { observation: { seen: "other_version", version }, ...given };
  const speech = { url, era, ...(session === undefined ? {} : { session }) };
  await asker.ask({
    method: "POST",
    url,
    headers: {
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      "mcp-protocol-version": era,
      ...(session === undefined ? {} : { "mcp-session-id": session }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }),
    reading: "head",
  });
  return { observation: spoken(reply, session !== undefined), speech, ...given };
}

/** HTTP+SSE begins with a GET whose first event names the endpoint (MCP 2024-11-05, transports). A server without sessions may give a later era's stream, too. */
async function openOldStream(asker: Asker, url: string): Promise<EraObservation> {
  const answer = await asker.ask({ method: "GET", url, headers: { accept: "text/event-stream" }, reading: "first_event" });
  if (answer.seen === "nothing") return answer;
  const reply = readReply(answer);
  if (reply.seen === "challenged") return reply;
  const isStream = answer.status === 200 && contentTypeOf(answer) === "text/event-stream";
  if (isStream && /^event: ?endpoint$/m.test(answer.text)) return { seen: "spoken", session: false, body: "events", capabilities: [] };
  return { seen: "refused", status: answer.status };
}

function spoken({ result, answer }: Extract<Reply, { seen: "result" }>, session: boolean): EraObservation {
  const capabilities = member(result, "capabilities");
  return {
    seen: "spoken",
    session,
    body: contentTypeOf(answer) === "text/event-stream" ? "events" : "json",
    capabilities: isJsonObject(capabilities)
      ? Object.keys(capabilities)
          .slice(0, 20)
          .map((name) => name.slice(0, 60))
      : [],
  };
}

function withoutResult(reply: Exclude<Reply, { seen: "result" }>): EraObservation {
  if (reply.seen !== "error") return reply;
  const { status, code } = reply;
  return { seen: "refused", status, ...(code === undefined ? {} : { code }) };
}
