import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { isBusy, translateSqliteError } from "@countersign/storage/sqlite-errors";

const againMs = 200;

/**
 * One command at a time has the data: a second one would take the first one's calls for those of a process that is gone. The operating system lets go of the lock
 * when its process ends, however it ends. `onBusy` is called once when another command has it. Gives the release; undefined when `signal` aborts first.
 */
export async function takeDataLock(folder: string, onBusy: () => void, signal: AbortSignal): Promise<(() => void) | undefined> {
  const file = new DatabaseSync(join(folder, "cli.lock"), { timeout: 0 });
  for (let told = false; !signal.aborted; told = true) {
    try {
      file.exec("BEGIN EXCLUSIVE");
      return () => file.close();
    } catch (error) {
      if (!isBusy(error)) {
        file.close();
        throw translateSqliteError(error);
      }
      if (!told) onBusy();
    }
    await sleep(againMs, undefined, { signal }).catch(() => undefined);
  }
  file.close();
  return undefined;
}
