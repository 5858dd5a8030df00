import "@countersign/look/look.css";
import "./shop.css";
import "./buying/buying.css";
import "./paying/paying.css";
import { autoResize } from "@countersign/widget/auto-resize";
import { type App, connect } from "@countersign/widget/connect";
import { mountPanel } from "@countersign/widget/panel";
import { render, type VNode } from "preact";
import { wholeShelf } from "./buying/buying-state.ts";
import { CardSkeletons } from "./buying/products-screen.tsx";
import { createController } from "./controller.ts";
import { createFormat } from "./format.ts";
import { recall } from "./memory.ts";
import { Icon } from "./parts/elements.tsx";
import type { Shop } from "./parts/shop-context.ts";
import { ShopView } from "./parts/shop-view.tsx";
import { askingStage } from "./paying/payment-stage.ts";
import type { ShopState } from "./shop-state.ts";

/** How long a host may take to tell which call this view is for. */
const toldMsMax = 1_500;

const root = document.querySelector("#shop");
if (root === null) throw new Error("the page has no place for the shop");
const place: Element = root;
render(<CardSkeletons />, place);
connect({ name: "harbour-goods", version: "1.0.0" }).then(open, () => render(<NoHost />, place));

function open(app: App): void {
  let format = createFormat(app.hostContext.locale);
  const show = (state: ShopState): void =>
    render(
      <ShopView shop={{ state, format, borrowLink, run: (action) => controller.run(action), dispatch: (event) => controller.dispatch(event) }} />,
      place,
    );
  const borrowLink = showLinks(app);
  const controller = createController(app, show);
  app.onHostContext((context) => {
    document.documentElement.dataset["theme"] = context.theme ?? "";
    document.documentElement.lang = "en";
    format = createFormat(context.locale);
    show(controller.state);
  });
  autoResize(app, document.documentElement);
  const { checkoutId, order } = recall(app);
  if (order !== undefined) controller.run({ type: "order", orderId: order.orderId });
  else if (checkoutId === undefined) setTimeout(() => controller.state.screen === "start" && controller.run(wholeShelf), toldMsMax);
}

/**
 * The link by which the user signs in or approves where the host leads nobody there: above the shop, or in the place that borrows it. Whatever else there is to
 * say stands at its own place.
 */
function showLinks(app: App): Shop["borrowLink"] {
  const panel = document.createElement("div");
  panel.className = "link-place";
  place.before(panel);
  mountPanel(
    {
      onAuthorization: (listener) => app.onAuthorization((each) => listener(askingStage(each) === "link" ? each : { state: "idle" })),
      onHostContext: (listener) => app.onHostContext(listener),
      openLink: (url) => app.openLink(url),
    },
    panel,
    { words: { approve: "Approve in your wallet" } },
  );
  return (into) => {
    into.append(panel);
    return () => place.before(panel);
  };
}

function NoHost(): VNode {
  return (
    <div class="empty" data-testid="error">
      <span class="seal">
        <Icon name="plug" />
      </span>
      <h1>Harbour Goods</h1>
      <p>This shop works inside a chat. Open it from there.</p>
    </div>
  );
}
