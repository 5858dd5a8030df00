import type { EpochMs } from "@countersign/protocol/brand";
import { formatScope, parseScope, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { Database } from "@countersign/storage/database";
import type { RecordOptions } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import type { Adapter, AdapterFactory, AdapterPayload } from "oidc-provider";
import { errors } from "oidc-provider";
import { sha256 } from "../digest.ts";
import { openJson, sealedKind, type SealedValue, sealJson } from "../sealed-json.ts";
import { grantVersionRead, noteGrantRead, refuseChangedGrant } from "./grant-change.ts";
import { modelKindName, type PayloadKey } from "./models.ts";
import { holdConsumption, holdSuccessor } from "./refresh-exchange.ts";
import type { RefreshGrace } from "./refresh-grace.ts";
import { grantKeyOf, revokeGrant } from "./revocation.ts";

export interface AdapterParts {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly grace: RefreshGrace;
  readonly now: () => EpochMs;
}

/** How long the pages of one authorization request stay open. */
export const interactionTtlSeconds = 1_200;

/** An id that may be used once was used before: that of a client's assertion, or of a proof of possession. */
export class AlreadyUsed extends errors.InvalidGrant {
  constructor() {
    super("an id that is used once was used before");
  }
}

/**
 * oidc-provider's storage on durable records. An id that is a bearer secret is stored only as its hash and the payload is sealed, so that a copy of the
 * database redeems nothing. `consume` is one conditional write: of any number of parallel redemptions exactly one goes on.
 */
export function createAdapterFactory(parts: AdapterParts): AdapterFactory {
  return (model) => createAdapter(model, parts);
}

function createAdapter(model: string, parts: AdapterParts): Adapter {
  const { database, sealer, grace, now } = parts;
  const kind = modelKindName(model);
  const sealed = sealedKind(kind);
  const records = database.records(sealed);
  const idOf = (id: string): string => sha256(`${model}\n${id}`);
  const bindingOf = (recordId: string): string => `${kind}:${recordId}`;

  const open = (recordId: string, value: SealedValue, consumedAt: EpochMs | null): AdapterPayload => {
    const payload = openPayload(sealer, bindingOf(recordId), value);
    if (consumedAt === null || (model === "RefreshToken" && grace.covers(consumedAt, now()))) return payload;
    return { ...payload, consumed: Math.floor(consumedAt / 1000) };
  };

  return {
    async upsert(id, payload, expiresInSeconds) {
      const recordId = idOf(id);
      const value = sealJson(sealer, bindingOf(recordId), model === "RefreshToken" ? withOrdinaryScopes(payload) : payload);
      const options = optionsOf(model, payload, expiresInSeconds === undefined ? null : now() + (expiresInSeconds + lingerSeconds(model)) * 1000);
      if (model === "RefreshToken" && holdSuccessor((tx) => tx.records(sealed).put(recordId, value, options))) return;
      const read = model === "Grant" ? grantVersionRead(recordId) : undefined;
      if (read !== undefined) {
        const saved = await records.update(recordId, read, value, options);
        return saved.ok ? noteGrantRead(recordId, saved.value.version) : refuseChangedGrant();
      }
      if (model !== "ReplayDetection") return records.put(recordId, value, options);
      const created = await records.create(recordId, value, options);
      if (!created.ok) throw new AlreadyUsed();
    },

    async find(id) {
      const recordId = idOf(id);
      const found = await records.get(recordId, now());
      if (found === undefined) return undefined;
      if (model === "Grant") noteGrantRead(recordId, found.version);
      return open(recordId, found.value, found.consumedAt);
    },

    async findByUid(uid) {
      const [found] = await records.find("uid", uid, now(), { limit: 1 });
      return found === undefined ? undefined : open(found.id, found.value, found.consumedAt);
    },

    async findByUserCode(userCode) {
      const [found] = await records.find("userCode", sha256(userCode), now(), { limit: 1 });
      return found === undefined ? undefined : open(found.id, found.value, found.consumedAt);
    },

    async consume(id) {
      const recordId = idOf(id);
      if (model === "RefreshToken" && holdConsumption(async (tx) => (await tx.records(sealed).consume(recordId, now())).ok)) return;
      const consumed = await records.consume(recordId, now());
      if (consumed.ok) return;
      if (model === "PushedAuthorizationRequest") throw new errors.InvalidRequestUri("request_uri was already used");
      throw new errors.InvalidGrant(`already redeemed: ${consumed.error}`);
    },

    async destroy(id) {
      if (model === "Grant") await revokeGrant(database, grantKeyOf(id), now());
      else await records.delete(idOf(id));
    },

    async revokeByGrantId(grantId) {
      await records.deleteBy("grant", grantKeyOf(grantId));
    },
  };
}

/**
 * A pushed request opens pages for a minute, and is used up when the last page is done, which may be later. oidc-provider judges the minute by the payload; the
 * record has to be there as long as the pages may be open, or several of them could all be brought to an end.
 */
function lingerSeconds(model: string): number {
  return model === "PushedAuthorizationRequest" ? interactionTtlSeconds : 0;
}

function optionsOf(model: string, payload: AdapterPayload, expiresAt: EpochMs | null): RecordOptions {
  const keys: Partial<Record<PayloadKey, string>> = {};
  const grantId = model === "Grant" ? payload.jti : payload.grantId;
  if (grantId !== undefined) keys.grant = grantKeyOf(grantId);
  if (payload.uid !== undefined) keys.uid = payload.uid;
  if (payload.accountId !== undefined) keys.account = sha256(payload.accountId);
  if (payload.clientId !== undefined) keys.client = sha256(payload.clientId);
  if (payload.userCode !== undefined) keys.userCode = sha256(payload.userCode);
  return { keys, expiresAt };
}

/** A refresh must never issue the authority of one payment again, so neither its scope nor its details enter the refresh token. */
function withOrdinaryScopes({ rar: _spent, ...payload }: AdapterPayload): AdapterPayload {
  if (payload.scope === undefined) return payload;
  const scope = parseScope(payload.scope);
  if (!scope.ok) throw new TypeError("a refresh token's scope is not a scope");
  return { ...payload, scope: formatScope(withoutTransactionScopes(scope.value)) };
}

/** Opens a stored payload. Throws when it was sealed with another key or for another record. */
export function openPayload(sealer: Sealer, binding: string, sealed: SealedValue): AdapterPayload {
  const json = openJson(sealer, binding, sealed);
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new TypeError("a stored payload is an object");
  return { ...json };
}
