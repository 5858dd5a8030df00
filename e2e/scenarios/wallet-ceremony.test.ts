import { afterAll, beforeAll, expect, it } from "vitest";
import { findBarriers } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

let stack: TestStack;
let browser: Browser;

beforeAll(async () => {
  stack = await runStack();
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

it("W09 a passkey ceremony that the person cancels leads back to its page, and a double press starts one", async () => {
  const page = await browser.newPage({ width: 390, height: 844 });
  const started: string[] = [];
  const sent: string[] = [];
  page.on("request", (request) => {
    if (request.method() !== "POST") return;
    (request.url().endsWith("/options") ? started : sent).push(request.url());
  });
  const authenticator = await new Authenticator().plugInto(page, { verifies: false });
  await page.goto(new URL("/account", stack.urls.wallet).href);
  await page.getByLabel("Your name").fill("Ada");
  const create = page.getByRole("button", { name: "Create a passkey" });
  await create.dblclick();
  await page.getByText("The passkey was not used. You can try again.").waitFor();
  expect(started).toHaveLength(1);
  expect(sent).toEqual([]);
  expect(await page.getByLabel("Your name").inputValue()).toBe("Ada");
  expect(await findBarriers(page.mainFrame())).toEqual([]);
  await keepPicture(page, "wallet-ceremony-cancelled-phone");
  await authenticator.verify(true);
  await create.dblclick();
  await page.getByRole("heading", { name: "Hello, Ada" }).waitFor();
  expect(started).toHaveLength(2);
  expect(sent).toHaveLength(1);
});
