import { type Refusal, refuse } from "@countersign/protocol/errors";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { reportOn, type ServerReport } from "@countersign/protocol/server-matrix";
import type { ServerObservation } from "@countersign/protocol/server-observation";
import { Places } from "@countersign/service/places";
import { respondRefusal } from "@countersign/service/respond";
import type { Hono } from "hono";
import { examineServer, type ExamineStep, examineSteps } from "../doctor/examine.ts";
import { examinationPlaces } from "../limits/places.ts";
import type { Door } from "./guard.ts";
import { type Operation, serveOperation } from "./operation.ts";
import { examinationLine, type ExaminationLine, newExamination, type NewExamination, reportView } from "./schemas/doctor.ts";

export const examine: Operation<NewExamination, ServerReport> = {
  id: "examine",
  method: "POST",
  path: "/api/doctor",
  tag: "Connectors",
  rate: "examine",
  summary:
    "Look at any server from outside, without signing in, and say how it fares in each host. At most 70 requests to it, for at most a minute. Asked for lines, it tells each step as it begins; a request that is left ends the examination.",
  audience: "console",
  body: newExamination,
  status: 200,
  answer: reportView,
  lines: examinationLine,
  errors: ["unsafe_url", "rate_limited"],
};

export interface DoctorRoutes {
  readonly door: Door;
  /** Whether servers on this machine may be looked at: only where this host is on it too. */
  readonly localAllowed: boolean;
}

/** Shorter than what proxies wait: what was not seen by then counts as unseen. */
const examinationMs = 60_000;

/** `/api/doctor`. */
export function addDoctorRoutes(app: Hono, { door, localAllowed }: DoctorRoutes): void {
  const places = new Places(examinationPlaces);
  serveOperation(app, door, examine, async ({ request, userId, body }) => {
    const local = URL.canParse(body.url) && isLoopbackUrl(new URL(body.url));
    if (local && !localAllowed) return err(refuse("unsafe_url", "a server on this machine is looked at only in development"));
    const free = places.take(userId, undefined);
    if (free === undefined) return respondRefusal(refuse("rate_limited", "another server is being looked at"), { "retry-after": "5" });
    const leave = new AbortController();
    const signal = AbortSignal.any([request.signal, leave.signal, AbortSignal.timeout(examinationMs)]);
    const run: Run = (onStep) =>
      examineServer(body.url, { reach: local ? "local" : "public", consent: body.call ? "read_only" : "never", signal, onStep }).finally(free);
    if (wantsLines(request)) return tell(run, leave);
    const examined = await run(() => {});
    return examined.ok ? ok(reportOn(examined.value)) : examined;
  });
}

type Run = (onStep: (step: ExamineStep) => void) => Promise<Result<ServerObservation, Refusal>>;

const linesType = "application/x-ndjson";

function wantsLines(request: Request): boolean {
  return (request.headers.get("accept") ?? "").split(",").some((each) => each.split(";", 1)[0]?.trim().toLowerCase() === linesType);
}

/** Answers with a line for each step as it begins, then the report. Whoever stops reading ends the examination. What is refused is refused before the first line. */
async function tell(run: Run, leave: AbortController): Promise<Result<never, Refusal> | Response> {
  const encoder = new TextEncoder();
  const begun = Promise.withResolvers<Refusal | undefined>();
  const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    const write = (line: ExaminationLine): void => {
      if (!leave.signal.aborted) controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
    };
    const onStep = (step: ExamineStep): void => {
      write({ step, number: examineSteps.indexOf(step) + 1, of: examineSteps.length });
      begun.resolve(undefined);
    };
    const finish = (examined: Awaited<ReturnType<Run>>): void => {
      if (examined.ok) write({ report: reportOn(examined.value) });
      begun.resolve(examined.ok ? undefined : examined.error);
      if (!leave.signal.aborted) controller.close();
    };
    const fail = (error: unknown): void => {
      begun.reject(error);
      controller.error(error);
    };
    run(onStep).then(finish).catch(fail);
  };
  const stream = new ReadableStream<Uint8Array>({ start, cancel: () => leave.abort() });
  const refusal = await begun.promise;
  if (refusal !== undefined) return err(refusal);
  return new Response(stream, {
    status: examine.status,
    headers: { "content-type": linesType, "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}
