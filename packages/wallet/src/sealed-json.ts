import type { Sealer } from "@countersign/storage/sealed";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";

/** What a record holds when its content must not be readable in a copy of the database. */
export interface SealedValue {
  readonly sealed: string;
}

const sealedValue = z.object({ sealed: z.string() });

/** A kind of record whose whole value is sealed. */
export function sealedKind(name: string): RecordKind<SealedValue> {
  return { name, parse: (json) => sealedValue.parse(json) };
}

/** Seals JSON to one place: `binding` names the kind and id of the record, so that a value copied to another record does not open. */
export function sealJson(sealer: Sealer, binding: string, value: unknown): SealedValue {
  return { sealed: sealer.seal(JSON.stringify(value), binding) };
}

/** Opens what {@link sealJson} made. Throws when the key is not the one that sealed it or the value was moved: the database is then not ours. */
export function openJson(sealer: Sealer, binding: string, value: SealedValue): unknown {
  const opened = sealer.open(value.sealed, binding);
  if (!opened.ok) throw new Error("a sealed record does not open: the key file and the database do not belong together");
  return JSON.parse(opened.value);
}
