import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { arrive, type Person } from "../browser/person.ts";
import { type Control, openControl } from "../hostile/control.ts";
import { noHits, openSink, type Sink, type Target } from "../hostile/sink.ts";
import { openView } from "../hostile/view.ts";
import { ConsolePage, openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { blankDocument, type HostileApp, startHostileApp } from "../stack/hostile-app.ts";
import { type ModelServer, startModelServer } from "../stack/model-server.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

/** Text that a careless page would turn into requests: Markdown, HTML, links with previews. */
function lures({ url, host }: Target): string {
  return [
    `![picture](${url})`,
    `[link](${url})`,
    `<img src="${url}">`,
    `<link rel="prefetch" href="${url}"><script src="${url}"></script>`,
    `<iframe src="${url}"></iframe>`,
    `<a href="${url}" ping="${url}">open</a>`,
    `<style>@import url("${url}");</style>`,
    `http://${host}/auto-link`,
  ].join("\n\n");
}

describe("the console's own pages", () => {
  let sink: Sink;
  let target: Target;
  let control: Control;
  let model: ModelServer;
  let hostile: HostileApp;
  let stack: TestStack;
  let person: Person;
  const tokens = new Set<string>();

  beforeAll(async () => {
    sink = openSink();
    target = await sink.open("lure");
    control = await openControl();
    model = await startModelServer();
    const text = lures(target);
    const tempt = {
      answer: () => ({
        content: [
          { type: "text" as const, text },
          { type: "resource_link" as const, name: text.slice(0, 300), uri: target.url, icons: [{ src: target.url }] },
        ],
        structuredContent: { image: target.url, html: text },
        _meta: { "openai/outputTemplate": target.url, icons: [{ src: target.url }] },
      }),
    };
    hostile = await startHostileApp("hostile", { blank: { html: blankDocument, meta: {} } }, { tempt });
    stack = await runStack({ connectors: [hostile.connector], model: { baseUrl: model.baseUrl, model: "scripted" } });
    stack.storeFaults.admit = ({ authorization }) => {
      if (authorization !== undefined) tokens.add(authorization.replace(/^\w+ /, ""));
    };
    person = await arrive(stack.urls.console);
    await person.console.connected("hostile");
  });

  afterAll(async () => {
    await person?.leave();
    await stack?.stop();
    await hostile?.stop();
    model?.close();
    await control?.close();
    await sink?.close();
  });

  it("M22 loads nothing that a tool's answer, a view's words or a model's words name", async () => {
    const { page } = person.console;
    await person.console.callTool("tempt");
    const card = person.console.callCard("tempt");
    await card.getByText("![picture]").first().waitFor();
    await card.locator("summary").first().click();
    model.script.push({ say: lures(target) });
    await page.getByTestId("chat-input").fill("Say something");
    await page.getByTestId("chat-send").click();
    await page.getByTestId("model-text").getByText("picture, not loaded").waitFor();
    const view = await openView(person.console, "show_blank");
    await view.evaluate(
      (text) =>
        window.parent.postMessage(
          { jsonrpc: "2.0", id: "m", method: "ui/message", params: { role: "user", content: [{ type: "text", text }] } },
          "*",
        ),
      lures(target),
    );
    await page.getByTestId("app-text").getByText("![picture]").waitFor();
    expect(await page.locator(`[src*="lure"], [ping], [srcset*="lure"], link[href*="lure"]`).count()).toBe(0);
    // Only a model's words have links, which wait for a click and tell nobody where it was.
    const links = await page.locator(`[href*="lure"]`).count();
    expect(links).toBeGreaterThan(1);
    expect(await page.getByTestId("model-text").locator(`a[target="_blank"][rel="noopener noreferrer"]`).count()).toBe(links);
    // The same text as markup in an ordinary page, later, and its requests arrive at a target of their own.
    const proof = await sink.open("proof");
    const { page: other, frame } = await control.frame(person.browser);
    await frame.evaluate((html) => document.body.insertAdjacentHTML("beforeend", html), lures(proof));
    await expect.poll(() => sink.hits(proof).http).toBeGreaterThanOrEqual(2);
    expect(sink.hits(target)).toEqual(noHits);
    await other.close();
  });

  const pages = ["/", "/some/place", "/flows/wait", "/flows/none/start", "/callback/none", "/flows/link/none", "/flows/visit/none", "/return/none"];

  it.each(pages)("serves %s under a policy that runs its own scripts only and lets nobody frame it", async (path) => {
    const answer = await fetch(stack.urls.console + path, { redirect: "manual" });
    const policy = answer.headers.get("content-security-policy") ?? "";
    const directives = new Map(policy.split("; ").map((each) => [each.split(" ", 1)[0] ?? "", each.split(" ").slice(1)]));
    expect(directives.get("default-src")).toEqual(["'none'"]);
    expect(directives.get("script-src") ?? ["'none'"]).not.toEqual(expect.arrayContaining([expect.stringMatching(/unsafe|\*|data:|https?:/)]));
    expect(directives.get("img-src") ?? []).not.toEqual(expect.arrayContaining([expect.stringMatching(/\*|https?:/)]));
    expect(directives.get("connect-src") ?? ["'self'"]).toEqual(["'self'"]);
    for (const directive of ["frame-ancestors", "base-uri"]) expect(directives.get(directive)).toEqual(["'none'"]);
    expect(directives.has("form-action")).toBe(true);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("M11 shows what an authorization server says of an error as no markup at all", async () => {
    const popup = await openedBy(person.console.page, () => person.console.callTool("list_orders"));
    await popup.waitForURL((url) => url.origin === stack.urls.wallet);
    const page = await person.browser.newPage();
    let ran = 0;
    page.on("dialog", (dialog) => {
      ran += 1;
      void dialog.dismiss();
    });
    const attack = encodeURIComponent(`<script>alert(1)</script><img src=x onerror="alert(1)"><svg onload=alert(1)>`);
    for (const path of ["callback/none", "return/none", "flows/none/start", "flows/link/none"]) {
      await page.goto(`${stack.urls.console}/${path}?error=${attack}&error_description=${attack}&error_uri=javascript:alert(1)&state=${attack}`);
      expect(await page.locator("main script, main img, main svg[onload], main a").count()).toBe(0);
      expect(await page.content()).not.toContain("alert(1)");
    }
    expect(ran).toBe(0);
    await page.close();
    await popup.close();
    await person.console.cancelButton.click();
  });

  it("lets a call that waits be stopped after a reload, whoever made it: the user, the model or a view", async () => {
    const ada = await arrive(stack.urls.console);
    const { page } = ada.console;
    const reload = async (): Promise<void> => {
      await ada.console.signInCard.waitFor();
      await page.reload();
      await ada.console.connected("store");
    };
    const stopCard = async (): Promise<void> => {
      await reload();
      const card = ada.console.callCard("list_orders");
      await card.getByTestId("call-stop").click();
      await card.locator('[data-testid="call-error"][data-code="cancelled"]').waitFor();
      await ada.console.signInCard.waitFor({ state: "detached" });
      await page.getByTestId("new-conversation").click();
    };
    await ada.console.callTool("list_orders");
    await stopCard();
    model.script.push({ tool: "list_orders", arguments: {} }, { say: "It was stopped." });
    await page.getByTestId("chat-input").fill("My orders");
    await page.getByTestId("chat-send").click();
    await stopCard();
    await ada.console.callTool("browse_products");
    await press(ada.console.widget.getByTestId("my-orders"));
    await reload();
    const call = page.locator('[data-testid="child-call"][data-tool="list_orders"]');
    await call.locator('[data-testid="child-stop"]').click();
    await ada.console.signInCard.waitFor({ state: "detached" });
    await expect.poll(() => call.getAttribute("data-state")).toBe("failed");
    expect(await call.getByTestId("child-stop").count()).toBe(0);
    expect(ada.pageErrors).toEqual([]);
    await ada.leave();
  });

  it("brings a view whose page did not come the first time, and one whose frame was moved in the page", async () => {
    const ada = await arrive(stack.urls.console);
    const { page } = ada.console;
    const product = ada.console.widget.getByTestId("product-card").first();
    const move = (): Promise<void> => page.getByTestId("widget-frame").evaluate((frame) => frame.parentElement?.append(frame));
    let asked = 0;
    let refuses = false;
    await page.route("**/frame/*", (route) => {
      asked += 1;
      if (!refuses) return route.continue();
      refuses = false;
      return route.abort("connectionreset");
    });
    // A frame that is moved has another window, also while the code that will listen to it is still on its way.
    const held = Promise.withResolvers<void>();
    await page.route("**/assets/connect-*.js", async (route) => {
      await held.promise;
      await route.continue();
    });
    await ada.console.callTool("browse_products");
    await page.getByTestId("widget-frame").waitFor({ state: "attached" });
    await move();
    held.resolve();
    await product.waitFor();
    expect(asked).toBe(1);
    refuses = true;
    await page.reload();
    // Long before a page that hangs would be given up.
    await product.waitFor({ timeout: 12_000 });
    expect(asked).toBe(3);
    // A browser loads a frame anew that is moved: nothing of its document is left, nor of what it asked.
    await move();
    await expect.poll(() => asked).toBeGreaterThan(3);
    await product.waitFor();
    await press(ada.console.widget.getByTestId("my-orders"));
    await ada.console.signInCard.waitFor();
    expect(ada.pageErrors).toEqual([]);
    await ada.leave();
  });

  it("V24 puts no token into any message of any frame, nor into a page", async () => {
    const browser = await launchBrowser();
    const authenticator = new Authenticator();
    authenticator.attachTo(browser.context);
    await browser.context.addInitScript(() => {
      const heard: string[] = [];
      Reflect.set(window, "heardMessages", heard);
      window.addEventListener("message", ({ data }) => void heard.push(JSON.stringify(data)), true);
    });
    const console = new ConsolePage(await browser.newPage());
    await console.open(stack.urls.console);
    await console.callTool("browse_products");
    await console.widget.getByTestId("product-card").first().waitFor();
    const popup = await openedBy(console.page, () => console.widget.getByTestId("my-orders").click());
    await new WalletPage(popup).signUpAndAllow("Ada");
    await console.page.locator('[data-testid="child-call"][data-tool="list_orders"][data-state="completed"]').waitFor();
    const heard: string[] = [];
    for (const frame of console.page.frames()) {
      heard.push(await frame.evaluate(() => JSON.stringify(Reflect.get(window, "heardMessages"))), await frame.content());
    }
    const everything = heard.join("\n");
    expect(everything.includes("list_orders")).toBe(true);
    expect(tokens.size).toBeGreaterThan(0);
    const parts = [...tokens].flatMap((token) => [token, ...token.split(".")]).filter((part) => part.length >= 12);
    expect(parts.filter((part) => everything.includes(part))).toEqual([]);
    expect(/eyJ[A-Za-z0-9_-]{10,}\./.test(everything)).toBe(false);
    // The documents that a trace shows name the grant; a member of that name would hold what nobody may see.
    expect(/"(?:refresh_token|code_verifier)\\*"\s*:/.test(everything)).toBe(false);
    await browser.close();
  });
});
