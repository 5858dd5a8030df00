import { Authenticator } from "../test/peers/authenticator.ts";
import { Browser, formOf, type LoadedPage } from "../test/peers/browser.ts";

/** A person who signed up at a wallet with a passkey, in software. */
export interface SignedUp {
  /** Opens an authorization request and allows it when asked; gives the redirect that ends it. */
  allow(authorizationUrl: string): Promise<URL>;
  /** Opens an authorization request for a payment, approves what it shows with the passkey, and allows the rest; gives the redirect that ends it. */
  approve(authorizationUrl: string): Promise<URL>;
  /** Opens the link that another device shows (RFC 8628), confirms it with the passkey, and allows what it asks for. */
  allowDevice(link: string): Promise<void>;
}

/** Signs a person up at the wallet by an authorization request, which is then left alone. */
export async function signUp(walletUrl: string, authorizationUrl: string): Promise<SignedUp> {
  const browser = new Browser(walletUrl);
  const page = await browser.open(authorizationUrl);
  const form = formOf(page.html, "/register");
  const options = await browser.postJson(form.options ?? "", { ...form.fields, display_name: "Ada" });
  const authenticator = new Authenticator(walletUrl);
  const credential = authenticator.create(options.body["options"]);
  const { body } = await browser.postJson(form.action, { ...form.fields, credential });
  await browser.open(String(body["next"]));
  const consent = async (shown: LoadedPage): Promise<URL> => {
    const end = shown.html.includes("/consent") ? await browser.submit(formOf(shown.html, "/consent")) : shown;
    return new URL(end.url);
  };
  return {
    allow: async (url) => consent(await browser.open(url)),
    async approve(url) {
      const approval = formOf((await browser.open(url)).html, "/approve");
      const asked = await browser.postJson(approval.options ?? "", approval.fields);
      const signed = await browser.postJson(approval.action, { ...approval.fields, credential: authenticator.get(asked.body["options"]) });
      return consent(await browser.open(String(signed.body["next"])));
    },
    async allowDevice(link) {
      const form = formOf((await browser.open(link)).html, "/device");
      const entered = await browser.submit({ ...form, fields: { ...form.fields, user_code: new URL(link).searchParams.get("user_code") ?? "" } });
      const confirmation = formOf(entered.html, "/device");
      const asked = await browser.postJson(confirmation.options ?? "", confirmation.fields);
      const signed = await browser.postJson(confirmation.action, { ...confirmation.fields, credential: authenticator.get(asked.body["options"]) });
      await consent(await browser.open(String(signed.body["next"])));
    },
  };
}
