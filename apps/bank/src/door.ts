import { randomUUID } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { respondRefusal } from "@countersign/service/respond";
import { type BankEvent, reasonOf, type ReportEvent } from "./bank-event.ts";
import type { AuthenticatedClient, BankClient, ClientAuthenticator } from "./clients.ts";

/** One request of a client that was let in. `report` adds the request's id. */
export interface Visit {
  readonly request: Request;
  readonly caller: AuthenticatedClient;
  readonly now: EpochMs;
  report(event: BankEvent): void;
}

export type Serve = (visit: Visit) => Promise<Result<Response, Refusal>>;

/** Lets a request in when its client is known and has the role, answers every refusal, and reports each. */
export type Door = (request: Request, role: BankClient["role"], serve: Serve) => Promise<Response>;

export function createDoor(options: {
  readonly authenticator: ClientAuthenticator;
  readonly clock: () => EpochMs;
  readonly report: ReportEvent;
}): Door {
  return async (request, role, serve) => {
    const requestId = request.headers.get("x-request-id") ?? randomUUID();
    const report = (event: BankEvent): void => options.report(event, requestId);
    try {
      const now = options.clock();
      const caller = await options.authenticator.authenticate(request.headers.get("authorization"), now);
      if (!caller.ok) {
        report({ event: "client_refused", ...reasonOf(caller.error) });
        return refused(caller.error);
      }
      const { client } = caller.value;
      const result = client.role === role ? await serve({ request, caller: caller.value, now, report }) : notAllowed;
      if (result.ok) return result.value;
      report({ event: "request_refused", clientId: client.clientId, ...reasonOf(result.error) });
      return refused(result.error);
    } catch (error) {
      report({ event: "request_failed", error });
      return refused(refuse("internal_error", `request ${requestId}`));
    }
  };
}

const notAllowed = { ok: false, error: refuse("client_not_allowed") } as const;

function refused(refusal: Refusal): Response {
  if (refusal.code === "invalid_client") return respondRefusal(refusal, { "www-authenticate": 'Bearer realm="bank"' });
  const comeBack = refusal.code === "idempotency_in_flight" || refusal.code === "unavailable";
  return respondRefusal(refusal, comeBack ? { "retry-after": "1" } : {});
}
