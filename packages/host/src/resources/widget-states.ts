import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { digestText } from "../digest.ts";
import { retention } from "../keep/retention.ts";

/** Bytes of one widget's state as JSON. */
export const stateBytesMax: number = 64 * 1024;

interface StateRow {
  readonly userId: string;
  readonly sealed: string;
}

const stateSchema = z.object({ userId: z.string(), sealed: z.string() });
const stateKind: RecordKind<StateRow> = { name: "widget_state", parse: (json) => stateSchema.parse(json) };

/**
 * What widgets keep (`window.openai.widgetState`), by user and widget session: the same after a reload, in another tab and after a restart of the host.
 * The last write wins. Sealed, because an app may keep there what is nobody else's business.
 */
export class WidgetStates {
  readonly #records: Records<StateRow>;
  readonly #sealer: Sealer;
  readonly #clock: () => EpochMs;

  constructor(database: Database<unknown>, sealer: Sealer, clock: () => EpochMs) {
    this.#records = database.records(stateKind);
    this.#sealer = sealer;
    this.#clock = clock;
  }

  /** The state as it was written, null before the first write. JSON text that only the widget itself reads. */
  async read(userId: string, session: string): Promise<string | null> {
    const id = recordId(userId, session);
    const record = await this.#records.get(id, this.#clock());
    const opened = record === undefined ? undefined : this.#sealer.open(record.value.sealed, stateSealingText(userId, id));
    return opened?.ok === true ? opened.value : null;
  }

  /** Replaces the state; refuses more than {@link stateBytesMax}. */
  async write(userId: string, session: string, text: string): Promise<Result<{ readonly saved: true }, Refusal>> {
    if (Buffer.byteLength(text) > stateBytesMax) return err(refuse("request_too_large", `a widget's state has at most ${stateBytesMax} bytes`));
    const id = recordId(userId, session);
    const sealed = this.#sealer.seal(text, stateSealingText(userId, id));
    await this.#records.put(id, { userId, sealed }, { keys: { user: userId }, expiresAt: this.#clock() + retention.widget_state.ms });
    return ok({ saved: true });
  }
}

function recordId(userId: string, session: string): string {
  return digestText(`${userId}\n${session}`);
}

/** What a state is sealed for. */
export function stateSealingText(userId: string, id: string): string {
  return `host:widget_state:${JSON.stringify([userId, id])}`;
}
