import { refuse, toHttpError, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { askerOf, clientAddressHeader } from "@countersign/service/client-address";
import type { z } from "zod";
import { type ApiClient, type ApiClients, bringsKey } from "../api-clients.ts";
import type { Sessions } from "../sessions.ts";
import { addressRates, type RateName, rateOf, type Rates, rates } from "../limits/rates.ts";
import type { AnyOperation } from "./operation.ts";

/** A request of a user: of a page of the console, or of the product that the user is one of. */
export interface Asking {
  readonly request: Request;
  readonly userId: string;
  /** The product that asks; undefined for the console. */
  readonly client: ApiClient | undefined;
}

/** Why a request was not let in, and after how many seconds it may be, where that is known. */
export interface DoorRefusal extends Refusal {
  readonly retryAfterS?: number;
}

/** Lets a request of an operation in, or says why not. */
export type Door = (request: Request, operation: AnyOperation) => Promise<Result<Asking, DoorRefusal>>;

export interface DoorOptions {
  readonly sessions: Sessions;
  readonly apiClients: ApiClients;
  readonly publicUrl: string;
  readonly rates: Rates;
}

/**
 * Makes the door of the HTTP API. An API key (`Authorization: Bearer`) makes a product's request, a session cookie one of the console's; a request is never both.
 * Whoever is let in is counted, and told when to come back if they ask too often.
 */
export function createDoor(options: DoorOptions): Door {
  return async (request, operation) => {
    const byKey = bringsKey(request);
    const asking = byKey ? judgeProduct(request, options) : await judgePage(request, options);
    if (!asking.ok) return asking;
    if (operation.audience !== "everyone" && (operation.audience === "products") !== byKey) return err(refuse("client_not_allowed"));
    const waitS = count(options.rates, asking.value, rateOf(operation));
    return waitS === undefined ? asking : err({ ...refuse("rate_limited"), retryAfterS: waitS });
  };
}

/** Who asked, as far as the connection tells: for bounds on those who are nobody yet. */
export function askerOfRequest(request: Request): string {
  return askerOf(request.headers.get(clientAddressHeader) ?? "");
}

/** The user first, so that one user's flood is not counted against the product. Gives the seconds to wait. */
function count(counted: Rates, { userId, client }: Asking, name: RateName): number | undefined {
  const bounds = rates[name];
  const user = counted.take(`${name} user ${userId}`, bounds.user);
  if (!user.ok) return user.error;
  const product = client === undefined ? user : counted.take(`${name} client ${client.id}`, bounds.client);
  return product.ok ? undefined : product.error;
}

/** Guesses are counted by address, good keys are not: nobody can lock a product out. */
function judgeProduct(request: Request, { apiClients, rates: counted }: DoorOptions): Result<Asking, DoorRefusal> {
  const caller = apiClients.judge(request);
  if (caller.ok) return ok({ request, ...caller.value });
  if (caller.error.code !== "invalid_client") return caller;
  const guess = counted.take(`key ${askerOfRequest(request)}`, addressRates.refusedKey);
  return guess.ok ? caller : err({ ...refuse("rate_limited"), retryAfterS: guess.error });
}

/**
 * Lets a page in only with a live session and, when it may change something, only from the console's own origin (Fetch standard `Origin`, and
 * `Sec-Fetch-Site` where the browser sends it): a cookie alone proves nothing about who made the page.
 */
async function judgePage(request: Request, { sessions, publicUrl }: DoorOptions): Promise<Result<Asking, Refusal>> {
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  const writes = request.method !== "GET" && request.method !== "HEAD";
  if ((writes && origin !== publicUrl) || (origin !== null && origin !== publicUrl) || site === "cross-site" || site === "same-site") {
    return err(refuse("forbidden_origin"));
  }
  const session = await sessions.find(request);
  return session === undefined ? err(refuse("not_signed_in")) : ok({ request, userId: session.userId, client: undefined });
}

/** Reads a JSON value into the shape of `schema`. */
export function parseBody<T>(value: unknown, schema: z.ZodType<T>): Result<T, Refusal> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return err(refuse("invalid_request", issue === undefined ? undefined : `${issue.path.join(".")}: ${issue.message}`));
}

/** `?wait=0..25` in seconds; anything else counts as 0. */
export function waitMs(request: Request): number {
  const text = new URL(request.url).searchParams.get("wait") ?? "0";
  return /^\d{1,2}$/.test(text) ? Math.min(Number(text), 25) * 1000 : 0;
}

/** `?since=<version>`, the version that the reader has seen; anything else counts as none. */
export function sinceVersion(request: Request): number | undefined {
  const text = new URL(request.url).searchParams.get("since") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** What a page is told of a refusal inside a larger answer: code and public text. */
export function toPublicError(refusal: Refusal): { readonly code: Refusal["code"]; readonly message: string; readonly retryable: boolean } {
  const { body } = toHttpError(refusal);
  return { code: refusal.code, message: body.error_description, retryable: body.retryable };
}
