import { authorizationRoundsMax, isSettled, type CallState, type Demand } from "@countersign/protocol/auth-flow";
import type { EpochMs } from "@countersign/protocol/brand";
import { toWidgetError, type ErrorCode, type WidgetError } from "@countersign/protocol/errors";
import { formatScope, parseScope } from "@countersign/protocol/scope";
import type { CallOrigin } from "@countersign/protocol/security";
import type { JsonObject } from "@countersign/protocol/shape";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import { z } from "zod";
import { dueMinute, errorCodeSchema, traceSchema, type FlowView } from "../authorize/flow-record.ts";
import type { TraceStep } from "../trace.ts";
import { hintsSchema, type CallHints } from "./hints.ts";

/** A call's durable row. Arguments and result are sealed; the digests bind a resumed call to what was asked for and to the tool as it was then. */
export interface CallRow {
  readonly userId: string;
  readonly connectorId: string;
  readonly tool: string;
  readonly origin: CallOrigin;
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
  readonly detail?: string | undefined;
  readonly sealedResult?: string | undefined;
  readonly createdAt: EpochMs;
  readonly deadline: EpochMs;
  /** Until then the process that drives the call is believed to be alive. */
  readonly leaseUntil: EpochMs;
  readonly trace: readonly TraceStep[];
}

export type StoredCall = StoredRecord<CallRow>;

/** {@link CallState} as JSON: sets become texts. */
export interface StoredState {
  readonly phase: CallState["phase"];
  readonly rounds: number;
  readonly token: "attach" | "omit";
  readonly retried: boolean;
  readonly repeatable: boolean;
  readonly code?: ErrorCode | undefined;
  readonly demand?: { readonly kind: "scope"; readonly scope: string } | { readonly kind: "url" } | undefined;
}

const stateSchema: z.ZodType<StoredState> = z.object({
  phase: z.enum(["received", "resuming", "dispatched", "completed", "authorizing", "refused", "failed"]),
  rounds: z.number().int().min(0).max(authorizationRoundsMax),
  token: z.enum(["attach", "omit"]),
  retried: z.boolean(),
  repeatable: z.boolean(),
  code: errorCodeSchema.optional(),
  demand: z.union([z.object({ kind: z.literal("scope"), scope: z.string() }), z.object({ kind: z.literal("url") })]).optional(),
});

const rowSchema: z.ZodType<CallRow> = z.object({
  userId: z.string(),
  connectorId: z.string(),
  tool: z.string(),
  origin: z.enum(["model", "widget", "user"]),
  widgetId: z.string().optional(),
  hints: hintsSchema.optional(),
  sealedArguments: z.string(),
  argumentsDigest: z.string(),
  toolDigest: z.string(),
  state: stateSchema,
  attempt: z.number().int(),
  flowId: z.string().optional(),
  resourceMetadata: z.string().optional(),
  detail: z.string().optional(),
  sealedResult: z.string().optional(),
  createdAt: z.number(),
  deadline: z.number(),
  leaseUntil: z.number(),
  trace: traceSchema,
});

export const callKind: RecordKind<CallRow> = { name: "call", parse: (json) => rowSchema.parse(json) };

export function toStoredState(state: CallState): StoredState {
  const { phase, rounds, token, retried, repeatable } = state;
  const common = { phase, rounds, token, retried, repeatable };
  if (state.phase === "authorizing") return { ...common, demand: storeDemand(state.demand) };
  if (state.phase === "refused" || state.phase === "failed") return { ...common, code: state.code };
  return common;
}

/** Throws on a row that this code did not write. */
export function fromStoredState(stored: StoredState): CallState {
  const { phase, rounds, token, retried, repeatable } = stored;
  const progress = { rounds, token, retried, repeatable };
  if (phase === "authorizing") return { ...progress, phase, demand: readDemand(stored) };
  if (phase === "refused" || phase === "failed") {
    if (stored.code === undefined) throw new TypeError("a failed call has a code");
    return { ...progress, phase, code: stored.code };
  }
  return { ...progress, phase };
}

/** True while the call waits for a flow and no process drives it. */
export function isParked(row: CallRow): boolean {
  return row.state.phase === "authorizing" && row.flowId !== undefined;
}

/** Index keys: parked calls by flow, driven ones by `running`, open ones by the minute of their deadline. */
export function callKeys(row: CallRow): Readonly<Record<string, string>> {
  if (isSettled(fromStoredState(row.state))) return { user: row.userId };
  const open = { user: row.userId, due: dueMinute(row.deadline) };
  return isParked(row) && row.flowId !== undefined ? { ...open, flow: row.flowId, parked: row.userId } : { ...open, running: "yes" };
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
  readonly flow?: FlowView;
  /** The flow shown is another call's: this one gets its own after it. */
  readonly queued?: true;
  readonly result?: JsonObject;
  readonly error?: WidgetError & { readonly detail?: string };
  /** Grows with every change of the call. */
  readonly version: number;
}

export function toCallView(call: StoredCall, flow: FlowView | undefined, result: JsonObject | undefined): CallView {
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
    ...(flow === undefined ? {} : { flow, ...(isCovered(row, flow) ? {} : { queued: true as const }) }),
    ...(result === undefined ? {} : { result }),
    ...(code === undefined ? {} : { error: { ...toWidgetError({ code }, id), ...(row.detail === undefined ? {} : { detail: row.detail }) } }),
  };
}

function isCovered(row: CallRow, flow: FlowView): boolean {
  const { demand } = row.state;
  return demand?.kind !== "scope" || demand.scope.split(" ").every((token) => token === "" || flow.scope.includes(token));
}

function storeDemand(demand: Demand): NonNullable<StoredState["demand"]> {
  return demand.kind === "scope" ? { kind: "scope", scope: formatScope(demand.scope) } : { kind: "url" };
}

function readDemand(stored: StoredState): Demand {
  if (stored.demand === undefined) throw new TypeError("a parked call has a demand");
  if (stored.demand.kind === "url") return { kind: "url" };
  const scope = parseScope(stored.demand.scope);
  if (!scope.ok) throw new TypeError("a parked call's scope cannot be read");
  return { kind: "scope", scope: scope.value };
}
