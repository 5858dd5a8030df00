import type { EpochMs } from "@countersign/protocol/brand";
import type { Logger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import type Provider from "oidc-provider";
import type { Interactions } from "../authorize/interactions.ts";
import type { Resources } from "../authorize/resources.ts";
import type { BankClient } from "../bank/bank-client.ts";
import type { FormTokens } from "../forms.ts";
import type { RelyingParty } from "../passkeys/relying-party.ts";
import type { ApprovalParts } from "../payment-requests/approve.ts";
import type { Rates } from "../rates/rates.ts";

/** What the pages of an interaction work with. */
export interface InteractionParts {
  readonly database: Database<unknown>;
  readonly provider: Provider;
  readonly interactions: Interactions;
  readonly resources: Resources;
  readonly bank: BankClient;
  readonly forms: FormTokens;
  readonly party: RelyingParty;
  readonly approval: ApprovalParts;
  readonly rates: Rates;
  readonly logger: Logger;
  readonly now: () => EpochMs;
}
