import { refuse } from "@countersign/protocol/errors";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { err, ok } from "@countersign/protocol/result";
import { reportOn, type ServerReport } from "@countersign/protocol/server-matrix";
import { Places } from "@countersign/service/places";
import { respondRefusal } from "@countersign/service/respond";
import type { Hono } from "hono";
import { examineServer } from "../doctor/examine.ts";
import { examinationPlaces } from "../limits/places.ts";
import type { Door } from "./guard.ts";
import { type Operation, serveOperation } from "./operation.ts";
import { newExamination, type NewExamination, reportView } from "./schemas/doctor.ts";

export const examine: Operation<NewExamination, ServerReport> = {
  id: "examine",
  method: "POST",
  path: "/api/doctor",
  tag: "Connectors",
  rate: "examine",
  summary: "Look at any server from outside, without signing in, and say how it fares in each host. At most 70 requests to it, for at most a minute.",
  audience: "console",
  body: newExamination,
  status: 200,
  answer: reportView,
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
    try {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(examinationMs)]);
      const examined = await examineServer(body.url, { reach: local ? "local" : "public", consent: body.call ? "read_only" : "never", signal });
      return examined.ok ? ok(reportOn(examined.value)) : examined;
    } finally {
      free();
    }
  });
}
