import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../../..");

/** A bare oidc-provider in a process of its own, with its own pages; a server that nobody here has written. */
export async function startPlainProvider(options: Record<string, unknown>): Promise<{ readonly issuer: string; readonly stop: () => Promise<void> }> {
  const child = spawn(process.execPath, ["packages/wallet/testing/plain-provider.ts", JSON.stringify(options)], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  let output = "";
  const issuer = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const [, found] = /listening (\S+)\n/.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    void ended.then(() => reject(new Error(`the provider ended:\n${output}`)));
  });
  return {
    issuer: await issuer,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/**
 * A person with a browser who fills in every form that the provider shows and sends it by its first button, until a redirect leads away from it or a page has no form.
 * Gives that address, or the last page's.
 */
export async function fillForms(start: string, fields: Readonly<Record<string, string>>): Promise<string> {
  const { origin } = new URL(start);
  const cookies = new Map<string, string>();
  let request: { readonly url: string; readonly body?: URLSearchParams } = { url: start };
  for (let step = 0; step < 20; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(request.url, {
      method: request.body === undefined ? "GET" : "POST",
      headers: { cookie },
      redirect: "manual",
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = answer.headers.get("location");
    if (location !== null) {
      const next = new URL(location, request.url);
      if (next.origin !== origin) return next.href;
      request = { url: next.href };
      continue;
    }
    const [form, action] = /<form[^>]*action="([^"]+)"[^]*?<\/form>/.exec(await answer.text()) ?? [];
    if (form === undefined || action === undefined) return request.url;
    const body = new URLSearchParams();
    for (const [input] of form.matchAll(/<input[^>]*>/g)) {
      const [, name] = /name="([^"]+)"/.exec(input) ?? [];
      const [, value = ""] = /value="([^"]*)"/.exec(input) ?? [];
      if (name !== undefined) body.set(name, fields[name] ?? value);
    }
    request = { url: new URL(action, request.url).href, body };
  }
  throw new Error("the forms do not end");
}
