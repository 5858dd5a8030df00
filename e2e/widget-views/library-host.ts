import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";
import { z } from "zod";

/** A host page made with the official AppBridge, whose server is a script: it signs nobody in, and offers account links. */
interface HostPage {
  readonly seen: {
    readonly initialized: number[];
    readonly calls: string[];
    readonly messages: string[];
    readonly links: string[];
    readonly log: unknown[];
  };
  /** The user agrees, or declines, on the page behind the link. */
  decide: (status: string) => void;
  offersLinks: boolean;
  /** Lets the tool `echo` answer its first call; the later ones are answered at once. */
  release: () => void;
  /** Whether the view still answers. */
  isAlive: () => Promise<boolean>;
}

const handle = `lnk_${"h".repeat(43)}`;
let settle: (status: string) => void = () => undefined;
const released = Promise.withResolvers<void>();
const echoed: string[] = [];
const page: HostPage = {
  release: () => released.resolve(),
  seen: { initialized: [], calls: [], messages: [], links: [], log: [] },
  decide: (status) => settle(status),
  offersLinks: true,
  isAlive: () =>
    bridge.teardownResource({}, { timeout: 1_000 }).then(
      () => true,
      () => false,
    ),
};
Object.assign(globalThis, { page });

type Result = {
  content: { type: "text"; text: string }[];
  structuredContent?: Record<string, unknown>;
  _meta?: Record<string, unknown>;
  isError?: boolean;
};
const result = (structuredContent: Record<string, unknown>, _meta: Record<string, unknown> = {}): Result => ({
  content: [],
  structuredContent,
  _meta,
});

const tools: Readonly<Record<string, (args: unknown) => Result | Promise<Result>>> = {
  echo: async (args) => {
    const { words } = z.object({ words: z.string() }).parse(args);
    echoed.push(words);
    if (echoed.length === 1) await released.promise;
    return result({ words });
  },
  list_orders: () => ({ content: [], isError: true, _meta: { "mcp/www_authenticate": ["Bearer"] } }),
  link_account: () =>
    result(
      { status: "pending" },
      {
        "countersign/link": {
          handle,
          link: "https://wallet.example/device?user_code=BCDF-GHJK",
          code: "BCDF-GHJK",
          expiresAt: Date.now() + 600_000,
        },
      },
    ),
  await_link: () =>
    new Promise((resolve) => {
      settle = (status) => resolve(result({ status }));
    }),
  call_linked: (args) => result({ orders: ["ord_1"], got: z.looseObject({ arguments: z.unknown() }).parse(args).arguments }),
};

const frame = document.querySelector("iframe");
if (!frame?.contentWindow) throw new TypeError("the page has no frame");
const theme = new URLSearchParams(location.search).get("theme") === "dark" ? "dark" : "light";
const capabilities = { openLinks: {}, serverTools: {}, message: { text: {} }, logging: {}, updateModelContext: { text: {} } };
const bridge = new AppBridge(null, { name: "official", version: "2.0.4" }, capabilities, { hostContext: { theme } });
bridge.oninitialized = () => {
  page.seen.initialized.push(1);
  void bridge.sendToolResult({ content: [], structuredContent: { opened: "with this" } });
};
bridge.oncalltool = async ({ name, arguments: args }) => {
  page.seen.calls.push(name);
  const tool = name === "link_account" && !page.offersLinks ? undefined : tools[name];
  return tool === undefined ? { content: [{ type: "text", text: `Tool ${name} not found` }], isError: true } : tool(args);
};
bridge.onmessage = async ({ content }) => {
  page.seen.messages.push(JSON.stringify(content));
  return {};
};
bridge.onopenlink = async ({ url }) => {
  page.seen.links.push(url);
  return {};
};
bridge.onupdatemodelcontext = async () => ({});
bridge.onloggingmessage = (message) => void page.seen.log.push(message);
bridge.onsizechange = ({ height }) => {
  if (height !== undefined) frame.style.height = `${height}px`;
};
await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
frame.src = "/view";
