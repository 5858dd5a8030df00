import type { IncomingMessage, ServerResponse } from "node:http";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { z } from "zod";
import { listen, portOf } from "./listen.ts";

/** How a host answers a view's call that needs sign-in: it signs nobody in, and says nothing that can be understood. */
export type Silence = "rejects with {}" | "resolves with {}";

/** A chat product around one app: it shows the app's view with `window.openai`, calls the app's tools for it without a token, and starts no sign-in. */
export interface SilentHost {
  readonly origin: string;
  /** What the view asked for, in order. `refused`: calls that the host would have had to sign in for. */
  readonly seen: {
    readonly calls: string[];
    readonly refused: string[];
    readonly prompts: string[];
    readonly opened: string[];
    readonly states: string[];
  };
  silence: Silence;
  stop(): Promise<void>;
}

const callShape = z.object({ name: z.string(), args: z.record(z.string(), z.unknown()) });

/** Connects to an MCP server as anybody, reads the view of a tool, and serves a page with it. `headers` tell the server which product it is. */
export async function startSilentHost(mcpUrl: string, opener: string, headers: Readonly<Record<string, string>> = {}): Promise<SilentHost> {
  const client = new Client({ name: "silent-host", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { requestInit: { headers } }));
  const { tools } = await client.listTools();
  const needSignIn = new Set(tools.filter((tool) => !JSON.stringify(tool._meta?.["securitySchemes"]).includes("noauth")).map((tool) => tool.name));
  const uri = z.object({ resourceUri: z.string() }).parse(tools.find((tool) => tool.name === opener)?._meta?.["ui"]).resourceUri;
  const [content] = (await client.readResource({ uri })).contents;
  if (content === undefined || !("text" in content)) throw new TypeError("there is no view");
  const view = content.text.replace("<head>", () => `<head><script>${standIn}</script>`);
  const host: SilentHost = {
    origin: "",
    seen: { calls: [], refused: [], prompts: [], opened: [], states: [] },
    silence: "rejects with {}",
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await client.close();
    },
  };
  const call = async (request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> => {
    const { name, args } = callShape.parse(JSON.parse(await textOf(request)));
    host.seen.calls.push(name);
    if (!needSignIn.has(name)) return { status: 200, body: await client.callTool({ name, arguments: args }) };
    host.seen.refused.push(name);
    return { status: host.silence === "rejects with {}" ? 400 : 200, body: {} };
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const page = request.url === "/" ? frame : request.url === "/view" ? view : undefined;
    if (page !== undefined) return void response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
    if (request.url === "/call") {
      const { status, body } = await call(request);
      return void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    }
    const notes = { "/prompt": host.seen.prompts, "/open": host.seen.opened, "/state": host.seen.states }[request.url ?? ""];
    notes?.push(await textOf(request));
    response.writeHead(notes === undefined ? 404 : 204).end();
  };
  const server = await listen();
  server.on("request", (request, response) => void answer(request, response).catch(() => response.destroy()));
  return Object.assign(host, { origin: `http://127.0.0.1:${portOf(server)}` });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

const frame = `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Chat</title><style>body{margin:0}</style></head>
<body><iframe title="App" src="/view" style="border:0;width:100%;height:100vh"></iframe></body></html>`;

/** `window.openai` as documented, as far as the view uses it. What the view keeps is kept for its next life. */
const standIn = `
const post = (path, body) => fetch(path, { method: "POST", body });
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
window.openai = {
  theme: dark ? "dark" : "light", locale: "en", displayMode: "inline", maxHeight: 800, toolInput: {}, toolOutput: null, toolResponseMetadata: null,
  widgetState: JSON.parse(localStorage.getItem("state") ?? "null"),
  setWidgetState: (state) => { window.openai.widgetState = state; localStorage.setItem("state", JSON.stringify(state)); return post("/state", JSON.stringify(state)); },
  callTool: async (name, args) => {
    const answer = await post("/call", JSON.stringify({ name, args }));
    const body = await answer.json();
    if (!answer.ok) throw body;
    return body;
  },
  sendFollowUpMessage: ({ prompt }) => post("/prompt", prompt),
  openExternal: ({ href }) => post("/open", href),
  notifyIntrinsicHeight: () => undefined,
};`;
