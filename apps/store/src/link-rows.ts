import type { LinkStore } from "@countersign/kit/link/link-store";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";

const row = z.object({ body: z.string() });

/**
 * What is kept: account links as the kit encrypted them (the key is the handle, which only the customer's view has), and answers of tools for whoever sends a
 * call again.
 */
export type KeptByKit = "account-link" | "tool-answer";

/** How many rows that are over are removed whenever one is added. */
const sweptAtOnce = 20;

/** Keeps what the kit has to remember beside the store's other rows, for all its instances together. */
export function openLinkRows(db: Pick<Database<unknown>, "records">, clock: () => EpochMs, name: KeptByKit): LinkStore {
  const kind: RecordKind<{ readonly body: string }> = { name, parse: (json) => row.parse(json) };
  const records = db.records(kind);
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
