import type { Dialect as KyselyDialect } from "kysely";
import type { Dialect } from "./database.ts";
import type { Signals } from "./signals.ts";
import type { TransactionScope } from "./transaction-scope.ts";

/** What one SQL engine provides; everything above it is the same for all. Kysely instances made from `kyselyDialect` share the engine's connections. */
export interface Engine {
  readonly dialect: Dialect;
  readonly kyselyDialect: KyselyDialect;
  readonly scope: TransactionScope;
  readonly signals: Signals;
  /** Whether a transaction failed only because of another one, so that running it again may succeed. */
  isCollision(error: unknown): boolean;
  close(): Promise<void>;
}
