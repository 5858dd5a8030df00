import { z } from "zod";
import { listen, type RunningServer } from "./http-server.ts";

/** What the endpoint was asked. */
export interface Asked {
  readonly model: string;
  readonly stream?: boolean | undefined;
  readonly messages: readonly {
    readonly role: "system" | "user" | "assistant" | "tool";
    readonly content: string | null;
    readonly tool_calls?: readonly { readonly id: string }[] | undefined;
    readonly tool_call_id?: string | undefined;
  }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[] | undefined;
}

const toolCallShape = z.looseObject({
  id: z.string().min(1),
  type: z.literal("function"),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});
const askedShape: z.ZodType<Asked> = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  messages: z.array(
    z.looseObject({
      role: z.enum(["system", "user", "assistant", "tool"]),
      content: z.string().nullable(),
      tool_calls: z.array(toolCallShape).optional(),
      tool_call_id: z.string().optional(),
    }),
  ),
  tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }) })).optional(),
});

/** What is streamed: the `delta` of each piece, or raw text as it is. `finish` is the reason of the last piece. */
export interface StreamScript {
  readonly deltas: readonly (Readonly<Record<string, unknown>> | string)[];
  readonly finish?: string;
  /** Without it the stream ends with `[DONE]`. */
  readonly breaksOff?: true;
}

export type Reply = (asked: Asked, request: Request) => Response | Promise<Response>;

/**
 * A local endpoint that speaks the OpenAI chat completions protocol. It is as strict as the real one about histories: each call has its answer right after it, and
 * no answer is without its call.
 */
export class ModelServer {
  readonly asked: Asked[] = [];
  readonly requests: Request[] = [];
  /** Problems of the histories that were sent. */
  readonly complaints: string[] = [];
  readonly #running: RunningServer;
  readonly #script: Reply[];

  private constructor(running: RunningServer, script: Reply[]) {
    this.#running = running;
    this.#script = script;
  }

  static async start(...script: Reply[]): Promise<ModelServer> {
    let server: ModelServer | undefined;
    const running = await listen(async (request) => (server === undefined ? new Response(null, { status: 503 }) : server.#answer(request)));
    server = new ModelServer(running, script);
    return server;
  }

  get baseUrl(): string {
    return `${this.#running.origin}/v1`;
  }

  next(...replies: Reply[]): void {
    this.#script.push(...replies);
  }

  close(): Promise<void> {
    return this.#running.close();
  }

  async #answer(request: Request): Promise<Response> {
    const asked = askedShape.parse(await request.json());
    this.asked.push(asked);
    this.requests.push(request);
    this.complaints.push(...complaintsAbout(asked.messages));
    const reply = this.#script.shift();
    return reply === undefined ? new Response("nothing more to say", { status: 500 }) : reply(asked, request);
  }
}

/** A whole stream at once. */
export function streamed(script: StreamScript): Reply {
  return () => new Response(textOf(script), { headers: { "content-type": "text/event-stream" } });
}

/** Words, in pieces as they are given. */
export function words(...pieces: readonly string[]): Reply {
  return streamed({ deltas: pieces.map((content) => ({ content })), finish: "stop" });
}

/** Calls, each with its name and arguments in pieces, one call after the other. */
export function calls(...asked: readonly (readonly [name: string, ...pieces: string[]])[]): Reply {
  const deltas = asked.flatMap(([name, ...pieces], index) => [
    { tool_calls: [{ index, id: `c${index}`, type: "function", function: { name, arguments: "" } }] },
    ...pieces.map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ]);
  return streamed({ deltas, finish: "tool_calls" });
}

/** A stream that the test writes by hand; `gone` resolves when its reader has left. */
export function openStream(): {
  readonly reply: Reply;
  readonly write: (delta: StreamScript["deltas"][number]) => void;
  readonly gone: Promise<void>;
} {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const { promise: ready, resolve: begin } = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
  const body = new ReadableStream<Uint8Array>({ start: (controller) => begin(controller), cancel: () => resolve() });
  return {
    reply: () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
    write: (delta) => void ready.then((controller) => controller.enqueue(new TextEncoder().encode(eventOf(delta)))),
    gone,
  };
}

function textOf({ deltas, finish, breaksOff }: StreamScript): string {
  const last = finish === undefined ? "" : `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: finish }] })}\n\n`;
  return `${deltas.map(eventOf).join("")}${last}${breaksOff === true ? "" : "data: [DONE]\n\n"}`;
}

function eventOf(delta: StreamScript["deltas"][number]): string {
  return typeof delta === "string" ? delta : `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
}

function complaintsAbout(messages: Asked["messages"]): readonly string[] {
  const open: string[] = [];
  const complaints: string[] = [];
  for (const { role, tool_calls: made, tool_call_id: answered } of messages) {
    const at = open.indexOf(answered ?? "");
    if (role === "tool" && at === -1) complaints.push("an answer without its call");
    if (role === "tool") open.splice(at, 1);
    else if (open.length > 0) complaints.push("a call without its answer");
    open.push(...(made ?? []).map(({ id }) => id));
  }
  return open.length > 0 ? [...complaints, "a call without its answer"] : complaints;
}
