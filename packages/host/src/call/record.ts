import {
  authorizationRoundsMax,
  inputRoundsMax,
  isSettled,
  type Ask,
  type CallEvent,
  type CallState,
  type Demand,
} from "@countersign/protocol/auth-flow";
import type { EpochMs } from "@countersign/protocol/brand";
import { toWidgetError, type ErrorCode, type WidgetError } from "@countersign/protocol/errors";
import { defaultProfile, profileNames } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import type { Progress } from "@countersign/protocol/progress";
import { formatScope, parseScope } from "@countersign/protocol/scope";
import type { CallOrigin } from "@countersign/protocol/security";
import type { JsonObject } from "@countersign/protocol/shape";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import { z } from "zod";
import { dueMinute, errorCodeSchema, traceSchema, type FlowView } from "../authorize/flow-record.ts";
import { rungOutcomes, rungs } from "@countersign/protocol/ladder";
import type { LadderNote } from "@countersign/protocol/trace-document";
import type { TraceStep } from "@countersign/protocol/trace-step";
import { hintsSchema, type CallHints } from "./hints.ts";
import { askingRowSchema, type AskingRow, type AskingView } from "./asking.ts";

/** A call's durable row. Arguments and result are sealed; the digests bind a resumed call to what was asked for and to the tool as it was then. */
export interface CallRow {
  readonly userId: string;
  readonly connectorId: string;
  readonly tool: string;
  readonly origin: CallOrigin;
  /** The host that was acted out when the call began: it ends as it began. */
  readonly profile: HostProfile;
  /** The view is answered with HTTP 400 and `{}`, and with no reason. */
  readonly emptied?: true | undefined;
  readonly widgetId?: string | undefined;
  readonly hints?: CallHints | undefined;
  readonly sealedArguments: string;
  readonly argumentsDigest: string;
  readonly toolDigest: string;
  readonly state: StoredState;
  /** Which dispatch the row stands at: an answer to an earlier one is dropped. */
  readonly attempt: number;
  readonly flowId?: string | undefined;
  readonly resourceMetadata?: string | undefined;
  /** The server challenged with the scheme DPoP. */
  readonly dpopChallenged?: boolean | undefined;
  readonly detail?: string | undefined;
  readonly sealedResult?: string | undefined;
  /** What the server asks the user, while it does; the questions and the server's state are sealed. */
  readonly asking?: AskingRow | undefined;
  readonly sealedAsking?: string | undefined;
  /** The digest of the questions asked last. */
  readonly lastAsked?: string | undefined;
  /** What the user answered last: it goes along whenever the call is sent again. */
  readonly sealedContinuation?: string | undefined;
  /** The sign-in that the call waits for comes soon after the user refused one: shown without any push. */
  readonly quiet?: boolean | undefined;
  readonly createdAt: EpochMs;
  readonly deadline: EpochMs;
  /** Until then the process that drives the call is believed to be alive. */
  readonly leaseUntil: EpochMs;
  readonly trace: readonly TraceStep[];
  /** What the view of this call said of the ways that its own calls take: shown, and never decided on. */
  readonly ladder?: readonly LadderNote[] | undefined;
}

export type StoredCall = StoredRecord<CallRow>;

/** {@link CallState} as JSON: sets become texts. */
export interface StoredState {
  readonly phase: CallState["phase"];
  readonly rounds: number;
  readonly asked: number;
  readonly token: "attach" | "omit";
  readonly retried: boolean;
  readonly repeatable: boolean;
  readonly code?: ErrorCode | undefined;
  readonly demand?: { readonly kind: "scope"; readonly scope: string } | Ask | undefined;
}

const stateSchema: z.ZodType<StoredState> = z.object({
  phase: z.enum(["received", "resuming", "dispatched", "completed", "authorizing", "asking", "refused", "failed"]),
  rounds: z.number().int().min(0).max(authorizationRoundsMax),
  asked: z.number().int().min(0).max(inputRoundsMax).default(0),
  token: z.enum(["attach", "omit"]),
  retried: z.boolean(),
  repeatable: z.boolean(),
  code: errorCodeSchema.optional(),
  demand: z.union([z.object({ kind: z.literal("scope"), scope: z.string() }), z.object({ kind: z.enum(["url", "form"]) })]).optional(),
});

/** What a view may say of a call of its own, and when it was heard. */
export const ladderNoteSchema: z.ZodType<LadderNote> = z.object({
  at: z.number(),
  tool: z.string(),
  rung: z.enum(rungs),
  outcome: z.enum(rungOutcomes),
});

const rowSchema: z.ZodType<CallRow> = z.object({
  userId: z.string(),
  connectorId: z.string(),
  tool: z.string(),
  origin: z.enum(["model", "widget", "user"]),
  profile: z.enum(profileNames).catch(defaultProfile),
  emptied: z.literal(true).optional(),
  widgetId: z.string().optional(),
  hints: hintsSchema.optional(),
  sealedArguments: z.string(),
  argumentsDigest: z.string(),
  toolDigest: z.string(),
  state: stateSchema,
  attempt: z.number().int(),
  flowId: z.string().optional(),
  resourceMetadata: z.string().optional(),
  dpopChallenged: z.boolean().optional(),
  detail: z.string().optional(),
  sealedResult: z.string().optional(),
  asking: askingRowSchema.optional(),
  sealedAsking: z.string().optional(),
  lastAsked: z.string().optional(),
  sealedContinuation: z.string().optional(),
  quiet: z.boolean().optional(),
  createdAt: z.number(),
  deadline: z.number(),
  leaseUntil: z.number(),
  trace: traceSchema,
  ladder: z.array(ladderNoteSchema).optional(),
});

export const callKind: RecordKind<CallRow> = { name: "call", parse: (json) => rowSchema.parse(json) };

export function toStoredState(state: CallState): StoredState {
  const { phase, rounds, asked, token, retried, repeatable } = state;
  const common = { phase, rounds, asked, token, retried, repeatable };
  if (state.phase === "authorizing" || state.phase === "asking") return { ...common, demand: storeDemand(state.demand) };
  if (state.phase === "refused" || state.phase === "failed") return { ...common, code: state.code };
  return common;
}

/** Throws on a row that this code did not write. */
export function fromStoredState(stored: StoredState): CallState {
  const { phase, rounds, asked, token, retried, repeatable } = stored;
  const progress = { rounds, asked, token, retried, repeatable };
  if (phase === "authorizing") return { ...progress, phase, demand: readDemand(stored) };
  if (phase === "asking") {
    const demand = readDemand(stored);
    if (demand.kind === "scope") throw new TypeError("a running call is asked no scope");
    return { ...progress, phase, demand };
  }
  if (phase === "refused" || phase === "failed") {
    if (stored.code === undefined) throw new TypeError("a failed call has a code");
    return { ...progress, phase, code: stored.code };
  }
  return { ...progress, phase };
}

/** The flow that the call waits for, if that is what it waits for. */
export function flowOf({ state, flowId }: CallRow): string | undefined {
  return state.phase === "authorizing" && state.demand?.kind === "scope" ? flowId : undefined;
}

/** True while the call waits for a flow or for the user's answers, and no process drives it. */
export function isParked(row: CallRow): boolean {
  return flowOf(row) !== undefined || (row.state.phase === "authorizing" && row.asking !== undefined);
}

/** When the row must be looked at again: at its deadline, or when its open questions expire. */
export function dueAt(row: CallRow): EpochMs {
  return row.asking === undefined ? row.deadline : Math.min(row.deadline, row.asking.expiresAt);
}

/** Index keys: parked calls by user and flow, driven ones by `running`, open ones by the minute in which something is due. */
export function callKeys(row: CallRow): Readonly<Record<string, string>> {
  if (isSettled(fromStoredState(row.state))) return { user: row.userId };
  const open = { user: row.userId, due: dueMinute(dueAt(row)) };
  if (!isParked(row)) return { ...open, running: "yes" };
  const flow = flowOf(row);
  return { ...open, parked: row.userId, ...(flow === undefined ? {} : { flow }) };
}

/** What has happened to an open call by the mere passing of time. */
export function overdue(row: CallRow, now: EpochMs): CallEvent | undefined {
  if (row.deadline <= now) return { type: "deadline_passed" };
  // In a running request the question's own driver gives up, and tells the server.
  return isParked(row) && dueAt(row) <= now ? { type: "flow_ended", end: "expired" } : undefined;
}

/** What the console, a widget or the model loop is told about a call. */
export interface CallView {
  readonly id: string;
  readonly connectorId: string;
  readonly tool: string;
  readonly origin: CallOrigin;
  readonly state: CallState["phase"];
  readonly rounds: number;
  readonly createdAt: EpochMs;
  readonly deadline: EpochMs;
  readonly widgetId?: string;
  /** The host that is acted out answers the view with HTTP 400 and `{}`, and tells it no reason. */
  readonly emptied?: true;
  readonly flow?: FlowView;
  /** The flow shown is another call's: this one gets its own after it. */
  readonly queued?: true;
  /** No window may open by itself: the user has just refused a sign-in of this connector. */
  readonly quiet?: true;
  /** What the server asks the user. */
  readonly asking?: AskingView;
  /** How far the server says that it is, while it is at work and this process waits for it. */
  readonly progress?: Progress;
  readonly result?: JsonObject;
  readonly error?: WidgetError & { readonly detail?: string };
  /** Grows with every change of the call. */
  readonly version: number;
}

export function toCallView(
  call: StoredCall,
  shown: {
    readonly flow: FlowView | undefined;
    readonly asking: AskingView | undefined;
    readonly progress: Progress | undefined;
    readonly result: JsonObject | undefined;
  },
): CallView {
  const { flow, asking, progress, result } = shown;
  const { id, value: row, version } = call;
  const { code } = row.state;
  return {
    id,
    version,
    connectorId: row.connectorId,
    tool: row.tool,
    origin: row.origin,
    state: row.state.phase,
    rounds: row.state.rounds,
    createdAt: row.createdAt,
    deadline: row.deadline,
    ...(row.widgetId === undefined ? {} : { widgetId: row.widgetId }),
    ...(row.emptied === undefined ? {} : { emptied: row.emptied }),
    ...(flow === undefined ? {} : { flow, ...(isCovered(row, flow) ? {} : { queued: true as const }) }),
    ...(flow !== undefined && row.quiet === true ? { quiet: true as const } : {}),
    ...(asking === undefined ? {} : { asking }),
    ...(progress === undefined || row.state.phase !== "dispatched" ? {} : { progress }),
    ...(result === undefined ? {} : { result }),
    ...(code === undefined ? {} : { error: { ...toWidgetError({ code }, id), ...(row.detail === undefined ? {} : { detail: row.detail }) } }),
  };
}

function isCovered(row: CallRow, flow: FlowView): boolean {
  const { demand } = row.state;
  return demand?.kind !== "scope" || demand.scope.split(" ").every((token) => token === "" || flow.scope.includes(token));
}

function storeDemand(demand: Demand): NonNullable<StoredState["demand"]> {
  return demand.kind === "scope" ? { kind: "scope", scope: formatScope(demand.scope) } : { kind: demand.kind };
}

function readDemand(stored: StoredState): Demand {
  if (stored.demand === undefined) throw new TypeError("a parked call has a demand");
  if (stored.demand.kind !== "scope") return { kind: stored.demand.kind };
  const scope = parseScope(stored.demand.scope);
  if (!scope.ok) throw new TypeError("a parked call's scope cannot be read");
  return { kind: "scope", scope: scope.value };
}
