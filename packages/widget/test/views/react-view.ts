import { createElement, type ReactElement, StrictMode, useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";
import { autoResize } from "../../src/auto-resize.ts";
import type { App } from "../../src/connect.ts";
import { mountPanel } from "../../src/panel.ts";
import { useApp, useAuthorization, useHostContext, useTool, useToolResult } from "../../src/react.ts";

/** A view made with the hooks and the panel, in React's strict mode, which mounts everything twice. */
function View(): ReactElement {
  const connection = useApp({ name: "orders", version: "1.0.0" });
  const { app } = connection;
  const orders = useTool(app, "list_orders", { idempotent: true });
  const echo = useTool(app, "echo");
  const authorization = useAuthorization(app);
  const context = useHostContext(app);
  const told = useToolResult(app);
  useEffect(() => {
    document.documentElement.style.colorScheme = context.theme ?? "light dark";
  }, [context.theme]);
  return createElement(
    "main",
    null,
    createElement("h1", null, "Orders"),
    app === undefined ? null : createElement(Panel, { app }),
    createElement("button", { id: "show", type: "button", disabled: app === undefined, onClick: () => orders.run({ limit: 3 }) }, "Show my orders"),
    ...["first", "second"].map((words) =>
      createElement("button", { key: words, type: "button", onClick: () => echo.run({ words }) }, `Echo ${words}`),
    ),
    createElement("p", { id: "echo" }, `${echo.state} ${JSON.stringify(echo.result?.structuredContent ?? null)}`),
    createElement("p", { id: "connection" }, connection.state),
    createElement("p", { id: "theme" }, context.theme ?? "none"),
    createElement("p", { id: "told" }, JSON.stringify(told?.structuredContent ?? null)),
    createElement("p", { id: "authorization" }, `${authorization.state} ${authorization.rung ?? "-"}`),
    createElement("p", { id: "orders" }, `${orders.state} ${orders.error?.code ?? JSON.stringify(orders.result?.structuredContent ?? null)}`),
  );
}

function Panel({ app }: { readonly app: App }): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => (place.current === null ? undefined : mountPanel(app, place.current)), [app]);
  useEffect(() => autoResize(app, document.documentElement), [app]);
  return createElement("div", { ref: place });
}

const root = document.querySelector("#root");
if (root !== null) {
  const mounted = createRoot(root);
  mounted.render(createElement(StrictMode, null, createElement(View)));
  Object.assign(globalThis, { unmount: () => mounted.unmount() });
}
