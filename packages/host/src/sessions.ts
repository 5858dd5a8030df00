import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import type { RateBound } from "@countersign/protocol/rate";
import { err, ok, type Result } from "@countersign/protocol/result";
import { askerOf, clientAddressHeader } from "@countersign/service/client-address";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { z } from "zod";
import { digestText, newId, newToken } from "./digest.ts";
import { addressRates, type Rates } from "./limits/rates.ts";
import { retention } from "./keep/retention.ts";

const cookieName = "cs_session";
const browserCookieName = "cs_browser";
const hourMs = 60 * 60 * 1000;
const lifetimeMs = retention.session.ms;
/** A session's first life, until its cookie has come back once: clients that keep no cookies leave nothing behind for long. */
const trialMs = hourMs;
const renewAfterMs = 24 * hourMs;
/** New sessions of one process, from wherever they are asked for. */
const newSessions: RateBound = { burst: 200, perMinute: 1200 };

/** Who is asking: one user per session cookie. */
export interface Session {
  readonly userId: string;
  readonly expiresAt: EpochMs;
}

const sessionSchema = z.object({ userId: z.string() });
const sessionKind: RecordKind<{ userId: string }> = {
  name: "session",
  parse: (json) => sessionSchema.parse(json),
};

/** Why no session is given, and after how many seconds one may be. */
export interface SessionRefusal extends Refusal {
  readonly retryAfterS: number;
}

/** Sessions of the console's users. The cookie holds 256 random bits; the database holds their digest only. */
export class Sessions {
  readonly #records: Records<{ userId: string }>;
  readonly #secure: boolean;
  readonly #clock: () => EpochMs;
  readonly #rates: Rates;

  constructor(database: Database<unknown>, secure: boolean, clock: () => EpochMs, rates: Rates) {
    this.#rates = rates;
    this.#records = database.records(sessionKind);
    this.#secure = secure;
    this.#clock = clock;
  }

  /** The session of this request's cookie, if there is a live one. */
  async find(request: Request): Promise<Session | undefined> {
    const token = readCookie(request, this.#name(cookieName));
    if (token === undefined) {
      return undefined;
    }
    const record = await this.#records.get(digestText(token), this.#clock());
    return record === undefined ? undefined : { userId: record.value.userId, expiresAt: record.expiresAt ?? 0 };
  }

  /**
   * The session of this request's cookie, kept for another thirty days, or a new one for a new user. `setCookie` is the header to send, absent when the
   * browser's cookie is good as it is. Refuses with `rate_limited` when sessions are asked for faster than people come.
   */
  async open(request: Request): Promise<Result<{ readonly session: Session; readonly setCookie?: string }, SessionRefusal>> {
    const token = readCookie(request, this.#name(cookieName));
    const now = this.#clock();
    const record = token === undefined ? undefined : await this.#records.get(digestText(token), now);
    if (token === undefined || record === undefined) return this.#create(askerOf(request.headers.get(clientAddressHeader) ?? ""));
    const { value } = record;
    if ((record.expiresAt ?? 0) >= now + lifetimeMs - renewAfterMs)
      return ok({ session: { userId: value.userId, expiresAt: record.expiresAt ?? 0 } });
    const expiresAt = now + lifetimeMs;
    // Of two pages that renew at once one writes; both have the same session.
    await this.#records.update(record.id, record.version, value, { expiresAt });
    return ok({ session: { userId: value.userId, expiresAt }, setCookie: this.#cookie(cookieName, token, lifetimeMs) });
  }

  /**
   * The value that ties a sign-in to this browser: a second cookie, made when the browser first goes to a sign-in page. The callback must
   * bring it back (RFC 9700 section 4.7). `setCookie` is absent when the browser already has one.
   */
  bindBrowser(request: Request): { readonly binding: string; readonly setCookie?: string } {
    const known = readCookie(request, this.#name(browserCookieName));
    if (known !== undefined) {
      return { binding: digestText(known) };
    }
    const token = newToken();
    return { binding: digestText(token), setCookie: this.#cookie(browserCookieName, token, lifetimeMs) };
  }

  /** The binding that this request brings, if any. */
  readBinding(request: Request): string | undefined {
    const token = readCookie(request, this.#name(browserCookieName));
    return token === undefined ? undefined : digestText(token);
  }

  /** The asker's own bound comes first, so that one asker cannot use up everybody's. */
  async #create(asker: string): Promise<Result<{ readonly session: Session; readonly setCookie: string }, SessionRefusal>> {
    const now = this.#clock();
    const own = this.#rates.take(`session ${asker}`, addressRates.session);
    const room = own.ok ? this.#rates.take("sessions", newSessions) : own;
    if (!room.ok) return err({ ...refuse("rate_limited", "too many new sessions"), retryAfterS: room.error });
    const token = newToken();
    const session = { userId: newId("usr"), expiresAt: now + trialMs };
    await this.#records.create(digestText(token), { userId: session.userId }, { keys: { user: session.userId }, expiresAt: session.expiresAt });
    return ok({ session, setCookie: this.#cookie(cookieName, token, lifetimeMs) });
  }

  /** On https a name that only this very origin can set (RFC 6265bis section 4.1.3.2). */
  #name(name: string): string {
    return this.#secure ? `__Host-${name}` : name;
  }

  #cookie(name: string, value: string, maxAgeMs: number): string {
    return `${this.#name(name)}=${value}; Path=/; Max-Age=${Math.floor(maxAgeMs / 1000)}; HttpOnly; SameSite=Lax${this.#secure ? "; Secure" : ""}`;
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
