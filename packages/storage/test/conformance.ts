import { describeDeliveries } from "./conformance/deliveries.ts";
import type { EngineUnderTest } from "./conformance/engine.ts";
import { describeMigrations } from "./conformance/migrations.ts";
import { describeModel } from "./conformance/model.ts";
import { describeRaces } from "./conformance/races.ts";
import { describeRecords } from "./conformance/records.ts";
import { describeSignals } from "./conformance/signals.ts";
import { describeTransactions } from "./conformance/transactions.ts";

/** The suite that every implementation of the storage port must pass. */
export function describeStorage(engine: EngineUnderTest): void {
  describeRecords(engine);
  describeModel(engine);
  describeRaces(engine);
  describeTransactions(engine);
  describeMigrations(engine);
  describeSignals(engine);
  describeDeliveries(engine);
}
