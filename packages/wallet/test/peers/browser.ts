import { type JsonAnswer, readAnswer } from "./listen.ts";

interface Cookie {
  readonly value: string;
  readonly path: string;
  readonly attributes: string;
}

/** A page as a browser has it: where it is, what it holds, and its forms. */
export interface LoadedPage {
  readonly url: string;
  readonly status: number;
  readonly html: string;
  readonly headers: Headers;
}

/** A form of a page: its address, its ceremony if it has one, and its hidden fields. */
export interface PageForm {
  readonly action: string;
  readonly ceremony: string | undefined;
  readonly options: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
}

/** As much of a browser as the wallet's pages need: cookies by path, redirects within one origin, forms, same-origin fetch. */
export class Browser {
  readonly origin: string;
  readonly #cookies = new Map<string, Cookie>();

  constructor(origin: string) {
    this.origin = origin;
  }

  /** Goes to an address and follows redirects; stops at the first one that leaves the origin, which is then the page's url, with status 303. */
  async open(url: string): Promise<LoadedPage> {
    return this.#follow(url, await this.send(url));
  }

  /** Posts a form as plain HTML would, from the given page. */
  async submit(form: PageForm, headers: Readonly<Record<string, string>> = {}): Promise<LoadedPage> {
    const url = new URL(form.action, this.origin).href;
    const response = await this.send(url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", origin: "null", "sec-fetch-site": "same-origin", ...headers },
      body: new URLSearchParams(form.fields).toString(),
    });
    return this.#follow(url, response);
  }

  /** Posts JSON as the wallet's script does. */
  async postJson(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<JsonAnswer> {
    const response = await this.send(new URL(path, this.origin).href, {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.origin, ...headers },
      body: JSON.stringify(body),
    });
    return readAnswer(response);
  }

  async send(url: string, init: RequestInit = {}): Promise<Response> {
    const { pathname } = new URL(url);
    const cookie = [...this.#cookies]
      .filter(([, each]) => matchesPath(pathname, each.path))
      .map(([key, each]) => `${key.split(";")[0]}=${each.value}`);
    const headers = new Headers(init.headers);
    if (cookie.length > 0) headers.set("cookie", cookie.join("; "));
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) this.#keep(line, pathname);
    return response;
  }

  /** The attributes that a cookie was set with. */
  cookieAttributes(name: string): string | undefined {
    return [...this.#cookies].find(([key]) => key.startsWith(`${name};`))?.[1].attributes;
  }

  cookieValue(name: string): string | undefined {
    return [...this.#cookies].find(([key]) => key.startsWith(`${name};`))?.[1].value;
  }

  setCookie(name: string, value: string, path = "/"): void {
    this.#cookies.set(`${name};${path}`, { value, path, attributes: "" });
  }

  async #follow(from: string, first: Response): Promise<LoadedPage> {
    let url = from;
    let response = first;
    for (let hop = 0; hop < 10; hop += 1) {
      const location = response.headers.get("location");
      if (location === null) return { url, status: response.status, html: await response.text(), headers: response.headers };
      url = new URL(location, url).href;
      if (new URL(url).origin !== this.origin) return { url, status: response.status, html: "", headers: response.headers };
      response = await this.send(url);
    }
    throw new Error("too many redirects");
  }

  #keep(line: string, requestPath: string): void {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
    const separator = pair.indexOf("=");
    const name = pair.slice(0, separator);
    const value = pair.slice(separator + 1);
    const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? requestPath;
    const expires = attributes.find((each) => /^expires=/i.test(each))?.slice(8);
    const isGone = value === "" || (expires !== undefined && Date.parse(expires) < Date.now());
    if (isGone) this.#cookies.delete(`${name};${path}`);
    else this.#cookies.set(`${name};${path}`, { value, path, attributes: attributes.join("; ").toLowerCase() });
  }
}

/** Reads the forms of a page. */
export function formsOf(html: string): readonly PageForm[] {
  return [...html.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)].map(([, head = "", inside = ""]) => ({
    action: attribute(head, "action") ?? "",
    ceremony: attribute(head, "data-ceremony"),
    options: attribute(head, "data-options"),
    fields: Object.fromEntries(
      [...inside.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name = "", value = ""]) => [name, value]),
    ),
  }));
}

/** The form whose address ends so. Throws when the page has none. */
export function formOf(html: string, ending: string): PageForm {
  const form = formsOf(html).find((each) => each.action.endsWith(ending));
  if (form === undefined) throw new Error(`the page has no form ${ending}`);
  return form;
}

function attribute(head: string, name: string): string | undefined {
  return new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(head)?.[1];
}

function matchesPath(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
}
