import { App } from "@modelcontextprotocol/ext-apps";
import { type Check, expectThat, rejectionOf, showChecks } from "./report.ts";

/** The official `App` of MCP Apps as the independent peer of the host's bridge. */
const app = new App({ name: "probe", version: "1.0.0" }, { tools: {}, availableDisplayModes: ["inline", "fullscreen", "pip"] }, { autoResize: true });
const heard: { readonly kind: string; readonly value: unknown }[] = [];
const note = (kind: string, value: unknown): void => void heard.push({ kind, value });
app.ontoolinput = (params) => note("tool-input", params.arguments);
app.ontoolinputpartial = (params) => note("tool-input-partial", params.arguments);
app.ontoolresult = (params) => note("tool-result", params.structuredContent);
app.ontoolcancelled = (params) => note("tool-cancelled", params.reason);
app.onhostcontextchanged = (params) => note("host-context-changed", params);
app.onteardown = async () => {
  // What a view does with its last moment: a call that the host still carries out.
  await app.callServerTool({ name: "note_teardown", arguments: {} });
  return {};
};
app.oncalltool = async ({ name, arguments: args }) => ({ content: [{ type: "text", text: `${name} of the view got ${JSON.stringify(args)}` }] });
app.onlisttools = async () => ({
  tools: [
    {
      name: "read_view",
      description: "Reads what the view shows",
      inputSchema: { type: "object" as const, properties: { part: { type: "string" } } },
    },
  ],
});

const checks: Record<string, Check> = {
  initialize: () => ({ host: app.getHostVersion()?.name, capabilities: app.getHostCapabilities() }),
  context: () => ({ context: app.getHostContext() }),
  heard: () => ({ heard }),
  callTool: async () => {
    const result = await app.callServerTool({ name: "echo", arguments: { words: "from the App" } });
    return { structured: result.structuredContent };
  },
  callModelTool: () => rejectionOf(app.callServerTool({ name: "model_only", arguments: {} })),
  listTools: async () => {
    const answer = await ask("tools/list", {});
    return { tools: answer };
  },
  readResource: async () => ({ read: await app.readServerResource({ uri: "data://probe/note" }) }),
  readUnknownResource: () => rejectionOf(app.readServerResource({ uri: "data://probe/none" })),
  listResources: async () => ({ listed: (await app.listServerResources()).resources.map((each) => each.uri) }),
  sampling: async () => {
    const answer = await app.createSamplingMessage({ messages: [{ role: "user", content: { type: "text", text: "What is blue?" } }], maxTokens: 50 });
    return { answer };
  },
  openLink: async () => ({ answer: await app.openLink({ url: "https://elsewhere.example/page" }) }),
  openScript: async () => ({ answer: await app.openLink({ url: "javascript:alert(1)" }) }),
  downloadFile: async () => ({
    answer: await app.downloadFile({
      contents: [{ type: "resource", resource: { uri: "file:///report.txt", mimeType: "text/plain", text: "the report" } }],
    }),
  }),
  message: async () => ({ answer: await app.sendMessage({ role: "user", content: [{ type: "text", text: "Message from the App" }] }) }),
  hugeMessage: async () => ({ answer: await app.sendMessage({ role: "user", content: [{ type: "text", text: "x".repeat(30_000) }] }) }),
  modelContext: async () => ({ answer: await app.updateModelContext({ content: [{ type: "text", text: "The cart has 3 mugs." }] }) }),
  fullscreen: async () => ({ answer: await app.requestDisplayMode({ mode: "fullscreen" }) }),
  inline: async () => ({ answer: await app.requestDisplayMode({ mode: "inline" }) }),
  log: () => app.sendLog({ level: "info", data: "a line" }),
  ping: async () => ({ answer: await ask("ping", {}) }),
  size: () => app.sendSizeChanged({ width: 300, height: 999_999 }),
  unknownMethod: () => rejectionOf(ask("ui/not-a-method", {})),
  popup: async () => ({ answer: await ask("countersign/open-auth-popup", { url: `${document.documentElement.dataset["place"]}/link` }) }),
  requestTeardown: () => app.requestTeardown(),
};

let lastId = 0;

/** A request that the official class has no method for. */
function ask(method: string, params: Record<string, unknown>): Promise<unknown> {
  lastId += 1;
  const id = `probe-${lastId}`;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const hear = ({ data, source }: MessageEvent): void => {
    if (source !== window.parent || data?.id !== id) return;
    window.removeEventListener("message", hear);
    if (data.error === undefined) resolve(data.result);
    else reject(Object.assign(new Error(String(data.error.message)), { code: data.error.code }));
  };
  window.addEventListener("message", hear);
  window.parent.postMessage({ jsonrpc: "2.0", id, method, params }, "*");
  return promise;
}

await app.connect();
expectThat(app.getHostCapabilities() !== undefined, "no capabilities were announced");
showChecks(checks);
