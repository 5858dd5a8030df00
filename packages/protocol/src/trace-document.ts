import type { LadderStep } from "./ladder.ts";
import { maskUrl } from "./trace-mask.ts";
import { showDetail } from "./trace-message.ts";
import type { TraceStep, TraceStepName, WireMessage } from "./trace-step.ts";

/** The form of a kept trace. It changes when a member changes its meaning or leaves; a member may be added under the same version. */
export const traceSchema = "countersign-trace/1";

/** What a view said of the way that one of its calls takes, in epoch milliseconds. It is the view's word: shown, and never decided on. */
export interface LadderNote extends LadderStep {
  readonly at: number;
}

/** A call as it is put into a document. Times in epoch milliseconds. */
export interface TracedCall {
  readonly id: string;
  /** The call whose view made this one. */
  readonly parentId: string | undefined;
  readonly tool: string;
  readonly origin: "user" | "widget" | "model";
  readonly state: string;
  readonly error: { readonly code: string } | undefined;
  readonly createdAt: number | undefined;
  readonly connector: { readonly name: string; readonly url: string; readonly protocol: string | undefined } | undefined;
  readonly steps: readonly TraceStep[];
  readonly ladder: readonly LadderNote[];
}

/** The document. Times are ISO 8601 in UTC. */
export interface TraceDocument {
  readonly schema: typeof traceSchema;
  readonly exportedAt: string;
  readonly calls: readonly DocumentCall[];
}

export interface DocumentCall {
  readonly id: string;
  readonly parentId?: string;
  readonly tool: string;
  readonly origin: "user" | "widget" | "model";
  readonly state: string;
  readonly error?: { readonly code: string };
  readonly createdAt?: string;
  readonly connector?: { readonly name: string; readonly url: string; readonly protocol?: string };
  readonly steps: readonly DocumentStep[];
  /** What the view of this call said of the ways that its own calls take. */
  readonly ladder: readonly (LadderStep & { readonly at: string })[];
}

export interface DocumentStep {
  readonly seq: number;
  readonly at: string;
  readonly step: TraceStepName;
  readonly title: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly messages: readonly WireMessage[];
}

/** Makes the document of these calls, each with its own steps. Details and addresses are masked once more, whoever wrote them. */
export function toTraceDocument(calls: readonly TracedCall[], exportedAt: number): TraceDocument {
  return { schema: traceSchema, exportedAt: timeOf(exportedAt), calls: calls.map(toDocumentCall) };
}

function toDocumentCall({ id, parentId, tool, origin, state, error, createdAt, connector, steps, ladder }: TracedCall): DocumentCall {
  return {
    id,
    ...(parentId === undefined ? {} : { parentId }),
    tool,
    origin,
    state,
    ...(error === undefined ? {} : { error: { code: error.code } }),
    ...(createdAt === undefined ? {} : { createdAt: timeOf(createdAt) }),
    ...(connector === undefined ? {} : { connector: toDocumentConnector(connector) }),
    steps: steps.map((step) => ({
      seq: step.seq,
      at: timeOf(step.at),
      step: step.step,
      title: step.title,
      detail: showDetail(step.detail),
      messages: step.messages ?? [],
    })),
    ladder: ladder.map(({ at, tool: named, rung, outcome }) => ({ at: timeOf(at), tool: named, rung, outcome })),
  };
}

function toDocumentConnector({ name, url, protocol }: NonNullable<TracedCall["connector"]>): NonNullable<DocumentCall["connector"]> {
  return { name, url: maskUrl(url), ...(protocol === undefined ? {} : { protocol }) };
}

/** A time that no calendar has is the first one. */
function timeOf(ms: number): string {
  return new Date(Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? ms : 0).toISOString();
}
