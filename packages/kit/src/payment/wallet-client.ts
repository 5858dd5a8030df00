import type { BrowserUrl, EpochMs, Issuer } from "@countersign/protocol/brand";
import { type ErrorCode, errorCatalogue, type Refusal, refuse } from "@countersign/protocol/errors";
import { isPaymentIdentifier, isSha256, type PaymentRequestStatus, paymentRequestStatuses } from "@countersign/protocol/payment";
import { parseBrowserUrl } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import { boundedText, member } from "@countersign/protocol/shape";
import type { IssuerDocument } from "../bearer/issuer-document.ts";
import { type Fetch, fetchJson, type JsonReply } from "../http/fetch-json.ts";

/** What the wallet says about one payment request. */
export interface PaymentRequestView {
  readonly id: string;
  readonly status: PaymentRequestStatus;
  readonly expiresAt: EpochMs;
  /** The wallet's page for the request; only in the answer to lodging. */
  readonly approvalLink: BrowserUrl | undefined;
  /** It was lodged in the name of one user, now or before; only in the answer to lodging. */
  readonly isForNamedUser: boolean;
  /** Absent in the answer to lodging. */
  readonly checkoutHash: string | undefined;
  /** Only while approved or once redeemed, only for the payee that lodged the request. */
  readonly mandate: Secret | undefined;
}

/** The payee's side of the wallet's API. */
export interface WalletClient {
  /**
   * Lodges a signed checkout; the same checkout gives the same live request. `subject`: the wallet's user who buys, when known; nobody else can approve then, and
   * one that was lodged for another user is refused with `claimed_elsewhere`.
   */
  lodge(checkoutJwt: string, subject?: string): Promise<Result<PaymentRequestView, Refusal>>;
  /** Reads a request, waiting up to `waitSeconds` (0 to 25) for it to leave `created`. `not_found` for a request of another payee. */
  read(requestId: string, waitSeconds: number, signal?: AbortSignal): Promise<Result<PaymentRequestView, Refusal>>;
  /** Ends a request, or takes its approval back before it is used; twice is once. `conflict` when it has ended otherwise, `not_found` as for reading. */
  withdraw(requestId: string): Promise<Result<PaymentRequestView, Refusal>>;
}

export interface WalletClientOptions {
  readonly issuer: Issuer;
  readonly fetch: Fetch;
  readonly clock: () => EpochMs;
  /** RFC 7523 client assertion for the wallet. */
  readonly assertion: () => Promise<Secret>;
  /** The wallet's metadata, or undefined while it cannot be read. */
  readonly document: () => Promise<IssuerDocument | undefined>;
}

interface WalletRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

const timeoutMs = 10_000;
const renewEarlyMs = 30_000;
const scope = "payment_requests";
const unreachable = refuse("authorization_server_unreachable", "the wallet's metadata cannot be read");

/** Builds the client. Its access token (client credentials, `private_key_jwt`) is kept in memory and renewed half a minute before its end. */
export function createWalletClient(options: WalletClientOptions): WalletClient {
  const endpoint = `${options.issuer.replace(/\/$/, "")}/payment-requests`;
  let held: { readonly token: Secret; readonly until: EpochMs } | undefined;
  let renewal: Promise<Result<Secret, Refusal>> | undefined;

  const renew = async (): Promise<Result<Secret, Refusal>> => {
    const document = await options.document();
    if (document === undefined) return err(unreachable);
    const reply = await requestToken(document.tokenEndpoint, endpoint, await options.assertion(), options.fetch);
    if (!reply.ok) return reply;
    held = { token: reply.value.token, until: options.clock() + reply.value.lifetimeMs - renewEarlyMs };
    return ok(reply.value.token);
  };
  const tokenOf = async (): Promise<Result<Secret, Refusal>> => {
    if (held !== undefined && options.clock() < held.until) return ok(held.token);
    renewal ??= renew().finally(() => {
      renewal = undefined;
    });
    return await renewal;
  };
  const send = async (url: string, init: WalletRequest, limitMs: number): Promise<Result<PaymentRequestView, Refusal>> => {
    for (const attempt of [1, 2]) {
      const token = await tokenOf();
      if (!token.ok) return token;
      const headers = { ...init.headers, accept: "application/json", authorization: `Bearer ${token.value.reveal()}` };
      const reply = await fetchJson(options.fetch, url, { ...init, headers }, limitMs);
      if (!reply.ok) return reply;
      if (reply.value.status !== 401 || attempt === 2) return readView(reply.value, options.issuer);
      held = undefined;
    }
    return err(unreachable);
  };

  return {
    lodge: (checkoutJwt, subject) =>
      send(
        endpoint,
        { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ checkout_jwt: checkoutJwt, subject }) },
        timeoutMs,
      ),
    read: (requestId, waitSeconds, signal) =>
      send(`${endpoint}/${encodeURIComponent(requestId)}?wait=${waitSeconds}`, signal ? { signal } : {}, timeoutMs + waitSeconds * 1000),
    withdraw: (requestId) => send(`${endpoint}/${encodeURIComponent(requestId)}/cancel`, { method: "POST" }, timeoutMs),
  };
}

async function requestToken(
  tokenEndpoint: string,
  resource: string,
  assertion: Secret,
  send: Fetch,
): Promise<Result<{ readonly token: Secret; readonly lifetimeMs: number }, Refusal>> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    scope,
    resource,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion.reveal(),
  });
  const reply = await fetchJson(send, tokenEndpoint, { method: "POST", headers: { accept: "application/json" }, body }, timeoutMs);
  if (!reply.ok) return reply;
  const token = boundedText(member(reply.value.body, "access_token"), 8192);
  const seconds = member(reply.value.body, "expires_in");
  if (reply.value.status !== 200 || token === undefined) return err(refuse("client_not_allowed", `the wallet gave no token (${reply.value.status})`));
  return ok({ token: new Secret(token), lifetimeMs: typeof seconds === "number" ? seconds * 1000 : 60_000 });
}

function readView({ status, body }: JsonReply, issuer: Issuer): Result<PaymentRequestView, Refusal> {
  if (status !== 200 && status !== 201) return err(refusalOf(status, body));
  const id = member(body, "id");
  const state = paymentRequestStatuses.find((each) => each === member(body, "status"));
  const expiresAt = Date.parse(boundedText(member(body, "expires_at"), 40) ?? "");
  const hash = member(body, "checkout_hash");
  if (!isPaymentIdentifier(id) || state === undefined || Number.isNaN(expiresAt)) return err(refuse("protocol_error", "not a payment request"));
  const mandate = boundedText(member(body, "mandate"), 32_768);
  return ok({
    id,
    status: state,
    expiresAt,
    isForNamedUser: member(body, "for_named_user") === true,
    approvalLink: readLink(member(body, "approval_url"), issuer),
    checkoutHash: isSha256(hash) ? hash : undefined,
    mandate: mandate === undefined ? undefined : new Secret(mandate),
  });
}

/** Users are led to the wallet and nowhere else. */
function readLink(value: unknown, issuer: Issuer): BrowserUrl | undefined {
  const link = parseBrowserUrl(boundedText(value, 2048) ?? "");
  return link.ok && new URL(link.value).origin === new URL(issuer).origin ? link.value : undefined;
}

function refusalOf(status: number, body: unknown): Refusal {
  if (status === 404) return refuse("not_found", "the wallet does not know this payment request");
  if (status >= 500) return refuse("authorization_server_unreachable", `the wallet answered ${status}`);
  const code = member(body, "code");
  return refuse(isErrorCode(code) ? code : "protocol_error", `the wallet answered ${status}`);
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errorCatalogue, value);
}
