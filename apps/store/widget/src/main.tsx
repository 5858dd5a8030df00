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
import { ShopView } from "./parts/shop-view.tsx";
import { whereToAct } from "./paying/paying-state.ts";
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
    render(<ShopView shop={{ state, format, run: (action) => controller.run(action), dispatch: (event) => controller.dispatch(event) }} />, place);
  const controller = createController(app, show);
  app.onHostContext((context) => {
    document.documentElement.dataset["theme"] = context.theme ?? "";
    document.documentElement.lang = "en";
    format = createFormat(context.locale);
    show(controller.state);
  });
  showLinks(app);
  autoResize(app, document.documentElement);
  const { checkoutId } = recall(app);
  if (checkoutId !== undefined) controller.run({ type: "check", checkoutId });
  else setTimeout(() => controller.state.screen === "start" && controller.run(wholeShelf), toldMsMax);
}

/** Above the shop: the link by which the user signs in or approves where the host leads nobody there. Whatever else there is to say stands at its own place. */
function showLinks(app: App): void {
  const above = document.createElement("div");
  above.className = "link-place";
  place.before(above);
  mountPanel(
    {
      onAuthorization: (listener) => app.onAuthorization((each) => listener(whereToAct(each) === "link" ? each : { state: "idle" })),
      onHostContext: (listener) => app.onHostContext(listener),
      openLink: (url) => app.openLink(url),
    },
    above,
  );
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
