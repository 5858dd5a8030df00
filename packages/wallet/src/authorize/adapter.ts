import type { EpochMs } from "@countersign/protocol/brand";
import { formatScope, parseScope, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { Database } from "@countersign/storage/database";
import type { RecordOptions } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import type { Adapter, AdapterFactory, AdapterPayload } from "oidc-provider";
import { errors } from "oidc-provider";
import { sha256 } from "../digest.ts";
import { openJson, sealedKind, sealJson } from "../sealed-json.ts";
import type { RefreshGrace } from "./refresh-grace.ts";

export interface AdapterParts {
  readonly database: Pick<Database<unknown>, "records">;
  readonly sealer: Sealer;
  readonly grace: RefreshGrace;
  readonly now: () => EpochMs;
}

/** Every model of oidc-provider that this wallet stores, by the name of its records. */
export const modelNames: readonly string[] = [
  "AccessToken",
  "AuthorizationCode",
  "ClientCredentials",
  "Grant",
  "Interaction",
  "RefreshToken",
  "ReplayDetection",
  "Session",
];

/** The record kind of a model. */
export function modelKindName(model: string): string {
  return `oidc-${model.toLowerCase()}`;
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
  const records = database.records(sealedKind(kind));
  const idOf = (id: string): string => sha256(`${model}\n${id}`);
  const bindingOf = (recordId: string): string => `${kind}:${recordId}`;

  const open = (recordId: string, sealed: { readonly sealed: string }, consumedAt: EpochMs | null): AdapterPayload => {
    const payload = readPayload(openJson(sealer, bindingOf(recordId), sealed));
    if (consumedAt === null || (model === "RefreshToken" && grace.covers(consumedAt, now()))) return payload;
    return { ...payload, consumed: Math.floor(consumedAt / 1000) };
  };

  return {
    async upsert(id, payload, expiresInSeconds) {
      const recordId = idOf(id);
      const value = sealJson(sealer, bindingOf(recordId), model === "RefreshToken" ? withOrdinaryScopes(payload) : payload);
      const options = optionsOf(payload, expiresInSeconds === undefined ? null : now() + expiresInSeconds * 1000);
      if (model !== "ReplayDetection") return records.put(recordId, value, options);
      const created = await records.create(recordId, value, options);
      if (!created.ok) throw new errors.InvalidClientAuth("client assertion tokens must only be used once");
    },

    async find(id) {
      const recordId = idOf(id);
      const found = await records.get(recordId, now());
      return found === undefined ? undefined : open(recordId, found.value, found.consumedAt);
    },

    async findByUid(uid) {
      const [found] = await records.find("uid", uid, now(), { limit: 1 });
      return found === undefined ? undefined : open(found.id, found.value, found.consumedAt);
    },

    async findByUserCode() {
      return undefined;
    },

    async consume(id) {
      const consumed = await records.consume(idOf(id), now());
      if (consumed.ok) return;
      if (model === "RefreshToken") await grace.throwEarlierAnswer(id);
      throw new errors.InvalidGrant(`already redeemed: ${consumed.error}`);
    },

    async destroy(id) {
      await records.delete(idOf(id));
    },

    async revokeByGrantId(grantId) {
      await records.deleteBy("grant", sha256(grantId));
    },
  };
}

function optionsOf(payload: AdapterPayload, expiresAt: EpochMs | null): RecordOptions {
  const keys: Record<string, string> = {};
  if (payload.grantId !== undefined) keys["grant"] = sha256(payload.grantId);
  if (payload.uid !== undefined) keys["uid"] = payload.uid;
  return { keys, expiresAt };
}

/** A refresh must never issue the authority of one payment again, so the scope of that payment does not enter the refresh token. */
function withOrdinaryScopes(payload: AdapterPayload): AdapterPayload {
  if (payload.scope === undefined) return payload;
  const scope = parseScope(payload.scope);
  if (!scope.ok) throw new TypeError("a refresh token's scope is not a scope");
  return { ...payload, scope: formatScope(withoutTransactionScopes(scope.value)) };
}

function readPayload(json: unknown): AdapterPayload {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new TypeError("a stored payload is an object");
  return { ...json };
}
