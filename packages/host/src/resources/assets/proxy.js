// The page between the console and a widget: it makes the widget's frame and passes messages, and it checks every one of them.
(() => {
  const { consoleOrigin } = document.body.dataset;
  const prefix = "ui/notifications/sandbox-";
  const shim = JSON.parse(document.getElementById("shim").textContent);
  const host = window.parent;
  let inner;
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

  // The policy is a header: where something on the way took it off, code could be made from a string.
  const isPoliced = () => {
    try {
      Reflect.construct(Function, [""]);
      return false;
    } catch {
      return true;
    }
  };

  const isMessage = (data) => typeof data === "object" && data !== null && !Array.isArray(data) && data.jsonrpc === "2.0";

  const withShim = (html) => {
    if (shim === "") return html;
    const script = `<script>${shim.replaceAll("</script", "<\\/script")}</script>`;
    const doctype = /^\s*(?:<!--[\s\S]*?-->\s*)*<!doctype[^>]*>/i.exec(html);
    const at = doctype === null ? 0 : doctype[0].length;
    return html.slice(0, at) + script + html.slice(at);
  };

  const stop = (reason) => {
    inner?.remove();
    inner = undefined;
    document.body.textContent = reason;
  };

  const load = (params) => {
    if (inner !== undefined || loads > 0 || typeof params?.html !== "string") return;
    inner = document.createElement("iframe");
    // Never what a message says: the widget's own origin stays opaque, without forms, popups and top navigation.
    inner.setAttribute("sandbox", "allow-scripts");
    inner.setAttribute("allow", document.body.dataset.allow);
    inner.addEventListener("load", () => {
      loads += 1;
      // A second document is not the widget any more, so it gets nothing.
      if (loads > 1) stop("This view left its page and was closed.");
    });
    inner.srcdoc = withShim(params.html);
    document.body.append(inner);
  };

  const fromConsole = (data) => {
    if (data.method === `${prefix}resource-ready`) load(data.params);
    else if (typeof data.method === "string" && data.method.startsWith(prefix)) return;
    else inner?.contentWindow.postMessage(data, "*");
  };

  const fromWidget = (data) => {
    if (typeof data.method === "string" && data.method.startsWith(prefix)) return;
    host.postMessage(data, consoleOrigin);
  };

  if (!isIsolated()) {
    stop("This view cannot be shown safely here.");
    return;
  }
  window.addEventListener("message", (event) => {
    if (!isMessage(event.data)) return;
    if (event.source === host && event.origin === consoleOrigin) fromConsole(event.data);
    else if (inner !== undefined && event.source === inner.contentWindow && event.origin === "null") fromWidget(event.data);
  });
  say(`${prefix}proxy-ready`, {});
})();
