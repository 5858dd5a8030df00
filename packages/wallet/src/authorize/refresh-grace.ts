import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { sha256 } from "../digest.ts";
import { openJson, sealedKind, sealJson } from "../sealed-json.ts";

export const refreshGraceMs = 30_000;

const kind = sealedKind("refresh-answer");

/** Names the records of answers, for the sweep of expired ones. */
export const refreshAnswerKindName: string = kind.name;

/** `asked` is the digest of what was asked for. */
interface KeptAnswer {
  readonly asked: string;
  readonly answer: unknown;
}

const keptAnswer = z.object({ asked: z.string(), answer: z.unknown() });

/**
 * A client whose answer to a refresh was lost sends the same refresh token again. For {@link refreshGraceMs} it gets the very same answer, so nothing is
 * minted twice; whoever asks for something else meanwhile, as for another resource, gets nothing. Later, the token's use is a replay and ends the family. oidc-provider has verified client, grant and binding before it asks for the token's
 * consumption, and only what it lets through gets an earlier answer.
 */
export interface RefreshGrace {
  /** Whether a token consumed at that time may still get its earlier answer. */
  covers(consumedAt: EpochMs, now: EpochMs): boolean;
  /** Keeps the answer that a refresh token is exchanged for, in the transaction of the exchange. */
  keep(tx: Pick<Database<unknown>, "records">, refreshToken: string, kept: KeptAnswer): Promise<void>;
  /** Whether the token was exchanged within the grace. */
  hasAnswer(refreshToken: string): Promise<boolean>;
  /** The answer that the token was exchanged for within the grace; undefined when there is none, or something else was asked. */
  earlierAnswer(refreshToken: string, asked: string): Promise<KeptAnswer | undefined>;
}

export function createRefreshGrace(database: Pick<Database<unknown>, "records">, sealer: Sealer, now: () => EpochMs): RefreshGrace {
  const records = database.records(kind);
  const idOf = (refreshToken: string): string => sha256(`refresh-answer\n${refreshToken}`);
  return {
    covers: (consumedAt, at) => at - consumedAt < refreshGraceMs,

    async keep(tx, refreshToken, { asked, answer }) {
      const id = idOf(refreshToken);
      await tx.records(kind).put(id, sealJson(sealer, `${kind.name}:${id}`, { asked, answer }), { expiresAt: now() + refreshGraceMs });
    },

    hasAnswer: async (refreshToken) => (await records.get(idOf(refreshToken), now())) !== undefined,

    async earlierAnswer(refreshToken, asked) {
      const id = idOf(refreshToken);
      const kept = await records.get(id, now());
      const earlier = kept === undefined ? undefined : keptAnswer.parse(openJson(sealer, `${kind.name}:${id}`, kept.value));
      return earlier?.asked === asked ? earlier : undefined;
    },
  };
}
