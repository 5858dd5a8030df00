import type { Database } from "@countersign/storage/database";
import { member } from "@countersign/protocol/shape";
import type { SealedField } from "@countersign/storage/reseal";
import { sql } from "kysely";
import { mandateBinding } from "../payment-requests/record-approval.ts";
import { paymentRequestKind } from "../payment-requests/request.ts";
import { signingKeyKind, signingKeySealingText } from "./signing-keys.ts";

/** Sealed texts beside other fields. A kind whose whole value is sealed needs no row here, for its text is always bound to the kind and the id. */
const fieldsBesideOthers: readonly SealedField[] = [
  { kind: paymentRequestKind.name, field: "decision.sealedMandate", text: (id) => mandateBinding(id) },
  { kind: signingKeyKind.name, field: "sealed", text: (_, row) => signingKeySealingText(String(member(row["published"], "kid"))) },
];

/** Every sealed text of a wallet's database. A change of the sealing key goes through this list. */
export async function sealedFieldsOf(database: Pick<Database<unknown>, "sql">): Promise<readonly SealedField[]> {
  const { rows } = await sql<{ kind: string }>`select distinct kind from records order by kind`.execute(database.sql);
  return rows.flatMap(({ kind }): readonly SealedField[] => {
    const special = fieldsBesideOthers.filter((field) => field.kind === kind);
    return special.length > 0 ? special : [{ kind, field: "sealed", text: (id) => `${kind}:${id}` }];
  });
}

/** The kinds of record that still hold a text under another key than this, whether or not any key opens it. */
export async function kindsUnderOtherKeys(database: Pick<Database<unknown>, "sql">, keyId: string): Promise<readonly string[]> {
  const { rows } = await sql<{ kind: string }>`select distinct kind from records
    where value like '%"s1.%' and replace(value, ${`"s1.${keyId}.`}, '') like '%"s1.%' order by kind`.execute(database.sql);
  return rows.map((row) => row.kind);
}
