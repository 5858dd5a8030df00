import { bankConfig } from "@countersign/bank/config";
import { hostConfig } from "@countersign/host/config";
import type { ConfigSchema } from "@countersign/service/config";
import { storeConfig } from "@countersign/store/config";
import { walletConfig } from "@countersign/wallet/config";
import { cliConfig, upConfig } from "../config.ts";

export type PartyName = "up" | "cli" | "host" | "wallet" | "store" | "bank";

/** Whose settings they are, in words, and the settings. */
export interface PartySettings {
  readonly title: string;
  readonly schema: ConfigSchema;
}

/** Every party that reads the environment. */
export const parties: Readonly<Record<PartyName, PartySettings>> = {
  up: { title: "all parties in one process (npm start)", schema: upConfig },
  cli: { title: "calls from the command line (countersign call, countersign connect)", schema: cliConfig },
  host: { title: "the host as its own process", schema: hostConfig },
  wallet: { title: "the wallet as its own process", schema: walletConfig },
  store: { title: "the store as its own process", schema: storeConfig },
  bank: { title: "the bank as its own process", schema: bankConfig },
};

export const partyNames: readonly PartyName[] = ["up", "cli", "host", "wallet", "store", "bank"];
