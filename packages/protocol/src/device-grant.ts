import type { BrowserUrl, Issuer } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { isLoopbackUrl, parseBrowserUrl } from "./resource.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { Secret } from "./secret.ts";
import { boundedText, isJsonObject, member } from "./shape.ts";

/** A judged device authorization response, RFC 8628 section 3.2. The two URLs may be shown and opened; they are of one origin. */
export interface DeviceAuthorization {
  readonly deviceCode: Secret;
  /** What the user types at {@link verificationUri}: 1 to 40 letters, digits, blanks, dots and dashes. */
  readonly userCode: string;
  readonly verificationUri: BrowserUrl;
  /** The same with the code in it, for a QR code. */
  readonly verificationUriComplete?: BrowserUrl;
  readonly lifetimeMs: number;
  /** The least time between two polls. */
  readonly intervalMs: number;
}

/** How a token request with a device code ended, without a token (RFC 8628 section 3.5). `unreachable` also stands for a 5xx or a lost answer. */
export type PollAnswer = "authorization_pending" | "slow_down" | "unreachable" | "access_denied" | "expired_token" | "refused";

/** How fast a device code is polled. `failures` counts the unreachable answers in a row. */
export interface PollPace {
  readonly intervalMs: number;
  readonly failures: number;
}

export type PollVerdict =
  | { readonly next: "wait"; readonly afterMs: number; readonly pace: PollPace }
  /** `renewable`: the code is over, but the user may ask for another one (RFC 8628 section 3.5 on `expired_token`). */
  | { readonly next: "stop"; readonly because: "denied" | "failed" | "renewable" };

const intervalDefaultS = 5;
const slowDownMs = 5000;
const backOffMaxMs = 60_000;
const lifetimeMaxS = 24 * 3600;
const uriLengthMax = 2048;

/** Letters and digits of any script, as the server's users type them; nothing that could reorder or hide text. */
const userCodePattern = /^[\p{L}\p{N}][\p{L}\p{N} .-]{0,39}$/u;

/**
 * Judges a device authorization response. Refuses with `unsafe_url` when the address is not https (or, for a loopback issuer, loopback http), else with
 * `invalid_metadata`. A complete address of another origin than the plain one is dropped: what a user reads and what the QR code holds lead to one place.
 */
export function judgeDeviceAuthorization(doc: unknown, issuer: Issuer): Result<DeviceAuthorization, Refusal> {
  if (!isJsonObject(doc)) return malformed("it is no JSON object");
  const deviceCode = boundedText(member(doc, "device_code"), 4096);
  if (deviceCode === undefined) return malformed("it lacks `device_code`");
  const userCode = boundedText(member(doc, "user_code"), 40);
  if (userCode === undefined || !userCodePattern.test(userCode)) return malformed("`user_code` is no short text of letters and digits");
  const lifetimeS = positive(member(doc, "expires_in"));
  if (lifetimeS === undefined) return malformed("it lacks `expires_in`");
  const interval = member(doc, "interval");
  const intervalS = interval === undefined ? intervalDefaultS : positive(interval);
  if (intervalS === undefined) return malformed("`interval` is no time");
  const uri = readUri(member(doc, "verification_uri"), issuer);
  if (uri === undefined) return err(refuse("unsafe_url", "`verification_uri` is not a URL that may be shown"));
  const complete = readUri(member(doc, "verification_uri_complete"), issuer);
  const together = complete !== undefined && new URL(complete).origin === new URL(uri).origin;
  return ok({
    deviceCode: new Secret(deviceCode),
    userCode,
    verificationUri: uri,
    ...(together ? { verificationUriComplete: complete } : {}),
    lifetimeMs: Math.ceil(Math.min(lifetimeS, lifetimeMaxS) * 1000),
    intervalMs: Math.ceil(Math.max(intervalS, 1) * 1000),
  });
}

/** Reads the `error` of a token endpoint's answer (RFC 6749 section 5.2, RFC 8628 section 3.5). Whatever is not known is `refused`. */
export function readPollError(error: string): PollAnswer {
  switch (error) {
    case "authorization_pending":
    case "slow_down":
    case "access_denied":
    case "expired_token":
      return error;
    default:
      return "refused";
  }
}

/**
 * What to do after an answer without a token: `slow_down` adds five seconds for good, an unreachable server doubles the wait each time up to a
 * minute (RFC 8628 section 3.5), and an answered poll forgets the failures. `heldMs` is how long a server held the poll that was asked to wait (RFC 7240 section
 * 4.3): that time counts toward the interval, so that the next poll waits there and not here.
 */
export function judgePoll(pace: PollPace, answer: PollAnswer, heldMs = 0): PollVerdict {
  const { intervalMs } = pace;
  switch (answer) {
    case "authorization_pending":
      return { next: "wait", afterMs: Math.max(0, intervalMs - heldMs), pace: { intervalMs, failures: 0 } };
    case "slow_down": {
      const slower = intervalMs + slowDownMs;
      return { next: "wait", afterMs: slower, pace: { intervalMs: slower, failures: 0 } };
    }
    case "unreachable": {
      const failures = pace.failures + 1;
      const backOffMs = Math.max(intervalMs, Math.min(backOffMaxMs, intervalMs * 2 ** Math.min(failures, 10)));
      return { next: "wait", afterMs: backOffMs, pace: { intervalMs, failures } };
    }
    case "access_denied":
      return { next: "stop", because: "denied" };
    case "expired_token":
      return { next: "stop", because: "renewable" };
    case "refused":
      return { next: "stop", because: "failed" };
  }
}

function malformed(why: string): Result<never, Refusal> {
  return err(refuse("invalid_metadata", `the device authorization response cannot be used: ${why}`));
}

function positive(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value > 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function readUri(value: unknown, issuer: Issuer): BrowserUrl | undefined {
  const uri = boundedText(value, uriLengthMax);
  const url = uri === undefined ? undefined : parseBrowserUrl(uri);
  if (url === undefined || !url.ok) return undefined;
  const parsed = new URL(url.value);
  const local = isLoopbackUrl(parsed) && isLoopbackUrl(new URL(issuer));
  return parsed.protocol === "https:" || local ? url.value : undefined;
}
