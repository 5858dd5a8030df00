import type { EpochMs } from "@countersign/protocol/brand";
import type { ApprovedPayment } from "@countersign/protocol/payment-reference";
import { parseScope, paymentRequestIdOf, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { Database } from "@countersign/storage/database";
import type Provider from "oidc-provider";
import type { Grant, KoaContextWithOIDC } from "oidc-provider";
import { accountClientId } from "../account/account-client.ts";
import { findConsent } from "./consents.ts";
import { readPaymentResult } from "./payment-result.ts";

/**
 * The grant that an authorization request starts from: the one that its own prompts made; else the session's, unless it carries a payment that another request
 * was about; else a new one with what the user once allowed this client. Grants are not shared between sessions, so that revoking one family leaves the others alone.
 */
export async function loadGrant(ctx: KoaContextWithOIDC, database: Pick<Database<unknown>, "records">, now: EpochMs): Promise<Grant | undefined> {
  const { provider, result, session, client } = ctx.oidc;
  if (session?.accountId === undefined || client === undefined) return undefined;
  const madeHere = result?.consent?.grantId ?? readPaymentResult(result)?.grantId;
  const grantId = madeHere ?? session.grantIdFor(client.clientId);
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  if (found?.accountId === session.accountId && (madeHere !== undefined || !carriesTransaction(found))) return found;
  // The account pages are the wallet itself, so there is nobody to ask about.
  const remembered =
    client.clientId === accountClientId ? { openid: ["openid"], scopes: {} } : await findConsent(database, session.accountId, client.clientId, now);
  if (remembered === undefined) return undefined;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  if (remembered.openid.length > 0) grant.addOIDCScope([...remembered.openid]);
  for (const [resource, scopes] of Object.entries(remembered.scopes)) grant.addResourceScope(resource, [...scopes]);
  await grant.save();
  return grant;
}

/** What the payments approved in one interaction add to a grant: transaction scopes, and authorization details. */
export interface PaymentAuthority {
  readonly scopes: readonly string[];
  readonly details: readonly ApprovedPayment[];
}

/**
 * Makes the grant of a payment: the ordinary scopes of the grant before it, and the scopes of the payments approved in this interaction. A grant of its own,
 * so that the payment's authority is in no other token.
 */
export async function makePaymentGrant(
  provider: Provider,
  from: { readonly accountId: string; readonly clientId: string; readonly grantId: string | undefined },
  payment: PaymentAuthority & { readonly resource: string },
): Promise<string> {
  const grant = new provider.Grant({ accountId: from.accountId, clientId: from.clientId });
  const before = from.grantId === undefined ? undefined : await provider.Grant.find(from.grantId);
  if (before?.accountId === from.accountId) {
    const openid = before.getOIDCScope();
    if (openid !== "") grant.addOIDCScope(openid);
    for (const resource of Object.keys(before.resources ?? {})) {
      const ordinary = ordinaryScopes(before.getResourceScope(resource));
      if (ordinary.length > 0) grant.addResourceScope(resource, ordinary);
    }
  }
  if (payment.scopes.length > 0) grant.addResourceScope(payment.resource, [...payment.scopes]);
  for (const detail of payment.details) grant.addRar({ ...detail, locations: [...detail.locations] });
  return grant.save();
}

/**
 * Adds to the grant of this account what a page asked, or makes a new one where there is none; inside of a change of grants. A device's page comes after the
 * payments of the same interaction, whose grant is nobody else's.
 */
export async function extendGrant(
  provider: Provider,
  from: { readonly accountId: string; readonly clientId: string; readonly grantId: string | undefined },
  given: { readonly scopes: Readonly<Record<string, readonly string[]>>; readonly openid: readonly string[] },
): Promise<string> {
  const there = from.grantId === undefined ? undefined : await provider.Grant.find(from.grantId);
  const grant = there?.accountId === from.accountId ? there : new provider.Grant({ accountId: from.accountId, clientId: from.clientId });
  if (given.openid.length > 0) grant.addOIDCScope([...given.openid]);
  for (const [resource, scopes] of Object.entries(given.scopes)) grant.addResourceScope(resource, [...scopes]);
  return grant.save();
}

function carriesTransaction(grant: Grant): boolean {
  if (grant.rar !== undefined && grant.rar.length > 0) return true;
  return Object.values(grant.resources ?? {}).some((text) => text.split(" ").some((token) => paymentRequestIdOf(token) !== undefined));
}

function ordinaryScopes(text: string): string[] {
  const scope = parseScope(text);
  return scope.ok ? [...withoutTransactionScopes(scope.value)] : [];
}
