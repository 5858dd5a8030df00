import { createServer, type Server, type ServerResponse } from "node:http";
import { portOf } from "./listen.ts";

/** A tool that the model calls, by the end of its name. */
export interface ModelCall {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** What the model does next: calls a tool or several, says something, refuses as an endpoint does, or answers as the test goes on. */
export type ModelTurn =
  | ModelCall
  | { readonly calls: readonly ModelCall[] }
  | { readonly say: string }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly code?: string }
  | { readonly live: (answer: LiveAnswer) => void };

/** An answer that is streamed by hand. */
export interface LiveAnswer {
  readonly say: (text: string) => void;
  /** Writes a fragment of the arguments of the call at this place; the first one begins the call. */
  readonly write: (place: number, tool: string, fragment: string) => void;
  readonly end: () => void;
  /** The connection breaks in the middle. */
  readonly breakOff: () => void;
  /** Resolves when the reader has left. */
  readonly left: Promise<void>;
}

interface ChatRequest {
  readonly stream?: boolean;
  readonly messages: readonly { readonly role: string; readonly content: string | null }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

/** A local server that speaks the OpenAI chat completions protocol and follows a script instead of thinking. */
export interface ModelServer {
  /** For the host's configuration. */
  readonly baseUrl: string;
  /** Every request body it was sent: all that a model ever sees. */
  readonly requests: readonly ChatRequest[];
  /** What it answers next, in order; with nothing left it says "Done." */
  readonly script: ModelTurn[];
  close(): void;
}

/** Starts the server on a port that the system chose. */
export async function startModelServer(): Promise<ModelServer> {
  const requests: ChatRequest[] = [];
  const script: ModelTurn[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const request = JSON.parse(Buffer.concat(chunks).toString("utf8")) as ChatRequest;
      requests.push(request);
      answer(script.shift() ?? { say: "Done." }, request, outgoing, requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${portOf(server)}/v1`,
    requests,
    script,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Resolves with the answer that the test writes, once the model is asked. */
export function liveTurn(): { readonly turn: ModelTurn; readonly answer: Promise<LiveAnswer> } {
  const { promise, resolve } = Promise.withResolvers<LiveAnswer>();
  return { turn: { live: resolve }, answer: promise };
}

function answer(turn: ModelTurn, request: ChatRequest, outgoing: ServerResponse, count: number): void {
  if ("status" in turn) {
    outgoing.writeHead(turn.status, { "content-type": "application/json", ...turn.headers });
    outgoing.end(JSON.stringify({ error: { message: "Words of the endpoint's own.", code: turn.code ?? null } }));
    return;
  }
  if ("live" in turn) {
    turn.live(stream(request, outgoing, count));
    return;
  }
  const calls = "say" in turn ? [] : "calls" in turn ? turn.calls : [turn];
  if (request.stream !== true) {
    const tool_calls = calls.map((call, place) => callOf(request, count, place, call.tool, JSON.stringify(call.arguments)));
    const message = { role: "assistant", content: "say" in turn ? turn.say : null, ...(calls.length === 0 ? {} : { tool_calls }) };
    outgoing.writeHead(200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify({ id: `chat-${count}`, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }] }));
    return;
  }
  const live = stream(request, outgoing, count);
  if ("say" in turn) for (const piece of turn.say.split(/(?<= )/)) live.say(piece);
  for (const [place, call] of calls.entries()) live.write(place, call.tool, JSON.stringify(call.arguments));
  live.end();
}

/** Pieces of a `chat.completion.chunk` stream, as the protocol has them: a call's id and name come once, its arguments in fragments. */
function stream(request: ChatRequest, outgoing: ServerResponse, count: number): LiveAnswer {
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  const begun = new Set<number>();
  const send = (delta: unknown, finish: string | null = null): void => {
    const chunk = { id: `chat-${count}`, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] };
    outgoing.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  return {
    say: (content) => send({ content }),
    write: (place, tool, fragment) => {
      const call = begun.has(place)
        ? { index: place, function: { arguments: fragment } }
        : { index: place, ...callOf(request, count, place, tool, fragment) };
      begun.add(place);
      send({ tool_calls: [call] });
    },
    end: () => {
      send({}, begun.size === 0 ? "stop" : "tool_calls");
      outgoing.end("data: [DONE]\n\n");
    },
    breakOff: () => outgoing.destroy(),
    left: new Promise((resolve) => void outgoing.once("close", resolve)),
  };
}

/** Names of tools are the host's business, so the one that ends with the wanted name is taken, as a model would read it. */
function callOf(request: ChatRequest, count: number, place: number, tool: string, args: string): object {
  const name = request.tools?.map((each) => each.function.name).find((each) => each.endsWith(tool)) ?? tool;
  return { id: `call-${count}-${place}`, type: "function", function: { name, arguments: args } };
}
