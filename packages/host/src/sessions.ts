import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { z } from "zod";
import { digestText, newId, newToken } from "./digest.ts";

const cookieName = "cs_session";
const browserCookieName = "cs_browser";
const lifetimeMs = 30 * 24 * 60 * 60 * 1000;

/** Who is asking: one user per session cookie. */
export interface Session {
  readonly userId: string;
  readonly expiresAt: EpochMs;
}

const sessionKind: RecordKind<{ userId: string }> = {
  name: "session",
  parse: (json) => z.object({ userId: z.string() }).parse(json),
};

/** Sessions of the console's users. The cookie holds 256 random bits; the database holds their digest only. */
export class Sessions {
  readonly #records: Records<{ userId: string }>;
  readonly #secure: boolean;
  readonly #clock: () => EpochMs;

  constructor(database: Database<unknown>, secure: boolean, clock: () => EpochMs) {
    this.#records = database.records(sessionKind);
    this.#secure = secure;
    this.#clock = clock;
  }

  /** The session of this request's cookie, if there is a live one. */
  async find(request: Request): Promise<Session | undefined> {
    const token = readCookie(request, cookieName);
    if (token === undefined) {
      return undefined;
    }
    const record = await this.#records.get(digestText(token), this.#clock());
    return record === undefined ? undefined : { userId: record.value.userId, expiresAt: record.expiresAt ?? 0 };
  }

  /** Starts a session for a new user; the second value is the `Set-Cookie` header. */
  async create(): Promise<readonly [Session, string]> {
    const token = newToken();
    const session = { userId: newId("usr"), expiresAt: this.#clock() + lifetimeMs };
    await this.#records.create(digestText(token), { userId: session.userId }, { keys: { user: session.userId }, expiresAt: session.expiresAt });
    return [session, this.#cookie(cookieName, token, lifetimeMs)];
  }

  /**
   * The value that ties a sign-in to this browser: a second cookie, made when the browser first goes to a sign-in page. The callback must
   * bring it back (RFC 9700 section 4.7). `setCookie` is absent when the browser already has one.
   */
  bindBrowser(request: Request): { readonly binding: string; readonly setCookie?: string } {
    const known = readCookie(request, browserCookieName);
    if (known !== undefined) {
      return { binding: digestText(known) };
    }
    const token = newToken();
    return { binding: digestText(token), setCookie: this.#cookie(browserCookieName, token, lifetimeMs) };
  }

  /** The binding that this request brings, if any. */
  readBinding(request: Request): string | undefined {
    const token = readCookie(request, browserCookieName);
    return token === undefined ? undefined : digestText(token);
  }

  async deleteExpired(now: EpochMs): Promise<void> {
    await this.#records.deleteExpired(now, 500);
  }

  #cookie(name: string, value: string, maxAgeMs: number): string {
    return `${name}=${value}; Path=/; Max-Age=${Math.floor(maxAgeMs / 1000)}; HttpOnly; SameSite=Lax${this.#secure ? "; Secure" : ""}`;
  }
}

/** A cookie made by us: 43 base64url characters. Anything else, a doubled cookie included, counts as absent. */
function readCookie(request: Request, name: string): string | undefined {
  const header = request.headers.get("cookie") ?? "";
  if (header.length > 8192) {
    return undefined;
  }
  const values = header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  const [value] = values;
  return values.length === 1 && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
}
