import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { accountClientId } from "../account/account-client.ts";
import { sha256 } from "../digest.ts";
import { approvalLinkClientId } from "../payment-requests/approval-link-client.ts";
import { sealedKind } from "../sealed-json.ts";
import { openPayload } from "./adapter.ts";
import { type Consent, consentId, consentKind } from "./consents.ts";
import { modelKindName } from "./models.ts";
import { revokeGrant } from "./revocation.ts";

/** An app that may act for an account. `scopes` by resource are what its user allowed; `since` is the first of what is still there. */
export interface ConnectedApp {
  readonly clientId: string;
  readonly clientName: string;
  readonly since: EpochMs | undefined;
  readonly scopes: Consent["scopes"];
  readonly knowsIdentity: boolean;
}

export interface AppsParts {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  /** What a client is called by its registration, as far as that is known here without asking another server. */
  readonly nameOf: (clientId: string) => Promise<string | undefined>;
}

const grantKind = modelKindName("Grant");
const pageMax = 500;

/** The wallet as its own client is no app. */
const ownClients: ReadonlySet<string> = new Set([accountClientId, approvalLinkClientId]);

/** The apps of an account: those it has remembered an answer for, and those that hold a grant; by name. */
export async function connectedApps(parts: AppsParts, accountId: string, now: EpochMs): Promise<readonly ConnectedApp[]> {
  const apps = new Map<string, ConnectedApp>();
  for (const { value } of await parts.database.records(consentKind).find("account", accountId, now, { limit: pageMax })) {
    const { clientId, clientName, since, scopes, openid } = value;
    apps.set(clientId, { clientId, clientName: clientName ?? clientId, since, scopes, knowsIdentity: openid.length > 0 });
  }
  for await (const grant of grantsOf(parts.database, accountId, now)) {
    const { clientId, iat } = openPayload(parts.sealer, `${grantKind}:${grant.id}`, grant.value);
    if (clientId === undefined || ownClients.has(clientId)) continue;
    const known = apps.get(clientId) ?? {
      clientId,
      clientName: (await parts.nameOf(clientId)) ?? clientId,
      since: undefined,
      scopes: {},
      knowsIdentity: false,
    };
    const at = iat === undefined ? undefined : iat * 1000;
    const since = at === undefined || (known.since !== undefined && known.since <= at) ? known.since : at;
    apps.set(clientId, { ...known, since });
  }
  return [...apps.values()].toSorted((one, other) => one.clientName.localeCompare(other.clientName, "en"));
}

/**
 * Takes back everything that an account allowed a client, in one transaction: the remembered answer, every grant, and with them its codes and tokens. What it
 * sends next is refused; a JWT access token, which no server has to ask about, lives on for at most 5 minutes. False when there was nothing.
 */
export async function disconnectApp(database: Database<unknown>, accountId: string, clientId: string, now: EpochMs): Promise<boolean> {
  return database.transaction(async (tx) => {
    let found = await tx.records(consentKind).delete(consentId(accountId, clientId));
    const client = sha256(clientId);
    for await (const { keys } of grantsOf(tx, accountId, now)) {
      const grantKey = keys["grant"];
      if (keys["client"] === client && grantKey !== undefined) found = (await revokeGrant(tx, grantKey, now)) || found;
    }
    return found;
  });
}

/** Every grant of an account; going on while they are deleted. */
async function* grantsOf(database: Pick<Database<unknown>, "records">, accountId: string, now: EpochMs) {
  const records = database.records(sealedKind(grantKind));
  let after: string | undefined;
  for (;;) {
    const page = await records.find("account", sha256(accountId), now, { limit: pageMax, ...(after === undefined ? {} : { after }) });
    yield* page;
    if (page.length < pageMax) return;
    after = page.at(-1)?.id;
  }
}
