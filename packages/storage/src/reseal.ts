import type { EpochMs } from "@countersign/protocol/brand";
import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";
import type { Database } from "./database.ts";
import { Instances } from "./instances.ts";
import type { RecordKind, Records, StoredRecord } from "./records.ts";
import { keyIdOf, type Sealer } from "./sealed.ts";

/** A sealed text inside a record, and the identity that it is bound to. */
export interface SealedField<Kind extends string = string> {
  readonly kind: Kind;
  /** Its name, or its path with dots. */
  readonly field: string;
  /** The text that `Sealer` needs to open it, read from the record itself. */
  readonly text: (id: string, row: JsonObject) => string;
}

export interface ResealOptions {
  readonly database: Pick<Database<unknown>, "records">;
  /** Seals with the new key and opens with the others too. */
  readonly sealer: Sealer;
  /** Every sealed text of the party: what is missing here is lost when the old key is taken away. */
  readonly fields: readonly SealedField[];
  readonly clock: () => EpochMs;
  /** Told of each text that no key opens. It stays as it is. */
  readonly report: (kind: string, id: string) => void;
  /** Records in one step, default 100. */
  readonly batch?: number;
}

/** How many sealed texts there are: written anew, already under the new key, and not to be opened. */
export interface ResealReport {
  readonly resealed: number;
  readonly current: number;
  readonly unreadable: number;
}

type Progress = ResealReport & { readonly kind: string; readonly after?: string | undefined };

const progressKind: RecordKind<Progress> = { name: "reseal_progress", parse: parseProgress };

/** Names the records of progress, for the sweep of expired ones. */
export const resealProgressKindName: string = progressKind.name;

/** How long the progress of a run that was cut is kept after its last step. */
export const resealProgressKeptMs: number = 7 * 24 * 60 * 60 * 1000;

const batchDefault = 100;
const conflictsMax = 20;

/**
 * Seals every sealed text anew under the current key, while the party runs: record by record, each by compare-and-set, so that an instance's own change is never
 * overwritten. How far it came is stored, and a run that was cut goes on there. Two at a time do no harm. Refuses, naming them, while running instances
 * seal with another key: what they write would be lost with it.
 */
export async function reseal(options: ResealOptions): Promise<Result<ResealReport, readonly string[]>> {
  const { database, sealer, clock } = options;
  const behind = await new Instances(database, clock).sealingOtherwise(sealer.keyId);
  if (behind.length > 0) return err(behind);
  const kinds = [...new Set(options.fields.map((field) => field.kind))];
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
      await stored.put(sealer.keyId, progress, { expiresAt: clock() + resealProgressKeptMs });
    }
  }
  await stored.delete(sealer.keyId);
  const { resealed, current, unreadable } = progress;
  return ok({ resealed, current, unreadable });
}

async function resealRecord(
  options: ResealOptions,
  kind: string,
  records: Records<JsonObject>,
  first: StoredRecord<JsonObject>,
): Promise<ResealReport> {
  const fields = options.fields.filter((field) => field.kind === kind);
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
  if (!isJsonObject(json)) throw new TypeError("a record with a sealed text is an object");
  return json;
}

function parseProgress(json: unknown): Progress {
  const [resealed, current, unreadable] = ["resealed", "current", "unreadable"].map((name) => Number(member(json, name)));
  const [kind, after] = [member(json, "kind"), member(json, "after")];
  if (resealed === undefined || current === undefined || unreadable === undefined || typeof kind !== "string") throw new TypeError("no progress");
  return { resealed, current, unreadable, kind, after: typeof after === "string" ? after : undefined };
}
