import { createHash } from "node:crypto";
import type { Page, Response } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepPicture, launchBrowser, type Browser } from "../browser/launch.ts";
import { findBarriers } from "../browser/inspect.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { openedBy } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type Embedder, prepareEmbedder } from "../stack/embedder.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const apiKey = "acme-0123456789abcdef0123456789abcdef";
const keyDigest = createHash("sha256").update(apiKey).digest("hex");

/** A user of the product in a browser of their own, with everything that their page is told. */
interface Visitor {
  readonly name: string;
  readonly browser: Browser;
  readonly page: Page;
  readonly heard: string[];
  readonly errors: string[];
}

async function visit(embedder: Embedder, name: string): Promise<Visitor> {
  const browser = await launchBrowser();
  new Authenticator().attachTo(browser.context);
  const page = await browser.newPage();
  const heard: string[] = [];
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("response", (response: Response) => {
    if (/\/api\/(?!events)/.test(response.url()))
      void response.text().then(
        (text) => heard.push(text),
        () => undefined,
      );
  });
  // The stream's body is nowhere to be read from outside, so the page itself notes it down.
  await page.addInitScript(() => {
    const noted: string[] = [];
    Object.assign(window, { noted });
    const Original = EventSource;
    window.EventSource = class extends Original {
      constructor(url: string | URL) {
        super(url);
        for (const kind of ["call", "flow", "connector", "trace"])
          this.addEventListener(kind, (event) => noted.push(`${kind} ${String(event.data)}`));
      }
    };
  });
  await page.goto(embedder.origin);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator('[data-tool="browse_products"]').waitFor();
  return { name, browser, page, heard, errors };
}

const everythingOf = async ({ page, heard }: Visitor): Promise<string> =>
  [...heard, ...(await page.evaluate(() => (Reflect.get(window, "noted") as string[]).slice()))].join("\n");

const idsIn = (text: string): readonly string[] => [...new Set(text.match(/\b(?:call|flow|con|wdg)_[A-Za-z0-9_-]{20,}/g))].toSorted();

/** A whole sign-in from a button: the host's page, the wallet, back. */
async function signIn(visitor: Visitor, click: () => Promise<void>): Promise<void> {
  const popup = await openedBy(visitor.page, click);
  await popup.getByTestId("continue").waitFor();
  expect(await popup.getByTestId("account").innerText()).toBe(`${visitor.name}@acme.example`);
  expect(await popup.getByTestId("product").innerText()).toBe("Acme Chat");
  expect(await findBarriers(popup.mainFrame())).toEqual([]);
  await keepPicture(popup, `embed-account-${visitor.name}`);
  const closed = popup.waitForEvent("close");
  await popup.getByTestId("continue").click();
  await new WalletPage(popup).signUpAndAllow(visitor.name);
  await closed;
}

describe("another chat product that embeds the host", () => {
  let stack: TestStack;
  let embedder: Embedder;
  let ada: Visitor;
  let bob: Visitor;

  beforeAll(async () => {
    embedder = await prepareEmbedder();
    stack = await runStack({ apiClients: [{ id: "acme", name: "Acme Chat", keyDigest, origins: [embedder.origin] }] });
    await embedder.start(stack.urls.console, apiKey);
    ada = await visit(embedder, "ada");
    bob = await visit(embedder, "bob");
  });

  afterAll(async () => {
    await ada?.browser.close();
    await bob?.browser.close();
    await embedder?.stop();
    await stack?.stop();
  });

  const view = ({ page }: Visitor): ReturnType<Page["frameLocator"]> => page.frameLocator("iframe[data-widget]").last().frameLocator("iframe");
  const lastCall = ({ page }: Visitor, state: string): ReturnType<Page["locator"]> => page.locator(`li[data-state="${state}"]`).last();

  it("calls a tool for its user and shows the app's view in a frame of its own page", async () => {
    for (const visitor of [ada, bob]) {
      await visitor.page.locator('[data-tool="browse_products"]').click();
      await view(visitor).getByTestId("product-card").first().waitFor();
    }
    const frameUrl = new URL((await ada.page.locator("iframe[data-widget]").getAttribute("src")) ?? "");
    expect(frameUrl.hostname).toMatch(/^app-[a-z0-9]+\.localhost$/);
    await keepPicture(ada.page, "embed-view");
  });

  it("signs its user in by a window that names the account, and the view's call goes on by itself", async () => {
    await view(ada).getByTestId("my-orders").click();
    const offer = lastCall(ada, "authorizing").getByRole("button", { name: /^Sign in at / });
    await signIn(ada, () => offer.click());
    await view(ada).getByText("No orders yet").waitFor();
    expect(await everythingOf(ada)).toContain('"orders:read"');
    const cookies = await ada.browser.context.cookies();
    expect(cookies.filter(({ name }) => name.includes("cs_session"))).toEqual([]);
  });

  it("O09 shows whoever opens another user's link whose account it is, and gives that account nothing", async () => {
    await view(bob).getByTestId("my-orders").click();
    await lastCall(bob, "authorizing")
      .getByRole("button", { name: /^Sign in at / })
      .waitFor();
    const flowId = idsIn(await everythingOf(bob)).find((id) => id.startsWith("flow_")) ?? "";
    const link = await bob.page.evaluate(
      async (id) => (await (await fetch(`/api/flows/${id}/link`, { method: "POST", body: "{}" })).json()).url as string,
      flowId,
    );
    const victim = await ada.browser.newPage();
    await victim.goto(link);
    expect(await victim.getByTestId("account").innerText()).toBe("bob@acme.example");
    expect(await victim.locator("main").innerText()).toContain("do not continue");
    await keepPicture(victim, "embed-foreign-link");
    const again = await bob.browser.newPage();
    expect((await again.goto(link))?.status()).toBe(400);
    await again.close();
    await victim.getByTestId("decline").click();
    await lastCall(bob, "failed").waitFor();
    expect(await lastCall(bob, "failed").innerText()).toContain("Access was not granted");
    await victim.close();
  });

  it("V20 keeps its users apart: nothing of one is ever told to the other, and each id asked across is not found", async () => {
    await view(bob).getByTestId("my-orders").click();
    await signIn(bob, () =>
      lastCall(bob, "authorizing")
        .getByRole("button", { name: /^Sign in at / })
        .click(),
    );
    await view(bob).getByText("No orders yet").waitFor();
    const [adas, bobs] = [await everythingOf(ada), await everythingOf(bob)];
    const [adasIds, bobsIds] = [idsIn(adas), idsIn(bobs)];
    for (const kind of ["call_", "flow_", "wdg_"]) expect(adasIds.some((id) => id.startsWith(kind))).toBe(true);
    expect(adasIds.filter((id) => bobsIds.includes(id))).toEqual([]);
    expect(bobsIds.filter((id) => adas.includes(id))).toEqual([]);
    const crossed = await bob.page.evaluate(async (ids) => {
      const ask = async (method: string, path: string): Promise<string> => {
        const answered = await fetch(path, { method, ...(method === "GET" ? {} : { body: "{}" }) });
        return `${method} ${path} ${answered.status}`;
      };
      const answers: string[] = [];
      for (const id of ids) {
        if (id.startsWith("call_"))
          answers.push(
            await ask("GET", `/api/calls/${id}`),
            await ask("GET", `/api/calls/${id}/trace`),
            await ask("POST", `/api/calls/${id}/cancel`),
          );
        if (id.startsWith("flow_"))
          answers.push(
            await ask("GET", `/api/flows/${id}`),
            await ask("POST", `/api/flows/${id}/cancel`),
            await ask("POST", `/api/flows/${id}/link`),
          );
        if (id.startsWith("wdg_")) answers.push(await ask("GET", `/api/widgets/${id}`));
        if (id.startsWith("con_")) answers.push(await ask("GET", `/api/connectors/${id}`), await ask("DELETE", `/api/connectors/${id}`));
      }
      return answers;
    }, adasIds);
    expect(crossed.length).toBeGreaterThan(5);
    expect(crossed.filter((answer) => !answer.endsWith(" 404"))).toEqual([]);
  });

  it("signs one user out and leaves the other signed in", async () => {
    await ada.page.getByRole("button", { name: "Sign out of the shop" }).click();
    const tokens = ({ page }: Visitor): Promise<number> =>
      page.evaluate(
        async () => (await (await fetch("/api/connectors")).json()).connectors.filter((each: { token?: unknown }) => each.token !== undefined).length,
      );
    await expect.poll(() => tokens(ada)).toBe(0);
    expect(await tokens(bob)).toBe(1);
    expect([...ada.errors, ...bob.errors]).toEqual([]);
  });

  it("is told by no page of its own what the key is, and no page may use it", async () => {
    expect(`${await everythingOf(ada)}${await ada.page.content()}`).not.toContain(apiKey);
    const tried = await ada.page.evaluate(
      async ([url, key]) =>
        fetch(`${url}/api/connectors`, { headers: { authorization: `Bearer ${key}`, "countersign-user": "u-626f62" } }).then(
          (answered) => String(answered.status),
          () => "blocked",
        ),
      [stack.urls.console, apiKey] as const,
    );
    expect(tried).toBe("blocked");
  });
});
