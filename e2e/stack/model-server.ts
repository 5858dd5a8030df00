import { createServer, type Server } from "node:http";
import { portOf } from "./listen.ts";

/** What the model decides next: to call a tool, or to say something. */
export type ModelTurn = { readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> } | { readonly say: string };

interface ChatRequest {
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
      const turn = script.shift() ?? { say: "Done." };
      const message = "say" in turn ? { role: "assistant", content: turn.say } : callOf(turn, request, requests.length);
      outgoing.writeHead(200, { "content-type": "application/json" });
      outgoing.end(
        JSON.stringify({ id: `chat-${requests.length}`, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }] }),
      );
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

/** Names of tools are the host's business, so the one that ends with the wanted name is taken, as a model would read it. */
function callOf(turn: Extract<ModelTurn, { readonly tool: string }>, request: ChatRequest, count: number): unknown {
  const name = request.tools?.map((tool) => tool.function.name).find((each) => each.endsWith(turn.tool)) ?? turn.tool;
  return {
    role: "assistant",
    content: null,
    tool_calls: [{ id: `call-${count}`, type: "function", function: { name, arguments: JSON.stringify(turn.arguments) } }],
  };
}
