import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";
import { z } from "zod";

/** A host page made with the official AppBridge: it gives a view's calls to its server, and signs nobody in. */

const callResult = z.looseObject({
  content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  isError: z.boolean().optional(),
});

const told: { readonly calls: string[]; readonly models: string[]; readonly links: string[] } = { calls: [], models: [], links: [] };
Object.assign(globalThis, { told });

const frame = document.querySelector("iframe");
if (!frame?.contentWindow) throw new TypeError("the page has no frame");
const dark = matchMedia("(prefers-color-scheme: dark)");
const themeNow = (): "dark" | "light" => (dark.matches || new URLSearchParams(location.search).get("theme") === "dark" ? "dark" : "light");
const capabilities = { openLinks: {}, serverTools: {}, updateModelContext: { text: {} } };
const bridge = new AppBridge(null, { name: "claude-like", version: "1.0.0" }, capabilities, { hostContext: { theme: themeNow() } });
dark.addEventListener("change", () => bridge.setHostContext({ theme: themeNow() }));
bridge.oncalltool = async ({ name, arguments: args }) => {
  told.calls.push(name);
  const response = await fetch("/call", { method: "POST", body: JSON.stringify({ name, arguments: args ?? {} }) });
  return callResult.parse(await response.json());
};
bridge.onupdatemodelcontext = async (context) => {
  told.models.push(JSON.stringify(context));
  return {};
};
bridge.onopenlink = async ({ url }) => {
  told.links.push(url);
  return {};
};
bridge.onsizechange = ({ height }) => {
  if (height !== undefined) frame.style.height = `${height}px`;
};
await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
frame.src = "/view";
