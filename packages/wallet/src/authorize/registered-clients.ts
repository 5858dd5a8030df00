import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { PresentedClient } from "@countersign/protocol/presented-client";
import type { Database } from "@countersign/storage/database";
import { sha256 } from "../digest.ts";
import { sealedKind, sealJson } from "../sealed-json.ts";
import type { Sealer } from "@countersign/storage/sealed";
import { modelKindName } from "./models.ts";

const hourMs = 3_600_000;
/** A registration that nobody uses is gone after a day. */
const unusedTtlMs = 24 * hourMs;
/** One that was used stays as long as its refresh tokens may be exchanged, three times over. */
const usedTtlMs = 90 * 24 * hourMs;
/** Not each use is a write. */
const renewBelowMs = 60 * 24 * hourMs;

const kind = sealedKind(modelKindName("Client"));

/** Clients that registered themselves, where oidc-provider's adapter finds them. */
export interface RegisteredClients {
  /** Keeps a client under an id of its own for a day; gives what RFC 7591 section 3.2.1 answers with. */
  add(client: PresentedClient): Promise<Readonly<Record<string, unknown>> & { readonly client_id: string }>;
  /** A client got a token: its registration stays 90 days more. Nothing for a client that is not kept here. */
  keep(clientId: string): Promise<void>;
  remove(clientId: string): Promise<void>;
}

export function createRegisteredClients(database: Pick<Database<unknown>, "records">, sealer: Sealer, now: () => EpochMs): RegisteredClients {
  const records = database.records(kind);
  const recordIdOf = (clientId: string): string => sha256(`Client\n${clientId}`);
  return {
    async add(client) {
      const client_id = `${registeredIdPrefix}${randomBytes(16).toString("base64url")}`;
      const metadata = { ...client, client_id, client_id_issued_at: Math.floor(now() / 1000) };
      const id = recordIdOf(client_id);
      await records.put(id, sealJson(sealer, `${kind.name}:${id}`, { ...metadata, response_modes: ["query"] }), { expiresAt: now() + unusedTtlMs });
      return metadata;
    },

    async keep(clientId) {
      if (!clientId.startsWith(registeredIdPrefix)) return;
      const found = await records.get(recordIdOf(clientId), now());
      if (found === undefined || (found.expiresAt ?? Number.POSITIVE_INFINITY) - now() > renewBelowMs) return;
      // Somebody else who keeps it at the same moment keeps it as long.
      await records.update(found.id, found.version, found.value, { keys: found.keys, expiresAt: now() + usedTtlMs });
    },

    async remove(clientId) {
      await records.delete(recordIdOf(clientId));
    },
  };
}

const registeredIdPrefix = "dcr_";
