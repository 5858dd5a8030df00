import { refuse, toHttpError, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import { readJson } from "@countersign/service/body";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import type { Hono } from "hono";
import { z } from "zod";
import type { RateName } from "../limits/rates.ts";
import { type Asking, type Door, type DoorRefusal, parseBody } from "./guard.ts";

/** Who may ask: pages of the console with a session, products with an API key, or both. */
export type Audience = "everyone" | "console" | "products";

/**
 * One operation of the HTTP API. The route reads its body by `body` and the document describes it by the same schema, so that neither can say what the
 * other does not. A path's parameter is written `:id`.
 */
export interface Operation<Body, Answer> {
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly tag: "Connectors" | "Calls" | "Sign-in" | "Views" | "Users" | "Events" | "Chat";
  readonly summary: string;
  readonly audience: Audience;
  readonly query?: readonly QueryParameter[];
  readonly body: z.ZodType<Body>;
  readonly status: number;
  /** What a good answer holds. */
  readonly answer: z.ZodType<Answer>;
  /** What each line of the answer holds when it is asked for as `application/x-ndjson`, if it may be. */
  readonly lines?: z.ZodType;
  /** When it answers HTTP 400 with `{}` and nothing else, if it may. */
  readonly emptyWhen?: string;
  /** What this operation may refuse beyond what every one may. */
  readonly errors: readonly ErrorCode[];
  /** What it counts as; without a word, a `GET` is a `read` and anything else a `write`. */
  readonly rate?: RateName;
}

export type AnyOperation = Operation<unknown, unknown>;

export interface QueryParameter {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType;
}

/** The body of an operation that reads none; whatever is sent is left unread. */
export const noBody: z.ZodType<undefined> = z.undefined();

/** A request that was let in: who asks, the `:id` of its path (empty without one), and its body by the operation's schema. */
export interface Asked<Body> extends Asking {
  readonly id: string;
  readonly body: Body;
}

type Answered<Answer> = Result<Answer, Refusal> | Response;

/** Adds the route of one operation. A `Response` is passed on as it is. */
export function serveOperation<Body, Answer>(
  app: Hono,
  door: Door,
  operation: Operation<Body, Answer>,
  answer: (asked: Asked<Body>) => Promise<Answered<Answer>> | Answered<Answer>,
): void {
  app.on(operation.method, operation.path, async ({ req }) => {
    const asking = await door(req.raw, operation);
    if (!asking.ok) return refuseEntry(asking.error);
    const read = operation.body.def.type === "undefined" ? ok(undefined) : await readJson(req.raw);
    const body = read.ok ? parseBody(read.value, operation.body) : read;
    if (!body.ok) return respondRefusal(body.error);
    const answered = await answer({ ...asking.value, id: req.param("id") ?? "", body: body.value });
    if (answered instanceof Response) return answered;
    return answered.ok ? respondJson(operation.status, answered.value) : respondRefusal(answered.error);
  });
}

/** A 401 says how to come in (RFC 9110 section 11.6.1), a 429 when. */
function refuseEntry({ retryAfterS, ...refusal }: DoorRefusal): Response {
  if (refusal.code === "invalid_client") return respondRefusal(refusal, { "www-authenticate": 'Bearer realm="countersign"' });
  return respondRefusal(refusal, retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) });
}

/** Answers the other methods of known paths with 405 (RFC 9110 section 15.5.6). No path answers a preflight: no other origin may ask. */
export function refuseOtherMethods(app: Hono, operations: readonly AnyOperation[]): void {
  const { body } = toHttpError(refuse("invalid_request", "the method is not allowed"));
  for (const path of new Set(operations.map((operation) => operation.path))) {
    const methods = operations.filter((operation) => operation.path === path).map((operation): string => operation.method);
    const allow = [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])].join(", ");
    app.all(path, () => respondJson(405, body, { allow }));
  }
}
