import type { EpochMs } from "@countersign/protocol/brand";
import { type RateBound, takeOne } from "@countersign/protocol/rate";
import { ok, type Result } from "@countersign/protocol/result";

/** What is counted: each operation of the API counts as one of these. */
export type RateName = "read" | "write" | "call" | "connect" | "view" | "signIn" | "examine";

/** What an operation counts as: what it says, or a `read` for a `GET` and a `write` for anything else. */
export function rateOf(operation: { readonly method: string; readonly rate?: RateName }): RateName {
  return operation.rate ?? (operation.method === "GET" ? "read" : "write");
}

/** Bounds for one user, and for all users of one product together. */
export const rates: Readonly<Record<RateName, { readonly user: RateBound; readonly client: RateBound }>> = {
  read: { user: { burst: 300, perMinute: 600 }, client: { burst: 6000, perMinute: 60_000 } },
  write: { user: { burst: 200, perMinute: 600 }, client: { burst: 4000, perMinute: 60_000 } },
  call: { user: { burst: 200, perMinute: 600 }, client: { burst: 4000, perMinute: 60_000 } },
  connect: { user: { burst: 30, perMinute: 30 }, client: { burst: 600, perMinute: 3000 } },
  view: { user: { burst: 60, perMinute: 60 }, client: { burst: 600, perMinute: 6000 } },
  examine: { user: { burst: 10, perMinute: 6 }, client: { burst: 10, perMinute: 6 } },
  signIn: { user: { burst: 20, perMinute: 20 }, client: { burst: 300, perMinute: 2000 } },
};

/** Bounds for one address: new sessions, API keys that are unknown, links that are opened. */
export const addressRates: Readonly<Record<"session" | "refusedKey" | "link", RateBound>> = {
  session: { burst: 60, perMinute: 60 },
  refusedKey: { burst: 20, perMinute: 20 },
  link: { burst: 60, perMinute: 60 },
};

const bucketsMax = 100_000;

/**
 * Rates of this process. They protect what a process has (its time, sockets and memory), so each instance counts for itself, without a write to the database
 * for each request; what is shared is bounded where it is kept (connectors, waiting calls, running sign-ins). The table has a bound: beyond it, the one that
 * was used longest ago is forgotten, which is never the one that asks too often.
 */
export class Rates {
  readonly #fullAt = new Map<string, EpochMs>();
  readonly #clock: () => EpochMs;
  readonly #factor: number;

  /** `factor` multiplies every bound. */
  constructor(clock: () => EpochMs, factor = 1) {
    this.#clock = clock;
    this.#factor = factor;
  }

  /** Counts one for this key; refuses with the whole seconds to wait. */
  take(key: string, { burst, perMinute }: RateBound): Result<void, number> {
    const bound = { burst: Math.max(1, Math.floor(burst * this.#factor)), perMinute: perMinute * this.#factor };
    const taken = takeOne(this.#fullAt.get(key), bound, this.#clock());
    if (!taken.ok) return taken;
    this.#fullAt.delete(key);
    this.#fullAt.set(key, taken.value);
    const [oldest] = this.#fullAt.keys();
    if (this.#fullAt.size > bucketsMax && oldest !== undefined) this.#fullAt.delete(oldest);
    return ok(undefined);
  }
}
