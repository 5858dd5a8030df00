import type { LinkStore } from "@countersign/kit/link/link-store";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";

const row = z.object({ body: z.string() });

/** A link as the kit encrypted it: the key is the handle, which only the customer's view has. */
const accountLinkKind: RecordKind<{ readonly body: string }> = { name: "account-link", parse: (json) => row.parse(json) };

/** How many links that are over are removed whenever one is added. */
const sweptAtOnce = 20;

/** Keeps account links beside the store's other rows, for all its instances together. */
export function openLinkRows(db: Pick<Database<unknown>, "records">, clock: () => EpochMs): LinkStore {
  const records = db.records(accountLinkKind);
  return {
    async create(id, body, expiresAt) {
      await records.deleteExpired(clock(), sweptAtOnce);
      return (await records.create(id, { body }, { expiresAt })).ok;
    },
    async read(id, now) {
      const held = await records.get(id, now);
      return held === undefined ? undefined : { body: held.value.body, version: held.version };
    },
    async replace(id, version, body, expiresAt) {
      const written = await records.update(id, version, { body }, { expiresAt });
      return written.ok ? written.value.version : undefined;
    },
    async delete(id) {
      await records.delete(id);
    },
  };
}
