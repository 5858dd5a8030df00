// The page between the console and a widget: it makes the widget's frame and passes messages, and it checks every one of them.
(() => {
  const { allow, consoleOrigin, openai, sandbox } = document.body.dataset;
  const prefix = "ui/notifications/sandbox-";
  const shim = JSON.parse(document.getElementById("shim").textContent);
  const host = window.parent;
  let inner;
  let port;
  let loads = 0;

  const say = (method, params) => host.postMessage({ jsonrpc: "2.0", method, params }, consoleOrigin);

  // Fails closed: a page that can see into the console, or is not framed at all, shows nothing.
  const isIsolated = () => {
    if (host === window) return false;
    for (const probe of [() => host.document, () => window.top.document, () => host.location.href, () => window.top.localStorage]) {
      try {
        if (probe() !== undefined) return false;
      } catch {
        // As it must be.
      }
    }
    return isPoliced();
  };

  // The policy is a header: where something on the way took it off, relative addresses could be led elsewhere.
  const isPoliced = () => {
    const base = document.createElement("base");
    base.href = "https://policy.invalid/";
    document.head.append(base);
    const isLed = document.baseURI === base.href;
    base.remove();
    return !isLed;
  };

  // The console measures every message again, and exactly. What is far too much stops here already, in a process that is not the console's: a lower
  // bound of the size as JSON, the same depth, and twice as many messages a second as make the console cut a view off.
  const bytesMax = 1_048_576;
  const depthMax = 64;
  const perSecondMax = 100;
  const second = { startMs: 0, messages: 0 };

  const spend = (value, left, depth) => {
    if (typeof value === "string") return left - value.length;
    if (typeof value !== "object" || value === null) return left - 1;
    const prototype = Object.getPrototypeOf(value);
    if (depth === 0 || (prototype !== null && prototype !== Object.prototype && prototype !== Array.prototype)) return -1;
    let rest = left - 2;
    for (const [name, child] of Object.entries(value)) {
      if (rest >= 0) rest = spend(child, rest - (Array.isArray(value) ? 0 : name.length), depth - 1);
    }
    return rest;
  };

  const isFlood = () => {
    const nowMs = performance.now();
    if (nowMs - second.startMs >= 1000) Object.assign(second, { startMs: nowMs, messages: 0 });
    second.messages += 1;
    return second.messages > perSecondMax;
  };

  const refuseLarge = ({ id, method }) => {
    const message = "the message is too large or too deep";
    const isRequest = typeof method === "string" && (Number.isSafeInteger(id) || (typeof id === "string" && id.length <= 128));
    const error = { code: -32000, message, data: { code: "request_too_large", message, retryable: false } };
    if (isRequest) port?.postMessage({ jsonrpc: "2.0", id, error });
  };

  const isMessage = (data) => typeof data === "object" && data !== null && !Array.isArray(data) && data.jsonrpc === "2.0";

  // Runs in the widget's document before anything of the widget's own. What the console says arrives there through a port, which ends together
  // with that document: whatever the frame is led to afterwards is told nothing, also while it still loads.
  const opening = `{
    const { port1, port2 } = new MessageChannel();
    const from = { origin: ${JSON.stringify(window.location.origin)}, source: window.parent };
    port1.onmessage = ({ data }) => window.dispatchEvent(new MessageEvent("message", { data, ...from }));
    window.parent.postMessage({ jsonrpc: "2.0", method: "${prefix}port" }, "*", [port2]);
  }`;

  const withScripts = (html) => {
    const element = (text, attributes) => `<script${attributes}>${text.replaceAll("</script", "<\\/script")}</script>`;
    // The shim reads there which members its host has; a host without window.openai has no shim.
    const scripts = element(opening, "") + (openai === "" ? "" : element(shim, ` data-members="${openai}"`));
    const doctype = /^\s*(?:<!--[\s\S]*?-->\s*)*<!doctype[^>]*>/i.exec(html);
    const at = doctype === null ? 0 : doctype[0].length;
    return html.slice(0, at) + scripts + html.slice(at);
  };

  const stop = (reason) => {
    inner?.remove();
    inner = undefined;
    port = undefined;
    document.body.textContent = reason;
  };

  const load = (params) => {
    if (inner !== undefined || loads > 0 || typeof params?.html !== "string") return;
    inner = document.createElement("iframe");
    // Never what a message says: the widget's own origin stays opaque, without popups and top navigation.
    inner.setAttribute("sandbox", sandbox);
    inner.setAttribute("allow", allow);
    inner.addEventListener("load", () => {
      loads += 1;
      // A second document is not the widget any more, so it gets nothing.
      if (loads > 1) stop("This view left its page and was closed.");
    });
    inner.srcdoc = withScripts(params.html);
    document.body.append(inner);
  };

  const fromConsole = (data) => {
    if (data.method === `${prefix}resource-ready`) load(data.params);
    else if (typeof data.method === "string" && data.method.startsWith(prefix)) return;
    else port?.postMessage(data);
  };

  const fromWidget = (data, ports) => {
    // The first port is the opening's, because nothing ran before it.
    if (data.method === `${prefix}port`) port ??= ports[0];
    else if (isFlood() || (typeof data.method === "string" && data.method.startsWith(prefix))) return;
    else if (spend(data, bytesMax, depthMax) < 0) refuseLarge(data);
    else host.postMessage(data, consoleOrigin);
  };

  if (!isIsolated()) {
    stop("This view cannot be shown safely here.");
    return;
  }
  window.addEventListener("message", (event) => {
    if (!isMessage(event.data)) return;
    if (event.source === host && event.origin === consoleOrigin) fromConsole(event.data);
    else if (inner !== undefined && event.source === inner.contentWindow && event.origin === "null") fromWidget(event.data, event.ports);
  });
  say(`${prefix}proxy-ready`, {});
})();
