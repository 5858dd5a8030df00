import { generateSigningKey } from "@countersign/kit/payment/signing-key";
import type { Database } from "@countersign/storage/open";
import type { RecordKind } from "@countersign/storage/records";
import { keyIdOf, type Sealer } from "@countersign/storage/sealed";
import { z } from "zod";

type SigningKey = Awaited<ReturnType<typeof generateSigningKey>>;

const kind: RecordKind<{ sealed: string }> = { name: "signing-key", parse: (json) => z.object({ sealed: z.string() }).parse(json) };
const keyShape = z.object({
  kid: z.string(),
  privateKey: z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string(), d: z.string() }).loose(),
});
const aad = "store:signing-key:payee";

/**
 * The key that signs checkouts and client assertions: made on first use, sealed in the database, the same on every later start and on every instance.
 * A key that was sealed under another one of the sealing keys is sealed anew. Throws when it cannot be opened, because the sealing key is another one.
 */
export async function openSigningKey<Tables>(db: Database<Tables>, sealer: Sealer): Promise<SigningKey> {
  const records = db.records(kind);
  const stored = await records.get("payee", 0);
  if (stored === undefined) {
    const made = await generateSigningKey();
    await records.create("payee", { sealed: sealer.seal(JSON.stringify(made), aad) });
    return openSigningKey(db, sealer);
  }
  const opened = sealer.open(stored.value.sealed, aad);
  if (!opened.ok) {
    throw new TypeError("the store's signing key cannot be opened with this sealing key");
  }
  if (keyIdOf(stored.value.sealed) !== sealer.keyId) {
    // Another instance that is faster writes the same text under the same key.
    await records.update("payee", stored.version, { sealed: sealer.seal(opened.value, aad) });
  }
  return keyShape.parse(JSON.parse(opened.value));
}
