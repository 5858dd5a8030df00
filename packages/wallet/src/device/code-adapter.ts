import { timingSafeEqual } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { readUserCode } from "@countersign/protocol/device-code";
import { askerOf } from "@countersign/service/client-address";
import type { Database } from "@countersign/storage/database";
import type { Adapter, AdapterFactory, AdapterPayload, KoaContextWithOIDC } from "oidc-provider";
import Provider, { errors } from "oidc-provider";
import { sha256 } from "../digest.ts";
import type { Rates } from "../rates/rates.ts";
import { claimDevice, decideClaim } from "./claim.ts";
import { comesWithKey } from "./device-key.ts";
import { addressOf, readDeviceStart } from "./device-start.ts";
import { countPoll } from "./poll.ts";
import { deviceChannel, readWait, waitForDevice } from "./wait.ts";

export interface DeviceCodeParts {
  readonly database: Database<unknown>;
  readonly now: () => EpochMs;
  /** Ends every wait: the wallet is stopping. */
  readonly stopping: AbortSignal;
  readonly rates: Rates;
}

/** What the waiting device is told after a wrong number. */
export const wrongNumber = "the number was wrong";

/** A code stays readable so long after its end, so that its client is told `expired_token` and not that there never was one. */
const retentionMs = 600_000;

/**
 * What RFC 8628 asks for and oidc-provider leaves out, where it reads and writes device codes: the pace of polls, the PKCE verifier, the claim of the first
 * viewer, one decision only, and a signal for whoever waits.
 */
export function withDeviceRules(factory: AdapterFactory, parts: DeviceCodeParts): AdapterFactory {
  return (model) => (model === "DeviceCode" ? deviceAdapter(factory(model), parts) : factory(model));
}

function deviceAdapter(codes: Adapter, parts: DeviceCodeParts): Adapter {
  const { database, now } = parts;
  const adapter: Adapter = {
    ...codes,

    async upsert(id, payload, expiresInSeconds) {
      const isDecided = payload.accountId !== undefined || payload.error !== undefined;
      if (isDecided && !(await decideClaim(database, id, now()))) throw new errors.InvalidGrant("the device code is decided already");
      const kept = { ...payload, ...(payload.userCode === undefined ? {} : { userCode: lettersOf(payload.userCode) }) };
      await codes.upsert(id, kept, expiresInSeconds === undefined ? undefined : expiresInSeconds + retentionMs / 1000);
      if (isDecided) await database.signals.notify(deviceChannel(id), "");
    },

    async find(id) {
      const found = (await codes.find(id)) ?? undefined;
      const ctx = Provider.ctx;
      if (found === undefined || ctx === undefined) return found;
      if (ctx.oidc.route === "token") return attendPoll(codes, parts, ctx, id, found);
      return isOver(found, now()) ? undefined : found;
    },

    async findByUserCode(normalized) {
      const ctx = Provider.ctx;
      const session = ctx?.oidc.session?.uid;
      if (ctx === undefined || session === undefined) return undefined;
      await countTry(parts, ctx, session);
      const typed = readUserCode(normalized);
      const found = typed === undefined ? undefined : ((await codes.findByUserCode(typed.letters)) ?? undefined);
      // Whatever cannot be used is one and the same answer (D10): unknown, over, decided, opened by somebody else, or named with a wrong number.
      if (typed === undefined || found?.jti === undefined || isOver(found, now()) || isDecidedOrUsed(found)) return undefined;
      const { number } = readDeviceStart(found["deviceInfo"]);
      const code = { jti: found.jti, number, expiresAt: endOf(found) + retentionMs };
      const verdict = await claimDevice(database, code, session, typed.number, now());
      if (verdict === "wrong") await burn(adapter, found, now());
      // The name under which it was looked up, for oidc-provider compares; a claim may be gone on with as often as its holder likes.
      return verdict === undefined || verdict === "wrong" ? undefined : { ...found, userCode: normalized, inFlight: false };
    },
  };
  return adapter;
}

/**
 * Counts every try, a right one too, before it is looked at, so that parallel tries do not slip through: by session, by account where somebody is signed in,
 * and by address, for a session costs nothing (RFC 8628 section 5.1).
 */
async function countTry(parts: DeviceCodeParts, ctx: KoaContextWithOIDC, session: string): Promise<void> {
  const account = ctx.oidc.session?.accountId;
  const tries = [
    ["userCode", session],
    ...(account === undefined ? [] : ([["userCode", account]] as const)),
    ["userCodeAddress", askerOf(addressOf(ctx))],
  ] as const;
  for (const [name, key] of tries) {
    const taken = await parts.rates.take(name, key, parts.now());
    if (!taken.ok) throw new TooManyTries(taken.error);
  }
}

/** Too many user codes were tried. */
export class TooManyTries extends errors.OIDCProviderError {
  readonly waitSeconds: number;

  constructor(waitSeconds: number) {
    super(429, "slow_down");
    this.expose = true;
    this.waitSeconds = waitSeconds;
  }
}

/** Ends a code after a wrong number: whoever waits is told that it was declined. */
async function burn(codes: Adapter, found: AdapterPayload, now: EpochMs): Promise<void> {
  if (found.jti === undefined) throw new TypeError("a device code has an id");
  const burned = { ...found, error: "access_denied", errorDescription: wrongNumber };
  await codes.upsert(found.jti, burned, Math.ceil((endOf(found) - now) / 1000));
}

/**
 * A token request with a device code. oidc-provider looks at the client next; another client's request is therefore passed on as it is, and slows nobody
 * down. A wrong verifier is refused without a word on whether the code is decided.
 */
async function attendPoll(
  codes: Adapter,
  parts: DeviceCodeParts,
  ctx: KoaContextWithOIDC,
  id: string,
  found: AdapterPayload,
): Promise<AdapterPayload | undefined> {
  const { database, now } = parts;
  if (found.clientId !== ctx.oidc.client?.clientId) return found;
  const { codeChallenge, jkt } = readDeviceStart(found["deviceInfo"]);
  if (codeChallenge !== undefined && !answersChallenge(ctx.oidc.body?.["code_verifier"], codeChallenge)) {
    throw new errors.InvalidGrant("code_verifier is missing or wrong");
  }
  if (jkt !== undefined && !(await comesWithKey(ctx, jkt))) throw new errors.InvalidGrant("the device code is bound to another key");
  if (found.consumed !== undefined) return found;
  if (isOver(found, now())) throw new errors.ExpiredToken("device code is expired");
  if (isDecidedOrUsed(found)) return found;
  const counted = await countPoll(database, { jti: id, expiresAt: endOf(found) + retentionMs }, now());
  if (counted.verdict === "too_many") throw tooManyPolls(ctx, counted.retryAfterSeconds);
  if (counted.verdict === "slow_down") throw new errors.SlowDown();
  const waitMs = readWait(ctx.get("prefer"));
  if (waitMs === undefined) return found;
  ctx.set("preference-applied", `wait=${waitMs / 1000}`);
  const untilMs = Math.min(waitMs, Math.max(0, endOf(found) - now()));
  return waitForDevice(parts, { jti: id, waitMs: untilMs, request: ctx.req }, async () => {
    const again = (await codes.find(id)) ?? undefined;
    return again === undefined || isDecidedOrUsed(again) ? { decided: again } : undefined;
  }).then((outcome) => (outcome === undefined ? found : outcome.decided));
}

/** RFC 6585 section 4: it was told to slow down, and did not. */
function tooManyPolls(ctx: KoaContextWithOIDC, retryAfterSeconds: number): Error {
  ctx.set("retry-after", String(retryAfterSeconds));
  const error = new errors.SlowDown();
  error.status = 429;
  error.statusCode = 429;
  return error;
}

function answersChallenge(verifier: unknown, challenge: string): boolean {
  if (typeof verifier !== "string" || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  return timingSafeEqual(Buffer.from(sha256(verifier)), Buffer.from(challenge));
}

function isDecidedOrUsed(payload: AdapterPayload): boolean {
  return payload.accountId !== undefined || payload.error !== undefined || payload.consumed !== undefined;
}

function isOver(payload: AdapterPayload, now: EpochMs): boolean {
  return endOf(payload) <= now;
}

function endOf(payload: AdapterPayload): EpochMs {
  if (payload.exp === undefined) throw new TypeError("a device code ends");
  return payload.exp * 1000;
}

function lettersOf(userCode: string): string {
  return readUserCode(userCode)?.letters ?? userCode;
}
