import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { StackOptions } from "@countersign/cli/stack";
import { createLogger } from "@countersign/service/log";
import { serve } from "@countersign/service/serve";
import { RESOURCE_MIME_TYPE, registerAppResource, registerAppTool } from "@modelcontextprotocol/ext-apps/server";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { build } from "vite";
import { z } from "zod";
import { listen, portOf } from "./listen.ts";

/** An app made with the official SDKs whose two views try everything that each bridge has. */
export interface WidgetApp {
  readonly connector: NonNullable<StackOptions["connectors"]>[number];
  readonly origin: string;
  /** What its tools were called with, `_meta` included. */
  readonly calls: { readonly tool: string; readonly args: Record<string, unknown>; readonly meta: Record<string, unknown> }[];
  /** Paths of its web pages that were visited, with their query. */
  readonly visits: string[];
  /** Lets the tool `open_slowly` answer. */
  release: () => void;
  stop(): Promise<void>;
}

const uris = { apps: "ui://probe/apps.html", openai: "ui://probe/openai.html", detail: "ui://probe/detail.html" } as const;

/** Builds the views and starts the server on a port that the system chose. */
export async function startWidgetApp(): Promise<WidgetApp> {
  const [apps, openai] = await Promise.all([bundle("apps.ts"), bundle("openai.ts")]);
  const server = await listen();
  const origin = `http://127.0.0.1:${portOf(server)}`;
  const calls: WidgetApp["calls"] = [];
  const visits: string[] = [];
  const gate = Promise.withResolvers<void>();
  const views = { apps: page(apps, origin), openai: page(openai, origin) };
  const handler = createMcpHandler(() => offer({ views, origin, calls, released: gate.promise }));
  const served = await serve({
    handler: (request) => (new URL(request.url).pathname === "/mcp" ? handler.fetch(request) : visit(request, visits)),
    listen: server,
    logger: createLogger("probe", { level: "error" }),
  });
  return {
    connector: { id: "probe", name: "Probe", url: `${origin}/mcp` },
    origin,
    calls,
    visits,
    release: () => gate.resolve(),
    stop: async () => {
      gate.resolve();
      await served.stop();
      await handler.close();
    },
  };
}

/** One self-contained script of a view: its page may load nothing. */
async function bundle(name: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      target: "esnext",
      modulePreload: false,
      lib: { entry: fileURLToPath(new URL(`../widget-views/${name}`, import.meta.url)), formats: ["es"] },
    },
  });
  const outputs = Array.isArray(built) ? built : [built];
  const [chunk] = outputs.flatMap((each) => ("output" in each ? each.output : []));
  if (chunk?.type !== "chunk") throw new TypeError(`the view ${name} was not built`);
  return chunk.code;
}

function page(script: string, origin: string): string {
  return `<!doctype html><html lang="en" data-place="${origin}"><head><title>Probe</title></head><body>
<script type="module">${script.replaceAll("</script", "<\\/script")}</script></body></html>`;
}

const detail = `<!doctype html><html lang="en"><head><title>Detail</title><style>:root{color-scheme:light dark;font:14px system-ui}</style></head><body>
<p id="detail"></p><button id="close">Done</button><script>
const { openai } = window;
document.getElementById("detail").textContent = JSON.stringify({ view: openai.view, displayMode: openai.displayMode });
document.getElementById("close").onclick = () => openai.requestClose();
</script></body></html>`;

/** The pages that a window visits: one that comes straight back with parameters, and one that stays. */
function visit(request: Request, visits: string[]): Response {
  const url = new URL(request.url);
  visits.push(`${url.pathname}${url.search}`);
  const back = url.searchParams.get("redirectUrl");
  if (url.pathname === "/link" && back !== null) return new Response(null, { status: 303, headers: { location: `${back}?linked=yes&account=42` } });
  return new Response("<!doctype html><title>Landing</title><p>landed</p>", { headers: { "content-type": "text/html" } });
}

interface Offering {
  readonly views: { readonly apps: string; readonly openai: string };
  readonly origin: string;
  readonly calls: WidgetApp["calls"];
  readonly released: Promise<void>;
}

function offer({ views, origin, calls, released }: Offering): McpServer {
  const server = new McpServer({ name: "probe", version: "1.0.0" });
  const legacy = {
    "openai/widgetCSP": { connect_domains: [], resource_domains: [], redirect_domains: [origin] },
    "openai/widgetPrefersBorder": false,
    "openai/widgetDescription": "A probe of the host's widget bridge",
  };
  const note = (tool: string, args: Record<string, unknown>, meta: unknown): void =>
    void calls.push({ tool, args, meta: { ...z.looseObject({}).parse(meta ?? {}) } });
  registerAppResource(server, "apps", uris.apps, {}, () => ({
    contents: [{ uri: uris.apps, mimeType: RESOURCE_MIME_TYPE, text: views.apps, _meta: { ui: { csp: {}, prefersBorder: true }, ...legacy } }],
  }));
  for (const [name, html] of [["openai", views.openai] as const, ["detail", detail] as const]) {
    const uri = uris[name];
    server.registerResource(name, uri, { mimeType: "text/html+skybridge" }, () => ({
      contents: [{ uri, mimeType: "text/html+skybridge", text: html, _meta: legacy }],
    }));
  }
  server.registerResource("note", "data://probe/note", { mimeType: "text/plain" }, () => ({
    contents: [{ uri: "data://probe/note", mimeType: "text/plain", text: "a note of the server" }],
  }));
  addTools(server, note, released);
  addFileTool(server, note);
  return server;
}

type Note = (tool: string, args: Record<string, unknown>, meta: unknown) => void;

const words = z.looseObject({ words: z.string().optional() });

function addTools(server: McpServer, note: Note, released: Promise<void>): void {
  const readOnly = { annotations: { readOnlyHint: true } };
  const legacyView = {
    "openai/outputTemplate": uris.openai,
    "openai/widgetAccessible": true,
    "openai/toolInvocation/invoking": "Opening the probe",
    "openai/toolInvocation/invoked": "Probe opened",
  };
  const shown = (): { content: { type: "text"; text: string }[]; structuredContent: Record<string, unknown>; _meta: Record<string, unknown> } => ({
    content: [{ type: "text", text: "opened" }],
    structuredContent: { opened: true },
    _meta: { "probe/hidden": "for the view only" },
  });
  registerAppTool(
    server,
    "open_apps",
    { title: "Open apps", description: "Shows the MCP Apps view", inputSchema: words, ...readOnly, _meta: { ui: { resourceUri: uris.apps } } },
    (args, ctx) => {
      note("open_apps", args, ctx.mcpReq._meta);
      return shown();
    },
  );
  server.registerTool(
    "open_openai",
    { title: "Open openai", description: "Shows the window.openai view", inputSchema: words, ...readOnly, _meta: legacyView },
    (args, ctx) => {
      note("open_openai", args, ctx.mcpReq._meta);
      return shown();
    },
  );
  registerAppTool(
    server,
    "open_slowly",
    {
      title: "Open slowly",
      description: "Shows a view while it still works",
      inputSchema: words,
      ...readOnly,
      _meta: { ui: { resourceUri: uris.apps } },
    },
    async () => {
      await released;
      return shown();
    },
  );
  server.registerTool("echo", { title: "Echo", description: "Gives back what it got", inputSchema: words, ...readOnly }, (args, ctx) => {
    note("echo", args, ctx.mcpReq._meta);
    return { content: [{ type: "text", text: "echo" }], structuredContent: { args } };
  });
  for (const [name, visibility] of [["model_only", ["model"]] as const, ["note_teardown", ["app"]] as const]) {
    registerAppTool(
      server,
      name,
      { title: name, description: name, inputSchema: words, ...readOnly, _meta: { ui: { visibility: [...visibility] } } },
      (args, ctx) => {
        note(name, args, ctx.mcpReq._meta);
        return { content: [{ type: "text", text: "noted" }] };
      },
    );
  }
}

function addFileTool(server: McpServer, note: Note): void {
  const file = z.looseObject({ photo: z.looseObject({ file_id: z.string(), download_url: z.string() }) });
  server.registerTool(
    "take_file",
    {
      title: "Take file",
      description: "Fetches a file",
      inputSchema: file,
      annotations: { readOnlyHint: true },
      _meta: { "openai/fileParams": ["photo"] },
    },
    async (args, ctx) => {
      note("take_file", args, ctx.mcpReq._meta);
      const bytes = Buffer.from(await (await fetch(args.photo.download_url)).arrayBuffer());
      return { content: [], structuredContent: { size: bytes.length, digest: createHash("sha256").update(bytes).digest("hex").slice(0, 16) } };
    },
  );
}
