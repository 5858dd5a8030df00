import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorCatalogue } from "../src/errors.ts";

/** What others may rely on. A line that leaves or changes here breaks them: say so in the changelog. */
const frozenCodes: readonly string[] = [
  "tool_not_visible",
  "unknown_tool",
  "unknown_connector",
  "unknown_call",
  "invalid_arguments",
  "tool_changed",
  "access_denied",
  "cancelled",
  "flow_expired",
  "call_expired",
  "flow_failed",
  "step_up_limit",
  "input_limit",
  "secret_requested",
  "outcome_unknown",
  "too_many_pending_calls",
  "resource_mismatch",
  "issuer_mismatch",
  "invalid_metadata",
  "metadata_not_found",
  "pkce_unsupported",
  "registration_unavailable",
  "unsafe_url",
  "invalid_state",
  "authorization_server_unreachable",
  "invalid_challenge",
  "server_unreachable",
  "protocol_error",
  "response_too_large",
  "widget_refused",
  "invalid_request",
  "request_too_large",
  "unsupported_media_type",
  "forbidden_origin",
  "not_signed_in",
  "not_found",
  "conflict",
  "rate_limited",
  "unavailable",
  "internal_error",
  "invalid_client",
  "client_not_allowed",
  "invalid_token",
  "insufficient_scope",
  "authorization_required",
  "challenge_expired",
  "passkey_refused",
  "unknown_passkey",
  "invalid_amount",
  "checkout_not_open",
  "checkout_expired",
  "out_of_stock",
  "payment_request_expired",
  "payment_denied",
  "payment_pending",
  "payment_outcome_unknown",
  "payment_declined",
  "insufficient_funds",
  "invalid_authorization_details",
  "consent_mismatch",
  "mandate_invalid",
  "mandate_spent",
  "unknown_account",
  "unknown_payment",
  "idempotency_key_required",
  "idempotency_conflict",
  "idempotency_in_flight",
  "exists_with_different_fields",
];

/** Each module and the values it exports; types are checked by the compiler where they are used. */
const frozenExports: Readonly<Record<string, readonly string[]>> = {
  "auth-flow": ["advanceCall", "authorizationRoundsMax", "inputRoundsMax", "isSettled", "receiveCall"],
  brand: [],
  bridge: [
    "appsProtocolVersion",
    "bridgeMethods",
    "idleMeter",
    "isAllowedMessage",
    "maxInFlight",
    "maxMessageBytes",
    "maxMessageDepth",
    "maxMessagesPerSecond",
    "meterMessage",
    "parseBridgeMessage",
    "settleMessage",
  ],
  challenge: [
    "challengeFromError",
    "challengeFromHttp",
    "challengeFromResult",
    "formatWwwAuthenticate",
    "parseWwwAuthenticate",
    "resultChallengeMeta",
  ],
  elicitation: ["hostShown", "isInternationalHost", "judgeAnswer", "readQuestion", "readUrlQuestion"],
  errors: ["errorCatalogue", "refuse", "toHttpError", "toWidgetError"],
  form: ["defaultsOf", "judgeForm", "parseForm"],
  "json-guard": ["inspectJson"],
  mandate: ["judgeMandate", "mandateClaims", "mandateTtlSeconds", "mandateType", "parseMandate"],
  metadata: [
    "authorizationServerMetadataUrls",
    "judgeAuthorizationServer",
    "judgeProtectedResource",
    "judgeResponseIssuer",
    "protectedResourceMetadataUrls",
  ],
  money: ["addMoney", "exponentOf", "formatMinorUnits", "isMinorUnits", "moneyOf", "multiplyMoney", "parseDecimal", "parseMoney"],
  payment: [
    "approvalPreimage",
    "canTransition",
    "checkoutTransitions",
    "isPaymentIdentifier",
    "isSha256",
    "itemCountMax",
    "parseAuthorizationDetails",
    "parseCheckoutTerms",
    "parsePaymentDetails",
    "paymentRequestTransitions",
    "paymentTransitions",
  ],
  "readable-text": ["readableText"],
  resource: ["isLoopbackUrl", "isSecureOrLoopback", "parseBrowserUrl", "parseIssuer", "parseResourceUri"],
  result: ["err", "ok"],
  sandbox: ["parseWidgetPolicy", "proxySandbox", "widgetSandbox"],
  scope: [
    "coversScope",
    "formatScope",
    "isScopeToken",
    "parseScope",
    "paymentRequestIdOf",
    "paymentScope",
    "unionScopes",
    "withoutTransactionScopes",
  ],
  secret: ["Secret"],
  "secret-field": ["asksForSecret", "messageAsksForSecret"],
  security: ["decideCall", "judgeVisibility", "kindOfSchemes", "parseSecuritySchemes", "parseVisibility"],
  shape: ["boundedText", "hasOnlyMembers", "isJsonObject", "member", "textList"],
  "www-authenticate": ["parseChallengeList"],
};

describe("pins", () => {
  it("keeps every error code, in order", () => {
    expect(Object.keys(errorCatalogue)).toEqual(frozenCodes);
  });

  it("keeps the modules", () => {
    const modules = readdirSync(new URL("../src", import.meta.url)).map((file) => file.replace(/\.ts$/, ""));
    expect(modules.toSorted()).toEqual(Object.keys(frozenExports).toSorted());
  });

  it.each(Object.entries(frozenExports))("keeps the exports of %s", async (name, names) => {
    const module: Record<string, unknown> = await import(`../src/${name}.ts`);
    expect(Object.keys(module).toSorted()).toEqual(names);
  });
});
