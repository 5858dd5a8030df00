import type { EpochMs } from "@countersign/protocol/brand";
import type { TokenBinding } from "@countersign/protocol/dpop";
import { errorCatalogue, toWidgetError, type ErrorCode } from "@countersign/protocol/errors";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { parseScope, type ScopeSet } from "@countersign/protocol/scope";
import { member } from "@countersign/protocol/shape";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import type { Reach } from "@countersign/service/dial/address";
import { traceStepNames, type TraceStep } from "@countersign/protocol/trace-step";

export type FlowStateName = "ready" | "opened" | "granted" | "denied" | "cancelled" | "expired" | "failed";

/** What the user reads to finish a flow on another device (RFC 8628 section 3.3). `expired` when the code ended before the flow did. */
export interface FlowDevice {
  readonly state: "waiting" | "expired";
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete?: string | undefined;
  readonly expiresAt: EpochMs;
}

/** One authorization run for (user, resource, issuer). `server` is the judged metadata as a document; `delivered` once every waiting call was told. */
export interface FlowRow {
  readonly userId: string;
  readonly connectorId: string;
  readonly resource: string;
  /** The resource as it names itself to authorization servers (RFC 8707): the same, or its whole origin. */
  readonly indicator: string;
  readonly issuer: string;
  /** The client that this sign-in is for, at that issuer. */
  readonly clientId: string;
  readonly reach: Reach;
  readonly scope: string;
  readonly state: FlowStateName;
  readonly code?: ErrorCode | undefined;
  readonly starts: number;
  readonly waiting: number;
  readonly expiresAt: EpochMs;
  readonly server: unknown;
  /** Whether its tokens are asked for bound to a key. */
  readonly binding?: Exclude<TokenBinding, "none"> | undefined;
  readonly device?: FlowDevice | undefined;
  readonly trace: readonly TraceStep[];
}

/** What the console is told about a flow. */
export interface FlowView {
  readonly id: string;
  readonly connectorId: string;
  readonly issuer: string;
  readonly authorizationServerHost: string;
  readonly scope: readonly string[];
  readonly state: FlowStateName;
  readonly startUrl: string;
  readonly expiresAt: EpochMs;
  /** Whether the authorization server offers sign-in on another device. */
  readonly offersDevice: boolean;
  readonly device?: FlowDevice;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean };
}

/** A code of the catalogue, read back from storage. */
export const errorCodeSchema: z.ZodType<ErrorCode> = z.custom<ErrorCode>(
  (value) => typeof value === "string" && Object.hasOwn(errorCatalogue, value),
);

const wireMessage = z.object({
  way: z.enum(["sent", "received"]),
  line: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown().exactOptional(),
});

export const traceSchema: z.ZodType<readonly TraceStep[]> = z.array(
  z.object({
    seq: z.number(),
    at: z.number(),
    step: z.enum(traceStepNames),
    title: z.string(),
    detail: z.record(z.string(), z.unknown()),
    messages: z.array(wireMessage).exactOptional(),
  }),
);

const deviceSchema = z.object({
  state: z.enum(["waiting", "expired"]),
  userCode: z.string(),
  verificationUri: z.string(),
  verificationUriComplete: z.string().optional(),
  expiresAt: z.number(),
});

const flowSchema = z.object({
  userId: z.string(),
  connectorId: z.string(),
  resource: z.string().refine((text) => parseResourceUri(text).ok),
  indicator: z.string().default(""),
  issuer: z.string().refine((text) => parseIssuer(text).ok),
  // Empty in a row from before ids were noted: such a flow ends, and the next one is complete.
  clientId: z.string().default(""),
  reach: z.enum(["public", "local"]),
  scope: z.string().refine((text) => parseScope(text).ok),
  state: z.enum(["ready", "opened", "granted", "denied", "cancelled", "expired", "failed"]),
  code: errorCodeSchema.optional(),
  starts: z.number(),
  waiting: z.number(),
  expiresAt: z.number(),
  server: z.unknown(),
  binding: z.enum(["offered", "required"]).optional(),
  device: deviceSchema.optional(),
  trace: traceSchema,
});

export const flowKind: RecordKind<FlowRow> = { name: "flow", parse: (json) => flowSchema.parse(json) };

const slotSchema = z.object({ flowId: z.string() });
/** The running flow of one (user, resource, issuer): what makes flows single-flight. */
export const slotKind: RecordKind<{ readonly flowId: string }> = { name: "flow_slot", parse: (json) => slotSchema.parse(json) };

/** One trip to the authorization server, by the digest of its `state`. Consumed by the callback in one conditional write. */
export interface TripRow {
  readonly flowId: string;
  readonly userId: string;
  readonly binding: string;
  readonly callbackId: string;
  readonly sealedVerifier: string;
  /** Begun by a product's link: the browser alone is what the callback is tied to, for such a user has no session here. */
  readonly byLink?: true | undefined;
}

const tripSchema = z.object({
  flowId: z.string(),
  userId: z.string(),
  binding: z.string(),
  callbackId: z.string(),
  sealedVerifier: z.string(),
  byLink: z.literal(true).optional(),
});
export const tripKind: RecordKind<TripRow> = {
  name: "oauth_state",
  parse: (json) => tripSchema.parse(json),
};

/** True while the user can still do something about it. */
export function isLive(row: FlowRow, now: EpochMs): boolean {
  return (row.state === "ready" || row.state === "opened") && row.expiresAt > now;
}

export function scopeOf(row: FlowRow): ScopeSet {
  const scope = parseScope(row.scope);
  return scope.ok ? scope.value : new Set();
}

/** Index keys: a live flow is found by the minute in which it expires, an ended one until its calls were told. */
export function flowKeys(row: FlowRow, delivered: boolean): Readonly<Record<string, string>> {
  const live = row.state === "ready" || row.state === "opened";
  return { user: row.userId, ...(live ? { due: dueMinute(row.expiresAt) } : {}), ...(live || delivered ? {} : { undelivered: "yes" }) };
}

export function dueMinute(at: EpochMs): string {
  return String(Math.floor(at / 60_000));
}

export function toFlowView(id: string, row: FlowRow): FlowView {
  const { code } = row;
  const live = row.state === "ready" || row.state === "opened";
  const told = code === undefined ? undefined : toWidgetError({ code }, "");
  return {
    id,
    connectorId: row.connectorId,
    issuer: row.issuer,
    authorizationServerHost: new URL(row.issuer).host,
    scope: [...scopeOf(row)].toSorted(),
    state: row.state,
    startUrl: `/flows/${id}/start`,
    expiresAt: row.expiresAt,
    offersDevice: member(row.server, "device_authorization_endpoint") !== undefined,
    ...(live && row.device !== undefined ? { device: row.device } : {}),
    ...(told === undefined ? {} : { error: { code: told.code, message: told.message, retryable: told.retryable } }),
  };
}
