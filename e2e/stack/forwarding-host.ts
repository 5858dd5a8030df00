import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { build } from "vite";
import { z } from "zod";
import { listen, portOf } from "./listen.ts";

type ToolResult = Awaited<ReturnType<Client["callTool"]>>;

/** A chat product made with the official AppBridge and the official client: it shows an app's view, gives its calls to the server as anybody, and starts no sign-in. */
export interface ForwardingHost {
  readonly origin: string;
  /** Each call of the view when it arrived and when it was answered, in order. */
  readonly seen: { readonly step: "asked" | "answered"; readonly tool: string }[];
  /** What the view was answered. */
  readonly answers: ToolResult[];
  /** Awaited with each answer of the server; what it gives goes to the view. The default gives the answer itself. */
  change: (tool: string, answer: ToolResult) => ToolResult | Promise<ToolResult>;
  stop(): Promise<void>;
}

const callShape = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) });

/** Connects to an MCP server, reads its first view and serves a page with it. `?theme=dark` is what the page tells the view. */
export async function startForwardingHost(mcpUrl: string): Promise<ForwardingHost> {
  const client = new Client({ name: "claude-ai", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { requestInit: { headers: { "user-agent": "claude-user/1.0" } } }));
  const { resources } = await client.listResources();
  const { contents } = await client.readResource({ uri: resources[0]?.uri ?? "" });
  const view = contents[0] !== undefined && "text" in contents[0] ? contents[0].text : "";
  const page = pageOf(await bundleHost());
  const server = await listen();
  const host: ForwardingHost = {
    origin: `http://127.0.0.1:${portOf(server)}`,
    seen: [],
    answers: [],
    change: (_, answer) => answer,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await client.close();
    },
  };
  const call = async (text: string): Promise<ToolResult> => {
    const { name, arguments: args } = callShape.parse(JSON.parse(text));
    host.seen.push({ step: "asked", tool: name });
    const answer = await host.change(name, await client.callTool({ name, arguments: args }));
    host.seen.push({ step: "answered", tool: name });
    host.answers.push(answer);
    return answer;
  };
  server.on("request", (request, response) => {
    if (request.url !== "/call") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(request.url === "/view" ? view : page);
      return;
    }
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      call(text).then(
        (answer) => response.end(JSON.stringify(answer)),
        () => response.writeHead(502).end("{}"),
      );
    });
  });
  return host;
}

function pageOf(script: string): string {
  const frame = '<iframe title="Shop" sandbox="allow-scripts" style="border:0;width:100%;height:60px"></iframe>';
  return `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Host</title></head>
<body style="margin:0">${frame}<script type="module">${script.replaceAll("</script", "<\\/script")}</script></body></html>`;
}

async function bundleHost(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      target: "esnext",
      minify: false,
      modulePreload: false,
      lib: { entry: fileURLToPath(new URL("../widget-views/forwarding-host.ts", import.meta.url)), formats: ["es"] },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [chunk] = (Array.isArray(built) ? built : [built]).flatMap((each) => ("output" in each ? each.output : []));
  if (chunk?.type !== "chunk") throw new TypeError("the host was not built");
  return chunk.code;
}
