import { Browser, type LoadedPage } from "../test/peers/browser.ts";
import { Person } from "../test/peers/world.ts";

/** A person with a passkey and an account at a wallet that runs somewhere else. */
export interface Spender {
  /** Opens the links of payments, and then says yes to all of them at the same moment. Gives `approved` or the code of the refusal for each. */
  approveAll(links: readonly string[]): Promise<readonly string[]>;
  /** How much of the limits of today is used, as the account page says it. */
  usedToday(): Promise<string>;
}

/** Makes the account with the first of its payments, which is opened and not approved. */
export async function makeSpender(walletUrl: string, firstLink: string): Promise<Spender> {
  const person = new Person({ url: walletUrl, newBrowser: () => new Browser(walletUrl) });
  await person.register(await person.browser.open(firstLink));
  const approve = async (page: LoadedPage): Promise<string> => {
    // A counter that stands still, as that of a synced passkey: answers that overtake each other are no sign of a copy.
    const { body } = await person.tryPasskey(page, "/approve", { counter: 0 });
    if (typeof body["next"] === "string") return "approved";
    const code = String(body["error"] ?? body["code"]);
    // One passkey is used for one thing at a time: who comes second is not told no, and presses again.
    return code === "conflict" ? approve(page) : code;
  };
  return {
    async approveAll(links) {
      const pages: LoadedPage[] = [];
      for (const link of links) pages.push(await person.browser.open(link));
      return Promise.all(pages.map(approve));
    },
    async usedToday() {
      const { html } = await person.browser.open(`${walletUrl}/account/limits`);
      return /<dt>Today<\/dt><dd[^>]*>([^<]*)</.exec(html)?.[1] ?? html;
    },
  };
}
