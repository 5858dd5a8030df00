import { createHash } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import canonicalize from "canonicalize";
import { z } from "zod";

/** What a write answered, as it is kept and repeated. */
export interface KeptAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One write as its client named it: a key counts for one client and one path. */
export interface KeyedWrite {
  readonly principal: string;
  readonly path: string;
  readonly key: string;
  /** As it was parsed; undefined when there was none. */
  readonly body: unknown;
}

/** The right to carry out a write. */
export interface Claim {
  /**
   * Keeps the answer, in the transaction of the effect where there is one. Throws {@link ClaimLost} when the claim has run out and somebody else has taken the
   * write over: then nothing of this transaction may remain.
   */
  keep(db: Pick<Database<unknown>, "records">, answer: KeptAnswer): Promise<void>;
  /** Gives the key free for the same request: nothing was decided. An answer that is kept already stays. */
  release(): Promise<void>;
}

export type ClaimOutcome =
  | { readonly outcome: "mine"; readonly claim: Claim }
  | { readonly outcome: "replay"; readonly answer: KeptAnswer }
  /** The key came with another body. */
  | { readonly outcome: "conflict" }
  | { readonly outcome: "in_flight" };

export interface KeyedAnswers {
  claim(write: KeyedWrite): Promise<ClaimOutcome>;
}

/** Somebody else carries the write out by now. */
export class ClaimLost extends Error {
  constructor() {
    super("the claim was taken over");
  }
}

/** How long an answer is kept; ACP wants 24 hours at least. */
export const answerMsMax: number = 48 * 3_600_000;

/** How long a write may run. One that its process has left behind is taken over after that: every step of it has a key of its own. */
export const runMsMax = 120_000;

/** How many that are over are removed whenever one is added. */
const sweptAtOnce = 20;
const attemptsMax = 5;

const stored = z.discriminatedUnion("state", [
  z.object({ state: z.literal("running"), digest: z.string(), until: z.int() }),
  z.object({ state: z.literal("free"), digest: z.string() }),
  z.object({ state: z.literal("answered"), digest: z.string(), sealed: z.string() }),
]);
type Stored = z.infer<typeof stored>;

const kind: RecordKind<Stored> = { name: "agent-answer", parse: (json) => stored.parse(json) };
const answerShape = z.object({ status: z.int(), body: z.unknown() });

/**
 * Runs each write once per key (ACP, section 6 of the checkout RFC): the same key with a body that means the same gets the first answer again, with another body a
 * conflict, while the first runs "in flight". Two bodies mean the same when their canonical forms (RFC 8785) are equal: `1.0` is `1`, the order of members is
 * nothing, null is not absent. A protocol that compares bodies byte for byte gives the body as a text.
 */
export function createKeyedAnswers(db: Pick<Database<unknown>, "records">, sealer: Sealer, clock: () => EpochMs): KeyedAnswers {
  const records = db.records(kind);
  return {
    async claim({ principal, path, key, body }) {
      const id = digestOf([principal, path, key]);
      const digest = digestOf(body === undefined ? [] : [body]);
      await records.deleteExpired(clock(), sweptAtOnce);
      for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
        const now = clock();
        const running: Stored = { state: "running", digest, until: now + runMsMax };
        const options = { expiresAt: now + answerMsMax };
        const made = await records.create(id, running, options);
        if (made.ok) return mine(made.value);
        // One that is over is still in the way, so it is read as if no time had passed.
        const held = await records.get(id, 0);
        if (held === undefined) continue;
        const verdict = judge(held, digest, now);
        if (verdict === "replay" && held.value.state === "answered") return { outcome: "replay", answer: open(id, held.value.sealed) };
        if (verdict === "conflict" || verdict === "in_flight") return { outcome: verdict };
        const taken = await records.update(id, held.version, running, options);
        if (taken.ok) return mine(taken.value);
      }
      return { outcome: "in_flight" };
    },
  };

  function mine({ id, version, value: { digest } }: StoredRecord<Stored>): ClaimOutcome {
    const write = async (to: Records<Stored>, value: Stored): Promise<boolean> => (await to.update(id, version, value)).ok;
    return {
      outcome: "mine",
      claim: {
        async keep(tx, answer) {
          const sealed = sealer.seal(JSON.stringify(answer), aadOf(id));
          if (!(await write(tx.records(kind), { state: "answered", digest, sealed }))) throw new ClaimLost();
        },
        async release() {
          await write(records, { state: "free", digest });
        },
      },
    };
  }

  function open(id: string, sealed: string): KeptAnswer {
    const text = sealer.open(sealed, aadOf(id));
    if (!text.ok) throw new TypeError("a kept answer cannot be opened; the sealing key is another one");
    return answerShape.parse(JSON.parse(text.value));
  }
}

/** `take`: nobody has the write, or whoever had it is gone. */
function judge({ value, expiresAt }: StoredRecord<Stored>, digest: string, now: EpochMs): "replay" | "conflict" | "in_flight" | "take" {
  if (expiresAt !== null && expiresAt <= now) return "take";
  // After a failure of the server the key stands for nothing yet.
  if (value.state === "free") return "take";
  if (value.digest !== digest) return "conflict";
  if (value.state === "answered") return "replay";
  return now < value.until ? "in_flight" : "take";
}

function aadOf(id: string): string {
  return `store:agent-answer:${id}`;
}

function digestOf(value: readonly unknown[]): string {
  const canonical = canonicalize(value);
  if (canonical === undefined) throw new TypeError("only JSON values have a digest");
  return createHash("sha256").update(canonical).digest("base64url");
}
