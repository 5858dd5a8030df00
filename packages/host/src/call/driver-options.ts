import type { CallEffect } from "@countersign/protocol/auth-flow";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import type { JsonObject } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/open";
import type { Sealer } from "@countersign/storage/sealed";
import type { Flows } from "../authorize/flows.ts";
import type { Connectors } from "../connectors.ts";
import type { Events } from "../events.ts";
import type { Audit, HostLimits } from "../options.ts";
import type { FileArguments } from "../resources/file-arguments.ts";
import type { WidgetBelongings } from "../resources/widgets.ts";
import type { Vault } from "../vault.ts";
import type { StoredCall } from "./record.ts";

/** The connector that a view was made for, and the host that is acted out for it as long as it lives. */
export type MadeView = Pick<WidgetBelongings, "connectorId" | "profile">;

/** What moving calls on takes. */
export interface DriverOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly connectors: Connectors;
  readonly vault: Vault;
  readonly flows: Flows;
  readonly events: Events;
  readonly limits: HostLimits;
  readonly clock: () => EpochMs;
  readonly audit: Audit;
  /** Gives a tool's file arguments their addresses, at the time of sending. */
  readonly fillFiles: (request: FileArguments) => Promise<Result<JsonObject, Refusal>>;
  readonly report: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** What this user's view was made for; undefined once there is no such view. */
  readonly viewOf: (userId: string, widgetId: string) => Promise<MadeView | undefined>;
}

/** A state that is stored, and what must be done about it. */
export interface Step {
  readonly call: StoredCall;
  readonly effects: readonly CallEffect[];
}
