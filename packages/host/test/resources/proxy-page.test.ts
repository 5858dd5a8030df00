import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";

const script = readFileSync(fileURLToPath(new URL("../../src/resources/assets/proxy.js", import.meta.url)), "utf8");
const consoleOrigin = "http://127.0.0.1:4100";

interface Posted {
  readonly data: unknown;
  readonly target: string;
}

interface InnerFrame {
  readonly attributes: Map<string, string>;
  /** The proxy has no business with it: a message to a window reaches whatever document is in it. */
  readonly contentWindow: object;
  readonly port: { postMessage(data: unknown): void };
  /** What came through the port. */
  readonly posted: unknown[];
  srcdoc: string;
  removed: boolean;
  loaded: () => void;
}

interface Page {
  readonly toHost: Posted[];
  readonly frames: InnerFrame[];
  readonly host: object;
  readonly body: { textContent: string };
  receive(event: { data: unknown; origin: string; source: unknown; ports?: readonly unknown[] }): void;
}

function makeFrame(): InnerFrame & Record<string, unknown> {
  const posted: unknown[] = [];
  const attributes = new Map<string, string>();
  const frame = {
    attributes,
    posted,
    contentWindow: {},
    port: { postMessage: (data: unknown) => void posted.push(data) },
    srcdoc: "",
    removed: false,
    loaded: (): void => {},
    setAttribute: (name: string, value: string) => void attributes.set(name, value),
    addEventListener: (_: string, listener: () => void) => {
      frame.loaded = listener;
    },
    remove: () => {
      frame.removed = true;
    },
  };
  return frame;
}

/** Messages are made here, so the script has to know this realm's plain objects, as a page knows those of its own messages. */
const primordials = { Object, Array };

interface RunOptions {
  readonly leak?: "document" | "top";
  readonly policy?: "absent";
  readonly alone?: boolean;
  readonly shim?: string;
  readonly openai?: string;
  readonly sandbox?: string;
}

/** Runs the proxy's script in a page whose parent answers property reads as a cross-origin window does, unless it is told to leak. */
function runProxy(options: RunOptions = {}): Page {
  const toHost: Posted[] = [];
  const frames: InnerFrame[] = [];
  const denied = (): never => {
    throw new Error("SecurityError");
  };
  const post = (data: unknown, target: string): void => void toHost.push({ data, target });
  const host = {
    postMessage: post,
    get document() {
      return options.leak === "document" ? {} : denied();
    },
    get location() {
      return denied();
    },
  };
  const top = {
    get document() {
      return options.leak === "top" ? {} : denied();
    },
    get localStorage() {
      return denied();
    },
  };
  let listener: Page["receive"] = () => {};
  const { openai = "callTool", sandbox = "allow-scripts" } = options;
  const body = { dataset: { consoleOrigin, allow: "", openai, sandbox }, textContent: "", append: (frame: InnerFrame) => void frames.push(frame) };
  const location = { origin: "http://app.localhost:4101" };
  const window: Record<string, unknown> = { top, location, addEventListener: (_: string, added: Page["receive"]) => (listener = added) };
  window["parent"] = options.alone === true ? window : host;
  const own = "http://app.localhost:4101/frame/x";
  const document = {
    body,
    // A policy with base-uri is what keeps an element from changing it.
    baseURI: own,
    head: { append: ({ href }: { readonly href: string }) => void (options.policy === "absent" && (document.baseURI = href)) },
    getElementById: () => ({ textContent: JSON.stringify(options.shim ?? "") }),
    createElement: (name: string) => (name === "base" ? { href: "", remove: () => {} } : makeFrame()),
  };
  runInNewContext(script, { window, document, performance: { now: () => 0 }, ...primordials });
  return { toHost, frames, host, body, receive: (event) => listener(event) };
}

const ready = {
  data: { jsonrpc: "2.0", method: "ui/notifications/sandbox-resource-ready", params: { html: "<!doctype html><p>x</p>" } },
  origin: consoleOrigin,
};

const portSent = { data: { jsonrpc: "2.0", method: "ui/notifications/sandbox-port" }, origin: "null" };

function loaded(shim?: string, options: RunOptions = {}): { readonly page: Page; readonly frame: InnerFrame } {
  const page = runProxy({ ...options, ...(shim === undefined ? {} : { shim }) });
  page.receive({ ...ready, source: page.host });
  const [frame] = page.frames;
  if (frame === undefined) throw new Error("no frame");
  page.receive({ ...portSent, source: frame.contentWindow, ports: [frame.port] });
  return { page, frame };
}

describe("the widget's proxy page", () => {
  it("says that it is ready to its console only, and makes the widget's frame from the document it is sent", () => {
    const { page, frame } = loaded("window.openai = {}");
    expect(page.toHost).toEqual([{ data: { jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready", params: {} }, target: consoleOrigin }]);
    expect(frame.attributes.get("sandbox")).toBe("allow-scripts");
    expect(frame.srcdoc).toMatch(
      /^<!doctype html><script>\{[^<]*MessageChannel[^<]*\}<\/script><script data-members="callTool">window\.openai = \{\}<\/script><p>x<\/p>$/,
    );
  });

  it("makes the frame as the host of the view's profile would: its flags, its members of window.openai, or none at all", () => {
    const { frame } = loaded("shim", { openai: "callTool openExternal", sandbox: "allow-scripts allow-forms" });
    expect(frame.attributes.get("sandbox")).toBe("allow-scripts allow-forms");
    expect(frame.srcdoc).toContain('<script data-members="callTool openExternal">shim</script>');
    expect(loaded("shim", { openai: "" }).frame.srcdoc).not.toContain("shim");
  });

  it("V03 fails closed: a page that can reach the console, or is not framed, shows nothing and says nothing", () => {
    for (const page of [runProxy({ leak: "document" }), runProxy({ leak: "top" }), runProxy({ alone: true })]) {
      page.receive({ ...ready, source: page.host });
      expect(page.toHost).toEqual([]);
      expect(page.frames).toEqual([]);
      expect(page.body.textContent).toMatch(/cannot be shown/);
    }
  });

  it("V05 fails closed: a page that came without its policy shows nothing and says nothing", () => {
    expect(runProxy().toHost).toHaveLength(1);
    const page = runProxy({ policy: "absent" });
    page.receive({ ...ready, source: page.host });
    expect(page.toHost).toEqual([]);
    expect(page.frames).toEqual([]);
    expect(page.body.textContent).toMatch(/cannot be shown/);
  });

  it("V03 ignores a sandbox that a message asks for, and a second document", () => {
    const page = runProxy();
    const data = { ...ready.data, params: { html: "<p>1</p>", sandbox: "allow-same-origin allow-top-navigation" } };
    page.receive({ data, origin: consoleOrigin, source: page.host });
    page.receive({ data, origin: consoleOrigin, source: page.host });
    expect(page.frames.map((frame) => frame.attributes.get("sandbox"))).toEqual(["allow-scripts"]);
  });

  it("V01 relays only between its own console and its own frame", () => {
    const { page, frame } = loaded();
    const message = { jsonrpc: "2.0", id: 1, method: "tools/call", params: {} };
    page.receive({ data: message, origin: "null", source: frame.contentWindow });
    page.receive({ data: { jsonrpc: "2.0", id: 1, result: {} }, origin: consoleOrigin, source: page.host });
    expect(page.toHost.slice(1)).toEqual([{ data: message, target: consoleOrigin }]);
    expect(frame.posted).toHaveLength(1);
    const strangers = [
      { data: message, origin: "https://evil.example", source: page.host },
      { data: message, origin: consoleOrigin, source: {} },
      { data: message, origin: "https://evil.example", source: frame.contentWindow },
      { data: "text", origin: "null", source: frame.contentWindow },
      { data: { method: "tools/call" }, origin: "null", source: frame.contentWindow },
      { data: [message], origin: "null", source: frame.contentWindow },
      { data: { jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready" }, origin: "null", source: frame.contentWindow },
      { data: { jsonrpc: "2.0", method: "ui/notifications/sandbox-other" }, origin: consoleOrigin, source: page.host },
    ];
    for (const event of strangers) page.receive(event);
    expect(page.toHost).toHaveLength(2);
    expect(frame.posted).toHaveLength(1);
  });

  it("V01 takes the port of the widget's own document, and no second one", () => {
    const { page, frame } = loaded();
    const others: unknown[] = [];
    const forged = { postMessage: (data: unknown) => void others.push(data) };
    page.receive({ ...portSent, source: {}, ports: [forged] });
    page.receive({ ...portSent, source: frame.contentWindow, ports: [forged] });
    page.receive({ data: { jsonrpc: "2.0", id: 1, result: {} }, origin: consoleOrigin, source: page.host });
    expect(frame.posted).toEqual([{ jsonrpc: "2.0", id: 1, result: {} }]);
    expect(others).toEqual([]);
    expect(page.toHost).toHaveLength(1);
  });

  it("V14 stops what is too large, too deep or no JSON before it costs the console anything, and answers it", () => {
    const { page, frame } = loaded();
    const send = (id: number, argument: unknown): void => {
      const data = { jsonrpc: "2.0", id, method: "tools/call", params: { name: "x", arguments: { argument } } };
      page.receive({ data, origin: "null", source: frame.contentWindow });
    };
    let deep: unknown = "x";
    for (let level = 0; level < 100; level += 1) deep = [deep];
    send(1, "x".repeat(1_000_000));
    expect(page.toHost).toHaveLength(2);
    for (const [index, bad] of ["x".repeat(1_100_000), deep, Array.from({ length: 1_100_000 }, () => 1), new Map(), new ArrayBuffer(8)].entries()) {
      send(index + 2, bad);
    }
    expect(page.toHost).toHaveLength(2);
    expect(frame.posted).toMatchObject([2, 3, 4, 5, 6].map((id) => ({ id, error: { data: { code: "request_too_large" } } })));
  });

  it("V14 passes on no more of a flood than makes the console cut the view off", () => {
    const { page, frame } = loaded();
    const data = { jsonrpc: "2.0", method: "notifications/message", params: {} };
    for (let times = 0; times < 5000; times += 1) page.receive({ data, origin: "null", source: frame.contentWindow });
    expect(page.toHost).toHaveLength(101);
  });

  it("V02 a frame that leaves its document gets nothing any more", () => {
    const { page, frame } = loaded();
    frame.loaded();
    page.receive({ data: { jsonrpc: "2.0", id: 1, result: {} }, origin: consoleOrigin, source: page.host });
    expect(frame.posted).toHaveLength(1);
    frame.loaded();
    expect(frame.removed).toBe(true);
    page.receive({ data: { jsonrpc: "2.0", id: 2, result: {} }, origin: consoleOrigin, source: page.host });
    page.receive({ ...ready, source: page.host });
    expect(frame.posted).toHaveLength(1);
    expect(page.frames).toHaveLength(1);
  });

  it("a shim cannot break out of its script element", () => {
    const { frame } = loaded('x = "</script><img src=x>"');
    expect(frame.srcdoc.match(/<\/script>/g)).toHaveLength(2);
  });
});
