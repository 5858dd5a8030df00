import { Browser } from "../test/peers/browser.ts";

/**
 * A person who fills in every form that a server's own pages show and sends it, until a redirect leads away from the server or a page has no form. Gives that
 * address, or the last page's.
 */
export async function fillForms(start: string, typed: Readonly<Record<string, string>>): Promise<URL> {
  const browser = new Browser(new URL(start).origin);
  let page = await browser.open(start);
  for (let step = 0; step < 10; step += 1) {
    const [form, action] = /<form[^>]*action="([^"]+)"[^]*?<\/form>/.exec(page.html) ?? [];
    if (form === undefined || action === undefined) return new URL(page.url);
    const fields = Object.fromEntries(
      [...form.matchAll(/<input[^>]*>/g)].flatMap(([input]): [string, string][] => {
        const name = /name="([^"]+)"/.exec(input)?.[1];
        return name === undefined ? [] : [[name, typed[name] ?? /value="([^"]*)"/.exec(input)?.[1] ?? ""]];
      }),
    );
    page = await browser.submit({ action, ceremony: undefined, options: undefined, fields });
  }
  throw new Error("the forms do not end");
}
