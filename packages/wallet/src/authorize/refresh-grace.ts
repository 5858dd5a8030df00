import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { errors } from "oidc-provider";
import { sha256 } from "../digest.ts";
import { openJson, sealedKind, sealJson } from "../sealed-json.ts";

export const refreshGraceMs = 30_000;

const kind = sealedKind("refresh-answer");

/** Names the records of answers, for the sweep of expired ones. */
export const refreshAnswerKindName: string = kind.name;

/**
 * A client whose answer to a refresh was lost sends the same refresh token again. For {@link refreshGraceMs} it gets the very same answer, so nothing is
 * minted twice; later, the token's use is a replay and ends the family. oidc-provider has verified client, grant and binding before it consumes the token,
 * which is the only place where an earlier answer comes back.
 */
export interface RefreshGrace {
  /** Whether a token consumed at that time may still get its earlier answer. */
  covers(consumedAt: EpochMs, now: EpochMs): boolean;
  /** Keeps the answer that a refresh token was exchanged for. */
  keep(refreshToken: string, answer: unknown): Promise<void>;
  /** Whether the token was exchanged within the grace. */
  hasAnswer(refreshToken: string): Promise<boolean>;
  /** Throws {@link EarlierAnswer} when the token was exchanged within the grace; returns when it was not. */
  throwEarlierAnswer(refreshToken: string): Promise<void>;
}

/** Carries the kept answer out of oidc-provider's handler, past its error path, to the middleware that sends it. */
export class EarlierAnswer extends errors.InvalidGrant {
  readonly answer: unknown;

  constructor(answer: unknown) {
    super("answered before");
    this.answer = answer;
  }
}

export function createRefreshGrace(database: Pick<Database<unknown>, "records">, sealer: Sealer, now: () => EpochMs): RefreshGrace {
  const records = database.records(kind);
  const idOf = (refreshToken: string): string => sha256(`refresh-answer\n${refreshToken}`);
  return {
    covers: (consumedAt, at) => at - consumedAt < refreshGraceMs,

    async keep(refreshToken, answer) {
      const id = idOf(refreshToken);
      await records.put(id, sealJson(sealer, `${kind.name}:${id}`, answer), { expiresAt: now() + refreshGraceMs });
    },

    hasAnswer: async (refreshToken) => (await records.get(idOf(refreshToken), now())) !== undefined,

    async throwEarlierAnswer(refreshToken) {
      const id = idOf(refreshToken);
      const kept = await records.get(id, now());
      if (kept !== undefined) throw new EarlierAnswer(openJson(sealer, `${kind.name}:${id}`, kept.value));
    },
  };
}
