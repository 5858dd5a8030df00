import { Authenticator } from "../test/peers/authenticator.ts";
import { Browser, formOf } from "../test/peers/browser.ts";

/** A person who signed up at a wallet with a passkey, in software. */
export interface SignedUp {
  /** Opens an authorization request and allows it when asked; gives the redirect that ends it. */
  allow(authorizationUrl: string): Promise<URL>;
}

/** Signs a person up at the wallet by an authorization request, which is then left alone. */
export async function signUp(walletUrl: string, authorizationUrl: string): Promise<SignedUp> {
  const browser = new Browser(walletUrl);
  const page = await browser.open(authorizationUrl);
  const form = formOf(page.html, "/register");
  const options = await browser.postJson(form.options ?? "", { ...form.fields, display_name: "Ada" });
  const credential = new Authenticator(walletUrl).create(options.body["options"]);
  const { body } = await browser.postJson(form.action, { ...form.fields, credential });
  await browser.open(String(body["next"]));
  return {
    async allow(url) {
      const shown = await browser.open(url);
      const end = shown.html.includes("/consent") ? await browser.submit(formOf(shown.html, "/consent")) : shown;
      return new URL(end.url);
    },
  };
}
