import { errorEntry as e, type ErrorEntry } from "./error-entry.ts";
import { type PaymentErrorCode, paymentErrors } from "./payment-errors.ts";

/** Every code. A code is stable once released; texts may improve. Those about money are in `payment-errors.ts`. */
export type ErrorCode =
  | "tool_not_visible"
  | "unknown_tool"
  | "unknown_connector"
  | "unknown_call"
  | "invalid_arguments"
  | "tool_changed"
  | "access_denied"
  | "cancelled"
  | "flow_expired"
  | "call_expired"
  | "flow_failed"
  | "step_up_limit"
  | "input_limit"
  | "answer_refused"
  | "secret_requested"
  | "outcome_unknown"
  | "too_many_pending_calls"
  | "resource_mismatch"
  | "issuer_mismatch"
  | "invalid_metadata"
  | "metadata_not_found"
  | "pkce_unsupported"
  | "registration_unavailable"
  | "device_grant_unsupported"
  | "unsafe_url"
  | "invalid_state"
  | "authorization_server_unreachable"
  | "invalid_challenge"
  | "server_unreachable"
  | "protocol_error"
  | "response_too_large"
  | "widget_refused"
  | "invalid_request"
  | "request_too_large"
  | "unsupported_media_type"
  | "forbidden_origin"
  | "not_signed_in"
  | "not_found"
  | "conflict"
  | "rate_limited"
  | "unavailable"
  | "internal_error"
  | "invalid_client"
  | "client_not_allowed"
  | "invalid_token"
  | "insufficient_scope"
  | "authorization_required"
  | "challenge_expired"
  | "passkey_refused"
  | "unknown_passkey"
  | "passkey_too_new"
  | "passkey_copied"
  | "last_passkey"
  | "too_many_passkeys"
  | "recovery_code_refused"
  | PaymentErrorCode;

const otherErrors: Readonly<Record<Exclude<ErrorCode, PaymentErrorCode>, ErrorEntry>> = {
  // A call that the broker does not start.
  tool_not_visible: e(
    403,
    false,
    "This app may not use that tool.",
    "The tool's visibility does not include this origin, or it belongs to another connector.",
  ),
  unknown_tool: e(404, false, "There is no such tool.", "List the connector's tools; names are compared exactly."),
  unknown_connector: e(404, false, "This connection no longer exists.", "Create the connector again."),
  unknown_call: e(404, false, "This call is not known.", "Calls are visible only to the user who started them."),
  invalid_arguments: e(400, false, "The tool does not accept these values.", "Compare the arguments with the tool's input schema."),
  tool_changed: e(
    409,
    false,
    "This tool has changed. See what is different before you use it again.",
    "Its definition differs from the one that the call was parked with, or that the user last agreed to.",
  ),

  // How a flow can end without a grant.
  access_denied: e(403, true, "Access was not granted.", "The user or the authorization server declined.", "access_denied"),
  cancelled: e(409, true, "This was cancelled.", "The user ended the call, its sign-in or its question in the host."),
  flow_expired: e(408, true, "Sign-in took too long. Please try again.", "A flow lives ten minutes."),
  call_expired: e(408, true, "The call took too long.", "The call passed its deadline while parked or running."),
  flow_failed: e(502, true, "Sign-in did not work. Please try again.", "See the trace for the step that failed."),
  step_up_limit: e(
    403,
    false,
    "The app keeps asking for more access, so the call was stopped.",
    "The server challenged again after two rounds of authorization.",
  ),
  input_limit: e(
    502,
    false,
    "The app kept asking you for more, so the call was stopped.",
    "The server asked for input again after ten rounds of questions within one call.",
  ),
  answer_refused: e(
    400,
    true,
    "This answer came too late, came before, or belongs to another call. Please try again.",
    "`requestState` is sealed, expires, and serves once, for the caller, tool and arguments that it was given to.",
  ),
  secret_requested: e(
    502,
    false,
    "The app asked you for a secret in a form, such as a password or a card number. The form was not shown and nothing was sent.",
    "A form must not ask for secrets (MCP elicitation, form mode). Send the user to a page of your own with an elicitation of mode url.",
  ),
  outcome_unknown: e(
    502,
    false,
    "It is not known whether this took effect. Check before trying again.",
    "After the request was sent the connection broke, or the answer could not be understood, and the tool is not declared idempotent.",
  ),
  too_many_pending_calls: e(429, true, "Too many calls are waiting for sign-in.", "Finish or cancel the pending calls first."),

  // Discovery and authorization, judged by the host. None of these is ever retried automatically.
  resource_mismatch: e(
    502,
    false,
    "This server's sign-in description names another service, so it was not used.",
    "RFC 9728 section 3.3: `resource` must equal the URL that was dialled.",
  ),
  issuer_mismatch: e(
    502,
    false,
    "The answer came from another sign-in service, so it was not used.",
    "RFC 8414 section 3.3 and RFC 9207 section 2.4: compare issuers as plain strings.",
  ),
  invalid_metadata: e(
    502,
    false,
    "This server's sign-in description cannot be used.",
    "The metadata document is malformed or lacks a required member.",
  ),
  metadata_not_found: e(
    502,
    true,
    "This server does not say how to sign in.",
    "Publish protected resource metadata (RFC 9728) at the well-known URL or in `resource_metadata`.",
  ),
  pkce_unsupported: e(502, false, "The sign-in service lacks a required protection.", "`code_challenge_methods_supported` must contain S256."),
  registration_unavailable: e(
    502,
    false,
    "This app is not known to the sign-in service.",
    "Pre-register a client, or enable client id metadata documents at the authorization server.",
  ),
  device_grant_unsupported: e(
    409,
    false,
    "This sign-in service does not offer sign-in on another device.",
    "Its metadata lacks `device_authorization_endpoint`, or its grant types lack the device grant (RFC 8628 section 4).",
  ),
  unsafe_url: e(400, false, "The address is not safe to open.", "Only http(s) URLs without credentials; plain http only on loopback in development."),
  invalid_state: e(
    400,
    false,
    "This sign-in answer does not belong to a sign-in you started.",
    "`state` is unknown, spent, expired or from another browser.",
  ),
  authorization_server_unreachable: e(
    502,
    true,
    "The sign-in service does not answer. Please try again.",
    "The authorization server refused the connection or timed out.",
  ),
  invalid_challenge: e(
    502,
    false,
    "The server's answer could not be understood.",
    "The WWW-Authenticate header or in-result challenge is malformed or too large.",
  ),

  // Servers.
  server_unreachable: e(502, true, "The app's server does not answer. Please try again.", "The MCP server refused the connection or timed out."),
  protocol_error: e(
    502,
    false,
    "The app's server gave an answer that could not be understood.",
    "The response is not valid for the protocol revision in use.",
  ),
  response_too_large: e(502, false, "The app's server sent too much data.", "Keep results under the host's size limit."),
  widget_refused: e(
    422,
    false,
    "This app's view cannot be shown safely.",
    "A declared CSP domain, permission or document is outside the allowed grammar.",
  ),

  // Requests to our own endpoints.
  invalid_request: e(400, false, "The request is not valid.", "See `detail`.", "invalid_request"),
  request_too_large: e(413, false, "The request is too large.", "Keep the body under the documented limit."),
  unsupported_media_type: e(415, false, "This content type is not supported.", "Send `application/json` without content encoding."),
  forbidden_origin: e(
    403,
    false,
    "Requests from this page are not allowed.",
    "The Origin is not a configured one, or the Host header names another site: 421 at a party's own door (RFC 9110 section 15.5.20), 403 at the kit's.",
  ),
  not_signed_in: e(401, false, "Please sign in.", "The session is missing or expired."),
  not_found: e(404, false, "Nothing is here.", "Check the address."),
  conflict: e(409, true, "Something else changed this at the same time. Please try again.", "Read the current state and repeat."),
  rate_limited: e(429, true, "Too many attempts. Please wait a little.", "Honour Retry-After.", "slow_down"),
  unavailable: e(503, true, "The service is starting or stopping. Please try again.", "Honour Retry-After."),
  internal_error: e(500, true, "Something went wrong on our side.", "Find the request id in the log.", "server_error"),

  // Servers that call each other, authenticated by RFC 7523 client assertions.
  invalid_client: e(
    401,
    false,
    "This service could not be identified.",
    "The client assertion is missing, malformed, expired, already used, for another audience, or signed by a key the client does not publish; or the API key is unknown.",
    "invalid_client",
  ),
  client_not_allowed: e(
    403,
    false,
    "This service may not do that.",
    "The client is known, but its role does not include this operation.",
    "unauthorized_client",
  ),

  // Tokens, judged by a resource server (RFC 6750 section 3.1).
  invalid_token: e(
    401,
    false,
    "The sign-in is no longer valid.",
    "The access token is malformed, expired, revoked, or for another audience or issuer.",
    "invalid_token",
  ),
  insufficient_scope: e(403, false, "More access is needed for this.", "The access token lacks a scope that the tool demands.", "insufficient_scope"),
  authorization_required: e(401, false, "Please sign in to do this.", "The tool needs an access token; follow the challenge."),

  // Passkeys.
  challenge_expired: e(400, true, "This took too long. Please try again.", "A ceremony's challenge lives two minutes and is used once."),
  passkey_refused: e(403, false, "The passkey could not be verified.", "Origin, RP id, user verification, counter or signature did not match."),
  unknown_passkey: e(403, false, "This passkey is not known here.", "Create a new one, or use the passkey you registered."),
  passkey_too_new: e(
    403,
    true,
    "This passkey was added recently: it cannot approve payments or remove older passkeys yet. Use an older one, or wait a day.",
    "A passkey that joins an account later moves no money and removes no older passkey for 24 hours.",
  ),
  passkey_copied: e(
    403,
    false,
    "This passkey may have been copied, so it approves no payments and removes no other passkey. Open your account to sort it out.",
    "A signature count came back that was used before. The owner removes or keeps the passkey on the account page.",
  ),
  last_passkey: e(
    409,
    false,
    "This is your only passkey. Make a recovery code or add another passkey first.",
    "An account keeps one passkey unless it has a recovery code.",
  ),
  too_many_passkeys: e(409, false, "There are too many passkeys. Please remove one first.", "An account has at most 20 passkeys."),
  recovery_code_refused: e(403, false, "This recovery code is not valid.", "It was mistyped, used, or replaced by a newer one."),

  // Money.
};

/** Every refusal that any part may answer with. A call, not a spread: bundlers leave it out of pages that do not read it. */
export const errorCatalogue: Readonly<Record<ErrorCode, ErrorEntry>> = /* @__PURE__ */ Object.assign({}, otherErrors, paymentErrors);

/** An expected refusal. `detail` is for developers: never a secret, never markup, at most 300 characters. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly detail?: string;
}

/** Makes a refusal; the detail is cut to its bound. */
export function refuse(code: ErrorCode, detail?: string): Refusal {
  return detail === undefined ? { code } : { code, detail: detail.slice(0, 300) };
}

/** What a widget's rejected promise carries. Never an empty object. */
export interface WidgetError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly callId: string;
}

/** Shapes a refusal for a widget: public text only. */
export function toWidgetError(refusal: Refusal, callId: string): WidgetError {
  const entry = errorCatalogue[refusal.code];
  return { code: refusal.code, message: entry.text, retryable: entry.retryable, callId };
}

/** The JSON body of an HTTP refusal from any party's own API. */
export interface HttpErrorBody {
  readonly error: string;
  readonly error_description: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly detail?: string;
}

/** Shapes a refusal for HTTP: status and a body that OAuth clients can read too. */
export function toHttpError(refusal: Refusal): { readonly status: number; readonly body: HttpErrorBody } {
  const entry = errorCatalogue[refusal.code];
  const body = {
    error: entry.oauth ?? refusal.code,
    error_description: entry.text,
    code: refusal.code,
    retryable: entry.retryable,
  };
  return {
    status: entry.status,
    body: refusal.detail === undefined ? body : { ...body, detail: refusal.detail },
  };
}
