import type { ReactElement } from "react";
import { connect } from "@countersign/widget/connect";
import { autoResize } from "@countersign/widget/auto-resize";
import { mountPanel } from "@countersign/widget/panel";
import { useApp, useAuthorization, useHostContext, useTool, useToolResult } from "@countersign/widget/react";

// The code of packages/widget/README.md stands here, so that it is compiled.

/** What a view does without a framework. `render` shows an answer. */
export async function showOrders(render: (content: unknown) => void): Promise<void> {
  const app = await connect({ name: "shop", version: "1.0.0" });
  app.onToolResult((result) => render(result.structuredContent));
  mountPanel(app, document.body); // shows link, QR code and countdown when the user has to act
  autoResize(app, document.documentElement);
  const orders = await app.callTool("list_orders", {}, { idempotent: true }); // resolves after sign-in, in every host
  render(orders.structuredContent);
}

function Orders() {
  const { app, error } = useApp({ name: "shop" }); // one connection a frame; safe in StrictMode
  const orders = useTool(app, "list_orders", { idempotent: true }); // { state, result, error, run(args?) }
  const { state, link } = useAuthorization(app);
  if (error !== undefined) return <p>{error.message}</p>;
  return (
    <button disabled={orders.state === "running"} onClick={() => orders.run()}>
      {state === "required" ? `Open ${link}` : "My orders"}
    </button>
  );
}

/** The hooks that the README names, in one place. */
export const hooks: readonly unknown[] = [useApp, useAuthorization, useHostContext, useTool, useToolResult];

/** The component of the README. */
export const OrdersOfReadme: () => ReactElement = Orders;
