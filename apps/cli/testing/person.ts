#!/usr/bin/env node
// A person with a browser, as far as a sign-in needs one: follows the link, says yes on the page that names the account, and comes back. `BROWSER` in tests of the
// command as a process; also imported by those inside one.
const stepsMax = 20;

/** Follows a sign-in's link to its end and gives the texts of the pages that were seen. `decline`: says on the first page that the account is another one. */
export async function visitAsPerson(link: string, decline = false): Promise<readonly string[]> {
  const cookies = new Map<string, Map<string, string>>();
  const pages: string[] = [];
  let address = link;
  for (let step = 0; step < stepsMax; step += 1) {
    const { origin } = new URL(address);
    const jar = cookies.get(origin) ?? new Map<string, string>();
    cookies.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answered = await fetch(address, { redirect: "manual", headers: cookie === "" ? {} : { cookie } });
    for (const line of answered.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    const location = answered.headers.get("location");
    if (location !== null) {
      address = new URL(location, address).href;
      continue;
    }
    const text = await answered.text();
    pages.push(text);
    const next = new RegExp(`data-testid="${decline ? "decline" : "continue"}" href="([^"]+)"`).exec(text)?.[1];
    if (next === undefined) return pages;
    address = new URL(next, address).href;
  }
  throw new Error("the sign-in leads nowhere");
}

if (import.meta.main) await visitAsPerson(process.argv[2] ?? "");
