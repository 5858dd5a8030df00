import { type Browser, formOf, type LoadedPage } from "./browser.ts";

/** What the first screen shows for a phone. */
export interface ShownTicket {
  readonly page: LoadedPage;
  readonly address: string;
  readonly number: string;
}

/** On a page of an approval link: hands the payment to a phone. Throws when no ticket is shown. */
export async function handToPhone(browser: Browser, page: LoadedPage): Promise<ShownTicket> {
  const shown = await browser.submit(formOf(page.html, "/phone"));
  const address = /http:\/\/[^<\s"]*\/approve\/phone\/[\w-]{43}/.exec(shown.html)?.[0];
  const number = /data-number[^>]*>(\d{2})</.exec(shown.html)?.[1];
  if (address === undefined || number === undefined) throw new Error(`no ticket is shown: ${shown.status} ${shown.html}`);
  return { page: shown, address, number };
}

/** Opens a ticket as a person at a phone does; gives the page that follows. */
export async function openTicket(browser: Browser, address: string): Promise<LoadedPage> {
  const page = await browser.open(address);
  return browser.submit(formOf(page.html, new URL(address).pathname));
}
