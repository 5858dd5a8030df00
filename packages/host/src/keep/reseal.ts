import type { EpochMs } from "@countersign/protocol/brand";
import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import { keyIdOf, type Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { Instances } from "./instances.ts";
import { retention, type KeptKind } from "./retention.ts";
import { sealedFields, type SealedField } from "./sealed-fields.ts";

export interface ResealOptions {
  readonly database: Database<unknown>;
  /** Seals with the new key and opens with the others too. */
  readonly sealer: Sealer;
  readonly clock: () => EpochMs;
  /** Told of each text that no key opens. It stays as it is, and counts as absent everywhere. */
  readonly report: (kind: string, id: string) => void;
  /** Records in one step, default 100. */
  readonly batch?: number;
}

/** How many sealed texts of the host there are: written anew, already under the new key, and not to be opened. */
export interface ResealReport {
  readonly resealed: number;
  readonly current: number;
  readonly unreadable: number;
}

type Progress = ResealReport & { readonly kind: string; readonly after?: string | undefined };

const progressSchema = z.object({
  resealed: z.number(),
  current: z.number(),
  unreadable: z.number(),
  kind: z.string(),
  after: z.string().optional(),
});
const progressKind: RecordKind<Progress> = {
  name: "reseal_progress",
  parse: (json) => progressSchema.parse(json),
};

const batchDefault = 100;
const conflictsMax = 20;
const kinds: readonly KeptKind[] = [...new Set(sealedFields.map((field) => field.kind))];

/**
 * Seals every sealed text anew under the current key, while hosts run: record by record, each by compare-and-set, so that a host's own change is never
 * overwritten. How far it came is stored, and a run that was cut goes on there. Two at a time do no harm. Refuses, naming them, while running instances
 * seal with another key: what they write would be lost with it.
 */
export async function reseal(options: ResealOptions): Promise<Result<ResealReport, readonly string[]>> {
  const { database, sealer, clock } = options;
  const behind = await new Instances(database, clock).sealingOtherwise(sealer.keyId);
  if (behind.length > 0) return err(behind);
  const stored = database.records(progressKind);
  let progress: Progress = (await stored.get(sealer.keyId, clock()))?.value ?? { kind: kinds[0] ?? "", resealed: 0, current: 0, unreadable: 0 };
  for (const kind of kinds.slice(
    Math.max(
      0,
      kinds.findIndex((each) => each === progress.kind),
    ),
  )) {
    const records = database.records({ name: kind, parse: asObject });
    progress = { ...progress, kind, after: progress.kind === kind ? progress.after : undefined };
    for (;;) {
      const page = await records.scan(progress.after, options.batch ?? batchDefault);
      const last = page.at(-1);
      if (last === undefined) break;
      for (const record of page) progress = add(progress, await resealRecord(options, kind, records, record));
      progress = { ...progress, after: last.id };
      await stored.put(sealer.keyId, progress, { expiresAt: clock() + retention.reseal_progress.ms });
    }
  }
  await stored.delete(sealer.keyId);
  const { resealed, current, unreadable } = progress;
  return ok({ resealed, current, unreadable });
}

async function resealRecord(
  options: ResealOptions,
  kind: KeptKind,
  records: Records<JsonObject>,
  first: StoredRecord<JsonObject>,
): Promise<ResealReport> {
  const fields = sealedFields.filter((field) => field.kind === kind);
  let record: StoredRecord<JsonObject> | undefined = first;
  for (let attempt = 0; attempt < conflictsMax && record !== undefined; attempt += 1) {
    const { report, value } = resealValue(options.sealer, fields, record);
    if (report.resealed > 0) {
      const written = await records.update(record.id, record.version, value);
      if (!written.ok) {
        record = written.error === "missing" ? undefined : await records.get(record.id, 0);
        continue;
      }
    }
    if (report.unreadable > 0) options.report(kind, record.id);
    return report;
  }
  return { resealed: 0, current: 0, unreadable: 0 };
}

function resealValue(
  sealer: Sealer,
  fields: readonly SealedField[],
  record: StoredRecord<JsonObject>,
): { readonly report: ResealReport; readonly value: JsonObject } {
  let value = record.value;
  let report: ResealReport = { resealed: 0, current: 0, unreadable: 0 };
  for (const { field, text } of fields) {
    const path = field.split(".");
    const sealed = path.reduce<unknown>((within, name) => member(within, name), value);
    if (typeof sealed !== "string") continue;
    const identity = text(record.id, value);
    const opened = sealer.open(sealed, identity);
    if (!opened.ok) report = add(report, { resealed: 0, current: 0, unreadable: 1 });
    else if (keyIdOf(sealed) === sealer.keyId) report = add(report, { resealed: 0, current: 1, unreadable: 0 });
    else {
      value = replaceAt(value, path, sealer.seal(opened.value, identity));
      report = add(report, { resealed: 1, current: 0, unreadable: 0 });
    }
  }
  return { report, value };
}

function replaceAt(value: JsonObject, [name = "", ...rest]: readonly string[], text: string): JsonObject {
  const within = value[name];
  return { ...value, [name]: rest.length === 0 || !isJsonObject(within) ? text : replaceAt(within, rest, text) };
}

function add<T extends ResealReport>(total: T, more: ResealReport): T {
  return {
    ...total,
    resealed: total.resealed + more.resealed,
    current: total.current + more.current,
    unreadable: total.unreadable + more.unreadable,
  };
}

function asObject(json: unknown): JsonObject {
  if (!isJsonObject(json)) throw new TypeError("a record of the host is an object");
  return json;
}
