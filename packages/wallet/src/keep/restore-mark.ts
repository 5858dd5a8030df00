import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";

const row = z.object({ mark: z.int().nonnegative() });
const markKind: RecordKind<z.infer<typeof row>> = { name: "restore-mark", parse: (json) => row.parse(json) };
const markId = "now";

/**
 * A number that only grows, kept in the database and in a file beside the sealing key. A database that holds a smaller one than the file is older than what
 * this machine has seen: somebody put a backup in its place.
 */
export interface RestoreMark {
  /** Whether the database is older than the file says. */
  isOlder(): Promise<boolean>;
  /** Lets both grow. The database goes first: after a crash in between the file is behind, which says nothing. */
  advance(): Promise<void>;
}

/** `file`: its path; undefined when there is nowhere to keep one, and then nothing is ever found to be older. */
export function createRestoreMark(database: Pick<Database<unknown>, "records">, file: string | undefined): RestoreMark {
  const records = database.records(markKind);
  return {
    async isOlder() {
      const seen = seenIn(file);
      return seen === "unreadable" || seen > ((await records.get(markId, 0))?.value.mark ?? 0);
    },

    async advance() {
      const there = await records.get(markId, 0);
      const seen = seenIn(file);
      const mark = Math.max(there?.value.mark ?? 0, seen === "unreadable" ? 0 : seen) + 1;
      const wrote = there === undefined ? await records.create(markId, { mark }) : await records.update(markId, there.version, { mark });
      // Where another instance was faster, the file follows it the next time.
      if (wrote.ok && file !== undefined) writeWhole(file, String(mark));
    },
  };
}

/** A file that holds no number may have seen anything. */
function seenIn(file: string | undefined): number | "unreadable" {
  if (file === undefined) return 0;
  try {
    const text = readFileSync(file, "utf8");
    return /^\d{1,12}$/.test(text) ? Number(text) : "unreadable";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}

function writeWhole(path: string, text: string): void {
  const draft = `${path}.draft`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}
