import { randomInt } from "node:crypto";
import { deviceCodeTtlSeconds, paymentDeviceCodeTtlSeconds } from "@countersign/protocol/device-code";
import type { EpochMs } from "@countersign/protocol/brand";
import { paymentRequestIdOf } from "@countersign/protocol/scope";
import { clientAddressHeader } from "@countersign/service/client-address";
import type { KoaContextWithOIDC } from "oidc-provider";
import { errors } from "oidc-provider";
import { z } from "zod";
import { readScope } from "../authorize/transaction-scopes.ts";
import { displayText } from "../pages/display-text.ts";
import { provedKeyOf } from "./device-key.ts";

/**
 * What is known about the device that asked for a code: where it asked from and with what, when, the S256 challenge that its token requests must answer, and
 * the number that only its own screen shows.
 */
export interface DeviceStart {
  readonly address: string;
  readonly agent: string;
  readonly startedAt: EpochMs;
  readonly codeChallenge?: string | undefined;
  /** The thumbprint of the key that its token requests must prove (RFC 9449). */
  readonly jkt?: string | undefined;
  readonly number?: string | undefined;
}

const shape = z.object({
  address: z.string(),
  agent: z.string(),
  startedAt: z.number(),
  codeChallenge: z.string().optional(),
  jkt: z.string().optional(),
  number: z.string().optional(),
});

const agentLengthMax = 120;

/** Reads what {@link describeStart} kept with a device code. */
export function readDeviceStart(info: unknown): DeviceStart {
  return shape.parse(info);
}

/**
 * Describes a device authorization request. A challenge (RFC 7636, as the authorization endpoint takes it) must be S256; anything else is refused with
 * `invalid_request`, so that nobody believes in a protection that is not there.
 */
export function describeStart(ctx: KoaContextWithOIDC, now: EpochMs): Record<string, unknown> {
  const codeChallenge = readChallenge(ctx.oidc.body ?? {});
  const jkt = provedKeyOf(ctx);
  const start: DeviceStart = {
    address: addressOf(ctx),
    agent: displayText(ctx.get("user-agent"), agentLengthMax),
    startedAt: now,
    ...(codeChallenge === undefined ? {} : { codeChallenge }),
    ...(jkt === undefined ? {} : { jkt }),
    ...(asksPayment(ctx.oidc.params ?? {}) ? { number: String(randomInt(100)).padStart(2, "0") } : {}),
  };
  return { ...start };
}

/** How long a device code lives, in seconds. */
export function lifetimeOf(params: Readonly<Record<string, unknown>>): number {
  return asksPayment(params) ? paymentDeviceCodeTtlSeconds : deviceCodeTtlSeconds;
}

/** Whether a device authorization request is about money: a transaction scope, or details of any kind (RFC 9396). */
export function asksPayment(params: Readonly<Record<string, unknown>>): boolean {
  const { scope, authorization_details: details } = params;
  return details !== undefined || [...readScope(typeof scope === "string" ? scope : "")].some((token) => paymentRequestIdOf(token) !== undefined);
}

/** The address of whoever asked, as `service` found it. */
export function addressOf(ctx: { get(name: string): string }): string {
  return ctx.get(clientAddressHeader);
}

function readChallenge(body: Readonly<Record<string, unknown>>): string | undefined {
  const { code_challenge: challenge, code_challenge_method: method } = body;
  if (challenge === undefined && method === undefined) return undefined;
  const isS256 = method === "S256" && typeof challenge === "string" && /^[A-Za-z0-9_-]{43}$/.test(challenge);
  if (!isS256) throw new errors.InvalidRequest("code_challenge is the S256 challenge of a verifier (RFC 7636)");
  return challenge;
}
