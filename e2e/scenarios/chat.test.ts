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

  it("V24 never shows the model a token, a code or a mandate", () => {
    const seen = JSON.stringify(model.requests);
    expect(seen).toContain("list_orders");
    expect(seen).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}/);
    expect(seen).not.toMatch(/refresh_token|code_verifier/);
  });
});
