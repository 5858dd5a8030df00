import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { sha256 } from "../digest.ts";
import { sealedKind } from "../sealed-json.ts";
import { modelKindName } from "./models.ts";

/** A family of tokens whose end every instance and resource server may learn of, as long as one of its access tokens could still be used. */
export interface RevokedGrant {
  readonly at: EpochMs;
}

const shape = z.object({ at: z.number() });

export const revokedGrantKind: RecordKind<RevokedGrant> = { name: "revoked-grant", parse: (json) => shape.parse(json) };

/** Longer than any access token lives that a resource server verifies by itself, with a minute for clocks that differ. */
export const revocationRetentionMs = 360_000;

/** The channel on which the end of a family is hinted; the rows of {@link revokedGrantKind} are what counts. */
export const revocationChannel = "grant-revoked";

const family: readonly string[] = ["AccessToken", "RefreshToken", "AuthorizationCode", "DeviceCode", "BackchannelAuthenticationRequest", "Grant"];

/** What a grant is called outside oidc-provider: in the claim `gid` of access tokens, in the key `grant` of records, and in revocations. */
export function grantKeyOf(grantId: string): string {
  return sha256(grantId);
}

/**
 * Ends a family of tokens: the grant, everything redeemable that came from it, and the event by which others learn of it, in one transaction. `grantKey` as
 * {@link grantKeyOf} gives it. Ending one that is not there changes nothing. Says whether there was one.
 */
export async function revokeGrant(database: Database<unknown>, grantKey: string, now: EpochMs): Promise<boolean> {
  return database.transaction(async (tx) => {
    let ended = 0;
    for (const model of family) ended += await tx.records(sealedKind(modelKindName(model))).deleteBy("grant", grantKey);
    if (ended === 0) return false;
    await tx.records(revokedGrantKind).put(grantKey, { at: now }, { expiresAt: now + revocationRetentionMs });
    await tx.signals.notify(revocationChannel, grantKey);
    return true;
  });
}

/** Whether a family is alive: the grant is there and not expired. */
export async function isGrantAlive(database: Pick<Database<unknown>, "records">, grantKey: string, now: EpochMs): Promise<boolean> {
  return (await database.records(sealedKind(modelKindName("Grant"))).find("grant", grantKey, now, { limit: 1 })).length > 0;
}
