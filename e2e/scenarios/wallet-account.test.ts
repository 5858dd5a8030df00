import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findBarriers, findSidewaysScrolling } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const phone = { width: 360, height: 740 } as const;

let stack: TestStack;
const browsers: Browser[] = [];
const barriers: string[] = [];

beforeAll(async () => {
  stack = await runStack();
});

afterAll(async () => {
  for (const each of browsers) await each.close();
  await stack?.stop();
});

async function newBrowser(): Promise<Browser> {
  const browser = await launchBrowser();
  browsers.push(browser);
  return browser;
}

/** A page of the wallet at which this authenticator answers. */
async function openWith(
  browser: Browser,
  authenticator: Authenticator,
  path: string,
  size?: { readonly width: number; readonly height: number },
): Promise<Page> {
  const page = await browser.newPage(size);
  await authenticator.plugInto(page);
  await page.goto(new URL(path, stack.urls.wallet).href);
  return page;
}

/** Keeps a picture and looks for barriers. */
async function look(page: Page, name: string): Promise<void> {
  await keepPicture(page, `wallet-account/${name}`);
  barriers.push(...[...(await findBarriers(page.mainFrame())), ...(await findSidewaysScrolling(page.mainFrame()))].map((each) => `${name}: ${each}`));
}

const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });

describe("an account", () => {
  it("is made at its own page, gets a second passkey and a recovery code, and is recovered with it", { timeout: 120_000 }, async () => {
    const home = await newBrowser();
    const laptop = new Authenticator();
    const page = await openWith(home, laptop, "/account");
    await page.getByLabel("Your name").fill("Ada");
    await button(page, "Create a passkey").click();
    await page.getByRole("heading", { name: "Hello, Ada" }).waitFor();

    // The known passkey confirms; the new one is made on another authenticator.
    await page.getByRole("link", { name: "Passkeys" }).click();
    await look(page, "passkeys-one");
    await button(page, "Add a passkey").click();
    await button(page, "Make the passkey").waitFor();
    const key = new Authenticator();
    const second = await openWith(home, key, "/account/passkeys/new", phone);
    await second.getByLabel("Name of the passkey").fill("Security key");
    await look(second, "passkey-new-phone");
    await button(second, "Make the passkey").click();
    await second.getByText("was added to your account").waitFor();
    await look(second, "passkeys-two-phone");

    await page.goto(new URL("/account/recovery", stack.urls.wallet).href);
    await button(page, "Make a recovery code").click();
    await button(page, "I have written it down").waitFor();
    await look(page, "recovery-code");
    const code = await page.locator(".user-code").innerText();
    await button(page, "I have written it down").click();
    await page.getByText("You have a recovery code").waitFor();

    // Another machine without any passkey.
    const hotel = await newBrowser();
    const fresh = new Authenticator();
    const lost = await openWith(hotel, fresh, "/account", phone);
    await lost.getByRole("link", { name: "Lost your passkey?" }).click();
    await lost.getByLabel("Recovery code").fill("0000-0000");
    await button(lost, "Continue").click();
    await lost.getByText("This recovery code is not valid").waitFor();
    await look(lost, "recover-wrong-phone");
    await lost.getByLabel("Recovery code").fill(code.toLowerCase());
    await button(lost, "Continue").click();
    await button(lost, "Make the passkey").click();
    await lost.getByRole("heading", { name: "You are back" }).waitFor();
    await look(lost, "recovered-phone");
    await lost.getByRole("link", { name: "Open your account" }).click();
    await button(lost, "Sign in with a passkey").click();
    await lost.getByRole("heading", { name: "Hello, Ada" }).waitFor();
    await look(lost, "overview-notice-phone");

    // Every other browser was signed out.
    await page.goto(new URL("/account", stack.urls.wallet).href);
    await button(page, "Sign in with a passkey").waitFor();
    expect(barriers).toEqual([]);
  });

  it("has the time zone of the browser that it was made in", { timeout: 120_000 }, async () => {
    const page = await (await newBrowser()).newPage();
    const session = await page.context().newCDPSession(page);
    await session.send("Emulation.setTimezoneOverride", { timezoneId: "Pacific/Auckland" });
    await new Authenticator().plugInto(page);
    await page.goto(new URL("/account/limits", stack.urls.wallet).href);
    await button(page, "Create a passkey").click();
    expect(await page.getByLabel("Time zone").inputValue()).toBe("Pacific/Auckland");
  });

  it("lists its sessions, and ends one from another browser", { timeout: 120_000 }, async () => {
    const one = await newBrowser();
    const authenticator = new Authenticator();
    const page = await openWith(one, authenticator, "/account");
    await button(page, "Create a passkey").click();
    await page.getByRole("heading", { name: /^Hello, / }).waitFor();
    const other = await newBrowser();
    const elsewhere = await openWith(other, authenticator, "/account/sessions");
    await button(elsewhere, "Sign in with a passkey").click();
    await elsewhere.getByText("This browser").waitFor();
    await look(elsewhere, "sessions");
    await button(elsewhere, /^Sign out Chrome/).click();
    await expect.poll(() => button(elsewhere, /^Sign out Chrome/).count()).toBe(0);
    await page.reload();
    await button(page, "Sign in with a passkey").waitFor();
    expect(barriers).toEqual([]);
  });
});
