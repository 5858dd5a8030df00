import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type ModelServer, startModelServer } from "../stack/model-server.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("the chat with a model", () => {
  let model: ModelServer;
  let stack: TestStack;
  let person: Person;

  beforeAll(async () => {
    model = await startModelServer();
    stack = await runStack({ model: { baseUrl: model.baseUrl, model: "scripted" } });
    person = await arrive(stack.urls.console);
  });

  afterAll(async () => {
    await person?.leave();
    await stack?.stop();
    model?.close();
  });

  const say = async (words: string): Promise<void> => {
    await person.console.page.getByTestId("chat-input").fill(words);
    await person.console.page.getByTestId("chat-send").click();
  };

  it("shows the view of a tool that the model called, and what the model says about it", async () => {
    model.script.push({ tool: "browse_products", arguments: { query: "mug" } }, { say: "Here are the mugs." });
    await say("Show me mugs");
    await person.console.widget.getByTestId("product-card").first().waitFor();
    await person.console.page.getByText("Here are the mugs.").waitFor();
    expect(model.requests[0]?.messages.at(-1)).toMatchObject({ role: "user", content: "Show me mugs" });
    await keepPicture(person.console.page, "console-chat");
  });

  it("takes a model's protected call through the same broker: one sign-in, then the model gets the result", async () => {
    model.script.push({ tool: "list_orders", arguments: {} }, { say: "You have no orders yet." });
    await say("What did I order?");
    // The model calls when it likes, so there is no click that a window could open in.
    const opened = person.browser.context.waitForEvent("page");
    await person.console.signInCard.waitFor();
    if ((await person.console.continueButton.count()) > 0) await person.console.continueButton.click();
    await new WalletPage(await opened).signUpAndAllow("Ada");
    await person.console.page.getByText("You have no orders yet.").waitFor();
    const result = model.requests.at(-1)?.messages.at(-1);
    expect(result?.role).toBe("tool");
    expect(result?.content).toContain("orders");
  });

  it("keeps the place of a view that is on its way: what is said below it stays where it is", async () => {
    const { page } = person.console;
    const [fetched, started] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await page.route("**/api/widgets", (route) => fetched.promise.then(() => route.continue()));
    await page.route("**/frame/*", (route) => started.promise.then(() => route.continue()));
    const moves = await page.evaluateHandle(() => {
      const seen = new Set<number>();
      const note = (): void => {
        const below = [...document.querySelectorAll("[data-testid=model-text]")].findLast((each) => each.textContent?.includes("The shelf"));
        if (below !== undefined) seen.add(Math.round(below.getBoundingClientRect().top));
        requestAnimationFrame(note);
      };
      note();
      return seen;
    });
    model.script.push({ tool: "browse_products", arguments: {} }, { say: "The shelf is above." });
    const frames = await page.getByTestId("widget-frame").count();
    await say("Show me the shelf");
    await page.getByText("The shelf is above.").waitFor();
    await page.locator(".widget > .skeleton").waitFor();
    await page.getByTestId("chat-send").waitFor();
    await moves.evaluate((seen) => seen.clear());
    fetched.resolve();
    await expect.poll(() => page.getByTestId("widget-frame").count()).toBe(frames + 1);
    await page.evaluate(() => new Promise((resolve) => void requestAnimationFrame(() => void requestAnimationFrame(resolve))));
    expect(await moves.evaluate((seen) => [...seen])).toHaveLength(1);
    started.resolve();
    await person.console.widget.getByTestId("product-card").first().waitFor();
    await page.unrouteAll();
  });

  it("V24 never shows the model a token, a code or a mandate", () => {
    const seen = JSON.stringify(model.requests);
    expect(seen).toContain("list_orders");
    expect(seen).not.toMatch(/eyJ(?:hbGci|0eXAi|raWQi|[\w-]{10,}\.[\w-])/);
    expect(seen).not.toMatch(/refresh_token|code_verifier/);
  });
});
