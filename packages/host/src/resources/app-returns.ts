import { judgeAppPopup } from "@countersign/protocol/app-link";
import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { digestText, newToken } from "../digest.ts";
import { retention } from "../keep/retention.ts";

/** One window that an app had opened, by the digest of the token in its way back. */
interface ReturnRow {
  readonly userId: string;
  readonly widgetId: string;
  readonly binding: string;
  readonly sealedParameters?: string | undefined;
}

const returnSchema = z.object({ userId: z.string(), widgetId: z.string(), binding: z.string(), sealedParameters: z.string().optional() });
const returnKind: RecordKind<ReturnRow> = {
  name: "app_return",
  parse: (json) => returnSchema.parse(json),
};

/** Where a window stands. `parameters` are those of the address that the browser came back with. */
export type ReturnView = { readonly state: "open" } | { readonly state: "returned"; readonly parameters: Readonly<Record<string, string>> };

export interface AppReturnsOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly publicUrl: string;
  readonly development: boolean;
  readonly clock: () => EpochMs;
  /** The authorization servers that the host itself signs this user in to. */
  readonly issuers: (userId: string) => Promise<readonly string[]>;
  /** Whether this is the `state` of one of the host's own sign-ins. */
  readonly ownsState: (state: string) => Promise<boolean>;
}

const queryLengthMax = 8192;
const parametersMax = 20;
const nameLengthMax = 100;
const valueLengthMax = 2000;
/** How often another instance's return is looked for. */
const lookEveryMs = 1000;

/**
 * `openAuthPopup`: an app's own page in a window, and the parameters that it came back with. The way back is `/return/<token>` of the host: single use, ten
 * minutes, for the user and browser that opened the window. It never carries what belongs to a sign-in of the host itself (V12).
 */
export class AppReturns {
  readonly #options: AppReturnsOptions;
  readonly #records: Records<ReturnRow>;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(options: AppReturnsOptions) {
    this.#options = options;
    this.#records = options.database.records(returnKind);
  }

  /** Judges the address and gives where the window goes: the same with `redirectUrl`, the way back. `id` is for asking how it stands. */
  async begin(
    owner: { readonly userId: string; readonly widgetId: string; readonly binding: string; readonly linkDomains: readonly string[] },
    text: string,
  ): Promise<Result<{ readonly id: string; readonly url: string; readonly expiresAt: EpochMs }, Refusal>> {
    const { publicUrl, development, clock, issuers } = this.#options;
    const { userId, widgetId, binding, linkDomains } = owner;
    const judged = judgeAppPopup(text, { linkDomains, issuers: await issuers(userId), hostOrigin: publicUrl, development });
    if (!judged.ok) return judged;
    const token = newToken();
    const id = digestText(token);
    const expiresAt = clock() + retention.app_return.ms;
    await this.#records.create(id, { userId, widgetId, binding }, { keys: { user: userId }, expiresAt });
    judged.value.searchParams.set("redirectUrl", `${publicUrl}/return/${token}`);
    return ok({ id, url: judged.value.href, expiresAt });
  }

  /** Takes what the browser came back with. Everything is judged before the one write that spends the way back. */
  async receive(
    token: string,
    query: string,
    visitor: { readonly userId: string | undefined; readonly binding: string | undefined },
  ): Promise<Result<void, Refusal>> {
    const { clock, sealer, issuers, ownsState } = this.#options;
    const id = digestText(token);
    const record = await this.#records.get(id, clock());
    if (record === undefined || record.value.sealedParameters !== undefined)
      return err(refuse("invalid_state", "the way back is unknown, spent or expired"));
    const { userId, binding } = record.value;
    if (visitor.userId !== userId || visitor.binding !== binding) return err(refuse("invalid_state", "another user or browser opened this window"));
    const parameters = readParameters(query);
    if (parameters === undefined) return err(refuse("invalid_request", "the parameters are too many, too long or doubled"));
    const issuer = parameters["iss"];
    const state = parameters["state"];
    if ((issuer !== undefined && (await issuers(userId)).includes(issuer)) || (state !== undefined && (await ownsState(state)))) {
      return err(refuse("invalid_state", "this answer belongs to a sign-in of the host"));
    }
    const sealedParameters = sealer.seal(JSON.stringify(parameters), returnSealingText(id));
    const spent = await this.#records.update(id, record.version, { ...record.value, sealedParameters });
    if (!spent.ok) return err(refuse("invalid_state", "the way back is spent"));
    for (const wake of this.#waiters.get(id) ?? []) wake();
    return ok(undefined);
  }

  /** How a window of this user stands, at once when it is back, else after `waitMs`. */
  async wait(userId: string, id: string, waitMs: number, signal: AbortSignal): Promise<Result<ReturnView, Refusal>> {
    const until = Date.now() + waitMs;
    for (;;) {
      const record = await this.#records.get(id, this.#options.clock());
      if (record === undefined || record.value.userId !== userId) return err(refuse("flow_expired"));
      const sealed = record.value.sealedParameters;
      if (sealed !== undefined) return this.#open(id, sealed);
      if (Date.now() >= until || signal.aborted) return ok({ state: "open" });
      await this.#nextLook(id, Math.min(lookEveryMs, until - Date.now()));
    }
  }

  #open(id: string, sealed: string): Result<ReturnView, Refusal> {
    const opened = this.#options.sealer.open(sealed, returnSealingText(id));
    if (!opened.ok) return err(refuse("internal_error"));
    return ok({ state: "returned", parameters: z.record(z.string(), z.string()).parse(JSON.parse(opened.value)) });
  }

  async #nextLook(id: string, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiting.add(resolve));
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    waiting.delete(resolve);
    if (waiting.size === 0) this.#waiters.delete(id);
  }
}

function readParameters(query: string): Readonly<Record<string, string>> | undefined {
  if (query.length > queryLengthMax) return undefined;
  const entries = [...new URLSearchParams(query)];
  const names = new Set(entries.map(([name]) => name));
  const bounded = entries.every(([name, value]) => name.length <= nameLengthMax && value.length <= valueLengthMax && name !== "__proto__");
  return bounded && entries.length <= parametersMax && names.size === entries.length ? Object.fromEntries(entries) : undefined;
}

/** What the parameters of a window are sealed for. */
export function returnSealingText(id: string): string {
  return `host:app_return:${id}`;
}
