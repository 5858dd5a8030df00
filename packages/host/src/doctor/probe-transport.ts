import type { CrossOriginObservation, TransportObservation } from "@countersign/protocol/server-observation";
import type { Asker } from "./ask.ts";
import { contentTypeOf, send, type Speech } from "./message.ts";

/** A name that belongs to nobody (RFC 2606). */
const foreignOrigin = "https://doctor.example";
const json = "application/json";

/** Asks as a browser would before a page of another origin may speak with the server, and what that page could then read of an answer. */
export async function probeCrossOrigin(asker: Asker, url: string): Promise<CrossOriginObservation> {
  const preflight = await asker.ask({
    method: "OPTIONS",
    url,
    headers: {
      origin: foreignOrigin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,mcp-protocol-version",
    },
    reading: "head",
  });
  if (preflight.seen === "nothing") return preflight;
  const actual = await asker.ask({
    method: "POST",
    url,
    headers: { origin: foreignOrigin, "content-type": json, accept: `${json}, text/event-stream` },
    body: "{}",
    reading: "head",
  });
  if (actual.seen === "nothing") return actual;
  const allowed = preflight.headers.get("access-control-allow-origin");
  return {
    seen: "preflight",
    allowsOrigin: preflight.status < 300 && (allowed === "*" || allowed === foreignOrigin),
    allowsHeaders: namesIn(preflight.headers.get("access-control-allow-headers")),
    exposesHeaders: namesIn(actual.headers.get("access-control-expose-headers")),
  };
}

/**
 * What is peculiar about a server's transport, with messages that change nothing (`ping`, `tools/list`).
 *
 * @param speech of an era with sessions where the server speaks one: 2026-07-28 has neither sessions nor standing streams
 */
export async function probeTransport(asker: Asker, speech: Speech): Promise<TransportObservation> {
  const stream = await probeStream(asker, speech);
  const batch = await probeBatch(asker, speech);
  const sessionDemanded = speech.session === undefined ? undefined : await probeWithoutSession(asker, speech);
  const foreign = await send(asker, speech, { method: "tools/list", headers: { origin: foreignOrigin } });
  return { stream, batch, sessionDemanded, foreignOrigin: originOf(foreign) };
}

async function probeStream(asker: Asker, { url, era, session }: Speech): Promise<TransportObservation["stream"]> {
  const headers = { accept: "text/event-stream", "mcp-protocol-version": era, ...(session === undefined ? {} : { "mcp-session-id": session }) };
  const answer = await asker.ask({ method: "GET", url, headers, reading: "head" });
  if (answer.seen === "nothing") return "unknown";
  return answer.status === 200 && contentTypeOf(answer) === "text/event-stream" ? "offered" : "refused";
}

/** A list of one message: only MCP 2025-03-26 has lists. */
async function probeBatch(asker: Asker, { url, era, session }: Speech): Promise<TransportObservation["batch"]> {
  const headers = {
    accept: `${json}, text/event-stream`,
    "content-type": json,
    "mcp-protocol-version": era,
    ...(session === undefined ? {} : { "mcp-session-id": session }),
  };
  const answer = await asker.ask({ method: "POST", url, headers, body: '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', reading: "head" });
  if (answer.seen === "nothing") return "unknown";
  return answer.status < 300 ? "taken" : "refused";
}

async function probeWithoutSession(asker: Asker, { url, era }: Speech): Promise<boolean | undefined> {
  const reply = await send(asker, { url, era }, { method: "tools/list" });
  if (reply.seen === "nothing" || reply.seen === "challenged") return undefined;
  return reply.seen !== "result";
}

function originOf(reply: Awaited<ReturnType<typeof send>>): TransportObservation["foreignOrigin"] {
  if (reply.seen === "result") return "taken";
  return (reply.seen === "error" || reply.seen === "unreadable") && reply.status === 403 ? "refused" : "unknown";
}

function namesIn(header: string | null): readonly string[] {
  const names = (header ?? "").slice(0, 2000).toLowerCase().split(",");
  return [...new Set(names.map((name) => name.trim()).filter((name) => name !== ""))].slice(0, 50);
}
