import type { EpochMs } from "@countersign/protocol/brand";
import type { SandboxPlace } from "@countersign/protocol/sandbox";
import type { Database } from "@countersign/storage/open";
import type { Sealer } from "@countersign/storage/sealed";
import { isOwnState, knownIssuers } from "../authorize/known-issuers.ts";
import type { DriverOptions } from "../call/driver-options.ts";
import { ViewTools } from "../chat/view-tools.ts";
import type { Connectors } from "../connectors.ts";
import type { Vault } from "../vault.ts";
import { AppReturns } from "./app-returns.ts";
import { fillFileArguments } from "./file-arguments.ts";
import { Files } from "./files.ts";
import { WidgetStates } from "./widget-states.ts";
import { Widgets } from "./widgets.ts";

/** Everything that views of widgets need of the host. */
export interface ViewParts {
  readonly widgets: Widgets;
  readonly states: WidgetStates;
  readonly widgetFiles: Files;
  readonly returns: AppReturns;
  readonly viewTools: ViewTools;
  readonly fillFiles: DriverOptions["fillFiles"];
  readonly viewOf: DriverOptions["viewOf"];
}

export interface ViewPartsOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly connectors: Connectors;
  readonly vault: Vault;
  readonly place: SandboxPlace;
  readonly widgetOrigin: string;
  readonly shim: string;
  /** Issuers that clients are configured for. */
  readonly configured: readonly string[];
  readonly clock: () => EpochMs;
}

/** Wires the parts behind views together. */
export function createViewParts(options: ViewPartsOptions): ViewParts {
  const { database, sealer, place, clock } = options;
  const publicUrl = place.consoleOrigin;
  const states = new WidgetStates(database, sealer, clock);
  const widgetFiles = new Files({ database, sealer, clock });
  const widgets = new Widgets({ ...options, states, files: widgetFiles });
  const returns = new AppReturns({
    database,
    sealer,
    publicUrl,
    development: place.development,
    clock,
    issuers: (userId) => knownIssuers(options, userId),
    ownsState: (state) => isOwnState(database, state, clock()),
  });
  return {
    widgets,
    states,
    widgetFiles,
    returns,
    viewTools: new ViewTools(widgets),
    fillFiles: (request) => fillFileArguments(widgetFiles, publicUrl, request),
    viewOf: async (userId, widgetId) => {
      const view = await widgets.belongings(userId, widgetId);
      return view.ok ? view.value : undefined;
    },
  };
}
