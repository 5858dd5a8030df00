import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createRotatingSealer } from "@countersign/storage/sealed";
import type { Secret } from "@countersign/protocol/secret";
import { SignJWT } from "jose";
import { accountKind } from "../src/accounts.ts";
import { rememberConsent } from "../src/authorize/consents.ts";
import { loadKeys, type SigningKey } from "../src/keys.ts";
import { walletMigrations } from "../src/migrations.ts";
import { rememberPayee } from "../src/policies/known-payees.ts";
import { policiesOf, policyKind } from "../src/policies/policies.ts";

/** The client through which people allow the payee's server. */
export const appId = "https://app.test/client.json";

/** A payee as people know it: where its server is, and what it calls itself. */
export interface KnownShop {
  readonly clientId: string;
  readonly url: string;
  readonly resource: string;
}

/** A person who allows an app to use the payee's server. */
export async function addPerson(database: Database<unknown>, accountId: string, { resource }: KnownShop, now: EpochMs): Promise<void> {
  const added = await database.records(accountKind).create(accountId, { displayName: "Ada", createdAt: now });
  if (!added.ok) throw new Error("there is such a person already");
  await rememberConsent(database, { accountId, clientId: appId, scopes: { [resource]: ["orders:read"] }, openid: [] }, now);
}

/** Signs a policy for the payee; whatever the person had before is ended. */
export async function signPolicy(
  database: Database<unknown>,
  accountId: string,
  shop: KnownShop,
  { ceiling, budget }: { readonly ceiling: number; readonly budget: number },
  now: EpochMs,
): Promise<void> {
  await endPolicies(database, accountId, now);
  const terms = { payeeIds: [shop.clientId], currency: "EUR", period: "all", expiresAt: now + 30 * 86_400_000, ceiling, budget } as const;
  const payees = [{ id: shop.clientId, name: "Harbour Goods", website: shop.url }];
  const value = { accountId, terms, payees, createdAt: now, endedAt: null, uses: 0 };
  await database.records(policyKind).create(`pol_${crypto.randomUUID().replaceAll("-", "")}`, value, { keys: { account: accountId } });
}

/** Ends every policy of a person. */
export async function endPolicies(database: Database<unknown>, accountId: string, now: EpochMs): Promise<void> {
  for (const { id, version, value } of await policiesOf(database, accountId, now)) {
    if (value.endedAt === null) await database.records(policyKind).update(id, version, { ...value, endedAt: now });
  }
}

/** An access token of a person for the payee's server, as the wallet gives it to an app. */
export function tokenFor(
  wallet: { readonly issuer: string; readonly signing: SigningKey },
  accountId: string,
  { resource }: KnownShop,
  { now, lifeSeconds }: { readonly now: EpochMs; readonly lifeSeconds: number },
): Promise<string> {
  const at = Math.floor(now / 1000);
  return new SignJWT({ client_id: appId, jti: crypto.randomUUID(), scope: "orders:read orders:write" })
    .setProtectedHeader({ alg: "ES256", kid: wallet.signing.kid, typ: "at+jwt" })
    .setIssuer(wallet.issuer)
    .setAudience(resource)
    .setSubject(accountId)
    .setIssuedAt(at)
    .setExpirationTime(at + lifeSeconds)
    .sign(wallet.signing.privateKey);
}

/** People of a wallet that runs, whose policies approve all that they buy at the payee, which they know already. Gives an hour's token of each. */
export async function addPolicyPayers(
  wallet: { readonly issuer: string; readonly databaseUrl: string; readonly sealingKey: Secret },
  shop: KnownShop & { readonly keyThumbprint: string },
  count: number,
): Promise<readonly string[]> {
  const database = await openDatabase<unknown>({ url: wallet.databaseUrl, schema: "wallet", migrations: walletMigrations });
  try {
    const now = Date.now();
    const { signing } = await loadKeys(database, createRotatingSealer(wallet.sealingKey), Date.now);
    const payee = { id: shop.clientId, name: "Harbour Goods", website: shop.url };
    const tokens: string[] = [];
    for (let at = 0; at < count; at += 1) {
      const accountId = `usr_payer-${at}`;
      await addPerson(database, accountId, shop, now);
      await rememberPayee(database, { accountId, payee, keyThumbprint: shop.keyThumbprint }, now);
      await signPolicy(database, accountId, shop, { ceiling: 1_000_00, budget: 1_000_000_000 }, now);
      tokens.push(await tokenFor({ issuer: wallet.issuer, signing }, accountId, shop, { now, lifeSeconds: 3600 }));
    }
    return tokens;
  } finally {
    await database.close();
  }
}
