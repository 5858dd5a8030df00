import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { formatScope, parseScope, type ScopeSet } from "@countersign/protocol/scope";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { z } from "zod";
import { errorCodeSchema } from "../authorize/flow-record.ts";
import { digestText } from "../digest.ts";
import { retention } from "../keep/retention.ts";

/** What a server's challenge asked for before it would answer anything. */
export interface SignInNeed {
  readonly scope: ScopeSet;
  readonly resourceMetadata?: string;
  /** It challenged with the scheme DPoP (RFC 9449 section 7.1). */
  readonly dpopChallenged?: boolean;
}

export type ConnectorStatus = "connecting" | "connected" | "sign_in_required" | "failed";

/** How one user's connector stands, for every instance to read. */
export interface Standing {
  readonly status: ConnectorStatus;
  /** Why it failed, or why the last sign-in did not help. */
  readonly error?: Refusal;
  readonly need?: SignInNeed;
  /** The server answered an anonymous listing with a challenge. */
  readonly demandsSignIn: boolean;
  /** When the server was last asked anonymously. */
  readonly askedAt: EpochMs;
  /** What is spoken, such as `2025-11-25`. */
  readonly protocol?: string;
}

interface StandingRow {
  readonly userId: string;
  readonly connectorId: string;
  readonly status: ConnectorStatus;
  readonly error?: Refusal | undefined;
  readonly need?:
    | { readonly scope: string; readonly resourceMetadata?: string | undefined; readonly dpopChallenged?: boolean | undefined }
    | undefined;
  readonly demandsSignIn: boolean;
  readonly askedAt: EpochMs;
  readonly protocol?: string | undefined;
}

const rowSchema = z.object({
  userId: z.string(),
  connectorId: z.string(),
  status: z.enum(["connecting", "connected", "sign_in_required", "failed"]),
  error: z.object({ code: errorCodeSchema, detail: z.string().exactOptional() }).optional(),
  need: z.object({ scope: z.string(), resourceMetadata: z.string().optional(), dpopChallenged: z.boolean().optional() }).optional(),
  demandsSignIn: z.boolean(),
  askedAt: z.number(),
  protocol: z.string().optional(),
});

const standingKind: RecordKind<StandingRow> = { name: "connector_standing", parse: (json) => rowSchema.parse(json) };

const unknown: Standing = { status: "connecting", demandsSignIn: false, askedAt: 0 };
const attemptsMax = 5;

/** The standings of all users' connectors. */
export class Standings {
  readonly #records: Records<StandingRow>;
  readonly #clock: () => EpochMs;

  constructor(database: Database<unknown>, clock: () => EpochMs) {
    this.#records = database.records(standingKind);
    this.#clock = clock;
  }

  async read(userId: string, connectorId: string): Promise<Standing> {
    const record = await this.#records.get(idOf(userId, connectorId), this.#clock());
    return record === undefined ? unknown : fromRow(record.value);
  }

  /** Stores a change; true when it was one. Written only then, so that a listing costs a read. */
  async change(userId: string, connectorId: string, change: (standing: Standing) => Standing): Promise<boolean> {
    const id = idOf(userId, connectorId);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const record = await this.#records.get(id, this.#clock());
      const row = toRow(userId, connectorId, change(record === undefined ? unknown : fromRow(record.value)));
      if (record !== undefined && JSON.stringify(row) === JSON.stringify(toRow(userId, connectorId, fromRow(record.value)))) return false;
      const expiresAt = this.#clock() + retention.connector_standing.ms;
      const written =
        record === undefined
          ? await this.#records.create(id, row, { keys: { user: userId }, expiresAt })
          : await this.#records.update(id, record.version, row, { expiresAt });
      if (written.ok) return true;
    }
    return false;
  }

  async forget(userId: string, connectorId: string): Promise<void> {
    await this.#records.delete(idOf(userId, connectorId));
  }
}

function idOf(userId: string, connectorId: string): string {
  return digestText(`${userId}\n${connectorId}`);
}

function toRow(userId: string, connectorId: string, standing: Standing): StandingRow {
  const { need, ...rest } = standing;
  return { userId, connectorId, ...rest, ...(need === undefined ? {} : { need: { ...need, scope: formatScope(need.scope) } }) };
}

function fromRow(row: StandingRow): Standing {
  const { status, error, need, demandsSignIn, askedAt, protocol } = row;
  const scope = parseScope(need?.scope ?? "");
  return {
    status,
    ...(error === undefined ? {} : { error }),
    ...(need === undefined
      ? {}
      : {
          need: {
            scope: scope.ok ? scope.value : new Set<string>(),
            ...(need.resourceMetadata === undefined ? {} : { resourceMetadata: need.resourceMetadata }),
            ...(need.dpopChallenged === undefined ? {} : { dpopChallenged: need.dpopChallenged }),
          },
        }),
    demandsSignIn,
    askedAt,
    ...(protocol === undefined ? {} : { protocol }),
  };
}
