import type { Page } from "playwright-core";
import { ConsolePage } from "../pages/console-page.ts";
import { type Browser, type BrowserOptions, launchBrowser } from "./launch.ts";
import { Authenticator } from "./passkeys.ts";

/** Somebody new: an empty browser profile and an authenticator that answers on every page. */
export interface Person {
  readonly browser: Browser;
  readonly authenticator: Authenticator;
  readonly console: ConsolePage;
  /** Errors that scripts of any page raised. A scenario ends with none. */
  readonly pageErrors: readonly string[];
  leave(): Promise<void>;
}

/** Starts a browser for one person and opens the console in it. */
export async function arrive(
  consoleUrl: string,
  size?: { readonly width: number; readonly height: number },
  options: BrowserOptions = {},
): Promise<Person> {
  const browser = await launchBrowser(options);
  const authenticator = new Authenticator();
  const pageErrors: string[] = [];
  authenticator.attachTo(browser.context);
  browser.context.on("page", (page: Page) => page.on("pageerror", (error) => pageErrors.push(error.message)));
  const page = await browser.newPage(size);
  const console = new ConsolePage(page);
  await console.open(consoleUrl);
  return { browser, authenticator, console, pageErrors, leave: () => browser.close() };
}
