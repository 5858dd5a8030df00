import { chooseForm } from "@countersign/kit/policy/choose-form";
import { profileNames } from "@countersign/protocol/host-profile";
import { hostClients } from "@countersign/protocol/host-profile-client";
import { hostViews } from "@countersign/protocol/host-profile-view";
import type { HostProfile } from "@countersign/protocol/ladder";
import { judgeReach, type Reach, type ReachFacts } from "@countersign/protocol/profile-reach";
import { frameRightsOf, openaiMembersOf } from "@countersign/protocol/profile-view";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletDevicePage } from "../pages/wallet-device-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type FixtureProbe, fixtureApp, newProbe } from "../stack/fixture-app.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

let stack: TestStack;
let probe: FixtureProbe;
let person: Person;

beforeAll(async () => {
  probe = newProbe();
  stack = await runStack({ fixture: fixtureApp(probe) });
});
afterAll(() => stack?.stop());
beforeEach(async () => {
  for (const tool of Object.keys(probe.runs)) delete probe.runs[tool];
  person = await arrive(stack.urls.console);
});
afterEach(async () => {
  const errors = person.pageErrors;
  await person.leave();
  expect(errors).toEqual([]);
  expect(readBank(stack.folder).imbalance).toBe(0);
});

/** What the tables say of a tool of an app of the kit, which chooses the form of its demand by the host. */
function reachOf(profile: HostProfile, by: ReachFacts["by"], offersLinks: boolean): Reach {
  const { clientInfo, userAgent } = hostClients[profile];
  const form = chooseForm("auto", [clientInfo.value.name], userAgent.value);
  const forms = ["declared", form === "result" ? "result" : "http_401"] as const;
  return judgeReach(profile, { mode: "mixed", by, forms, declares: true, describes: true, offersLinks });
}

const page = (): Page => person.console.page;
const view = () => person.console.widget;

async function actAs(profile: HostProfile): Promise<void> {
  await page().getByTestId("profile").selectOption(profile);
  if (profile !== "countersign") await page().getByTestId("profile-mark").waitFor();
}

async function openShop(): Promise<void> {
  await person.console.callTool("browse_products");
  await view().getByTestId("product-card").first().waitFor();
}

/** Says yes on the wallet's page for another device, here in another tab of the same browser. */
async function allowLink(opened: Page): Promise<void> {
  const wallet = new WalletDevicePage(opened);
  await wallet.proceed.click();
  await new WalletPage(opened).createPasskey.click();
  await wallet.confirm.click();
  await wallet.done.waitFor();
}

/** The page that the view's panel leads to, after the host's own question whether to go there. */
function openLink(): Promise<Page> {
  return openedBy(page(), async () => {
    await press(view().getByTestId("authorization").getByRole("button", { name: "Open page" }));
    await page().locator('[data-testid="link-open"][aria-disabled="false"]').click();
  });
}

describe("the console acting as another host", () => {
  it("V03 makes the open view anew: its frame, its code and its window.openai are those of the host's row", async () => {
    await openShop();
    const { pathname } = new URL(await frameUrl());
    expect(pathname).toMatch(/^\/frame\//);
    for (const profile of profileNames.toReversed()) {
      const before = await frameUrl();
      await actAs(profile);
      await expect.poll(frameUrl).not.toBe(before);
      await view().getByTestId("product-card").first().waitFor();
      expect({ profile, ...(await look()) }).toEqual({
        profile,
        // The shop declares no place that a window may come back from.
        members: openaiMembersOf(profile)
          .filter((name) => name !== "openAuthPopup")
          .toSorted(),
        hasOpenai: hostViews[profile].openai.value.length > 0,
        submits: frameRightsOf(profile).flags.includes("allow-forms"),
        evaluates: hostViews[profile].csp.value.scripts.includes("'unsafe-eval'"),
        origin: "null",
      });
      const expands = hostViews[profile].displayModes.value.includes("fullscreen");
      expect(await page().getByTestId("widget-expand").count()).toBe(expands ? 1 : 0);
    }
  });

  const frameUrl = async (): Promise<string> => (await page().getByTestId("widget-frame").last().getAttribute("src")) ?? "http://none/";

  /** What code in the view's frame finds. */
  const look = (): Promise<Record<string, unknown>> =>
    view()
      .locator("html")
      .evaluate(async () => {
        // What the driver itself runs may make code from strings; what comes after it may not.
        await new Promise((resolve) => void setTimeout(resolve, 0));
        const openai: unknown = Reflect.get(window, "openai");
        const named = typeof openai === "object" && openai !== null ? Object.entries(openai) : [];
        const members = named.filter(([name, value]) => typeof value === "function" || name.startsWith("countersign/")).map(([name]) => name);
        const form = document.createElement("form");
        let submits = false;
        form.addEventListener("submit", (event) => {
          event.preventDefault();
          submits = true;
        });
        document.body.append(form);
        form.requestSubmit();
        form.remove();
        let evaluates = true;
        try {
          Reflect.construct(Function, [""]);
        } catch {
          evaluates = false;
        }
        return { members: members.toSorted(), hasOpenai: openai !== undefined, submits, evaluates, origin: window.origin };
      });

  it.each(profileNames)("M26 %s: the shop's orders are reached from its view, and by the user's own call, as the tables say", async (profile) => {
    await actAs(profile);
    await openShop();
    const byView = reachOf(profile, "view", true);
    if (byView.reach === "works") {
      const popup = await openedBy(page(), () => press(view().getByTestId("my-orders")));
      await new WalletPage(popup).signUpAndAllow("Ada");
      await view().getByText("No orders yet").waitFor();
    } else {
      await press(view().getByTestId("my-orders"));
      await waitForFallback(byView, "Sign in to go on");
    }
    const byUser = reachOf(profile, "model", true);
    const call = (): Promise<void> => person.console.callTool("list_orders");
    if (byUser.reach === "works" && byView.reach !== "works") await new WalletPage(await openedBy(page(), call)).signUpAndAllow("Ada");
    else await call();
    const end = byUser.reach === "works" ? "completed" : "failed";
    await page().locator(`[data-testid="call-card"][data-tool="list_orders"][data-state="${end}"]`).waitFor();
  });

  it.each(profileNames)("L23 %s: the shop is paid from its view as the tables say", async (profile) => {
    await actAs(profile);
    await openShop();
    const { reach, ...rest } = reachOf(profile, "view", true);
    await press(view().getByTestId("buy").first());
    if (reach === "dead") {
      // Nothing can be called there, so there is not even an order.
      return view().getByTestId("error").waitFor();
    }
    const pay = (): Promise<void> => press(view().getByTestId("pay"));
    if (reach === "works") {
      const wallet = new WalletPage(await openedBy(page(), pay));
      await wallet.createPasskey.click();
      await wallet.approve.click();
      await view().getByTestId("receipt").waitFor();
    } else {
      await pay();
      await waitForFallback({ reach, ...rest }, /^(Sign in to go on|Approve in your wallet)$/);
    }
  });

  /** The view's own panel with a link of the wallet, or its words that nothing helps. */
  async function waitForFallback({ reach, way }: Reach, heading: string | RegExp): Promise<void> {
    if (reach === "dead") return view().getByTestId("error").waitFor();
    expect(way).toBe("link");
    const panel = view().getByTestId("authorization");
    await panel.getByRole("heading", { name: heading }).waitFor();
    await panel.getByRole("img", { name: "QR code" }).waitFor();
    await panel.getByText(new URL(stack.urls.wallet).host, { exact: true }).waitFor();
    expect(await view().getByTestId("error").count()).toBe(0);
  }

  it("M26 has under chatgpt a dead button where the view knows no other way, while the user's own call signs in and then the button works", async () => {
    await person.console.connected("fixture");
    await actAs("chatgpt");
    await person.console.callTool("open_panel");
    const out = view().locator("#out");
    for (const [button, message] of [
      ["openai", '"name":"Error","message":"HTTP 400: {}"'],
      ["bridge", '"message":"HTTP 400: {}","data":{}'],
    ] as const) {
      await press(view().getByRole("button", { name: button, exact: true }));
      await out.getByText(/^\{"kind":"error"/).waitFor();
      expect(await out.innerText()).toContain(message);
      expect(await out.innerText()).not.toMatch(/authorization|sign/i);
    }
    await keepPicture(page(), "profiles/chatgpt-dead-button");
    expect(await person.console.signInCard.count()).toBe(0);
    expect(probe.runs["secret_note"]).toBeUndefined();
    expect(reachOf("chatgpt", "model", false).reach).toBe("works");
    const popup = await openedBy(page(), () => person.console.callTool("secret_note"));
    await new WalletPage(popup).signUpAndAllow("Ada");
    await page().locator('[data-testid="call-card"][data-tool="secret_note"][data-state="completed"]').waitFor();
    await press(view().getByRole("button", { name: "bridge", exact: true }));
    await out.getByText("for your eyes").waitFor();
    expect(probe.runs["secret_note"]).toBe(2);
  });

  it("M26 shows under chatgpt the orders in the shop's view after its own link, by which nothing reaches the console", async () => {
    await actAs("chatgpt");
    await openShop();
    await press(view().getByTestId("my-orders"));
    await view().getByTestId("authorization").getByRole("img", { name: "QR code" }).waitFor();
    await keepPicture(page(), "profiles/chatgpt-shop-link");
    await allowLink(await openLink());
    await view().getByText("No orders yet").waitFor();
    await keepPicture(page(), "profiles/chatgpt-shop-orders");
    expect(await person.console.connector("store").innerText()).not.toContain("orders:read");
  });
});
