import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import type { LadderStep } from "@countersign/protocol/ladder";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { LadderNote } from "@countersign/protocol/trace-document";
import type { TraceStep } from "@countersign/protocol/trace-step";
import type { Records } from "@countersign/storage/records";
import type { CallRow, StoredCall } from "./record.ts";

/** What is kept of how a call went. */
export interface CallTrace {
  readonly steps: readonly TraceStep[];
  readonly ladder: readonly LadderNote[];
}

const notesMax = 50;
const attemptsMax = 5;

/**
 * Keeps what the view of a call says of a call of its own, the newest 50; gives all that is kept. `read` gives the call if it is the asking user's. Refuses with
 * `unknown_call`, and with `conflict` when others write all the time.
 */
export async function keepLadderNote(
  calls: Records<CallRow>,
  read: () => Promise<StoredCall | undefined>,
  step: LadderStep,
  at: EpochMs,
): Promise<Result<readonly LadderNote[], Refusal>> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const call = await read();
    if (call === undefined) return err(refuse("unknown_call"));
    const ladder = [...(call.value.ladder ?? []), { at, ...step }].slice(-notesMax);
    const stored = await calls.update(call.id, call.version, { ...call.value, ladder });
    if (stored.ok) return ok(ladder);
  }
  return err(refuse("conflict"));
}
