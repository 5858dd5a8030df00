import { refuse, toHttpError, type Refusal } from "@countersign/protocol/errors";
import { err, type Result } from "@countersign/protocol/result";
import { readJson } from "@countersign/service/body";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import type { z } from "zod";
import type { Session, Sessions } from "../sessions.ts";

/** A request of a signed-in page. */
export interface Asking {
  readonly request: Request;
  readonly session: Session;
}

/**
 * Lets a request in only with a live session and, when it may change something, only from the console's own origin (Fetch standard `Origin`, and
 * `Sec-Fetch-Site` where the browser sends it): a cookie alone proves nothing about who made the page.
 */
export async function judgeAsking(request: Request, sessions: Sessions, publicUrl: string): Promise<Result<Asking, Refusal>> {
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  const writes = request.method !== "GET" && request.method !== "HEAD";
  if ((writes && origin !== publicUrl) || (origin !== null && origin !== publicUrl) || site === "cross-site" || site === "same-site") {
    return err(refuse("forbidden_origin"));
  }
  const session = await sessions.find(request);
  return session === undefined ? err(refuse("not_signed_in")) : { ok: true, value: { request, session } };
}

/** Reads a JSON body into the shape of `schema`. */
export async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<Result<T, Refusal>> {
  const body = await readJson(request);
  if (!body.ok) return body;
  const parsed = schema.safeParse(body.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  return err(refuse("invalid_request", issue === undefined ? undefined : `${issue.path.join(".")}: ${issue.message}`));
}

/** Answers with a value, or with the refusal. */
export function respond<T>(result: Result<T, Refusal>, status = 200, shape: (value: T) => unknown = (value) => value): Response {
  return result.ok ? respondJson(status, shape(result.value)) : respondRefusal(result.error);
}

/** `?wait=0..25` in seconds; anything else counts as 0. */
export function waitMs(request: Request): number {
  const text = new URL(request.url).searchParams.get("wait") ?? "0";
  return /^\d{1,2}$/.test(text) ? Math.min(Number(text), 25) * 1000 : 0;
}

/** What a page is told of a refusal inside a larger answer: code and public text. */
export function toPublicError(refusal: Refusal): { readonly code: string; readonly message: string; readonly retryable: boolean } {
  const { body } = toHttpError(refusal);
  return { code: refusal.code, message: body.error_description, retryable: body.retryable };
}
