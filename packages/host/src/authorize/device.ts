import type { EpochMs } from "@countersign/protocol/brand";
import { judgePoll, type DeviceAuthorization } from "@countersign/protocol/device-grant";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/open";
import type { Records } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { calculatePKCECodeChallenge, generateRandomCodeVerifier } from "oauth4webapi";
import { newId } from "../digest.ts";
import { retention } from "../keep/retention.ts";
import type { Audit } from "../options.ts";
import { Trace } from "../trace.ts";
import type { Vault } from "../vault.ts";
import { pollDeviceCode, requestDeviceCode } from "./device-endpoint.ts";
import { deviceKeys, deviceKind, readDeviceSecrets, type DeviceRow, type DeviceSecrets, type StoredDevice } from "./device-record.ts";
import { dueMinute, isLive, scopeOf, toFlowView, type FlowDevice, type FlowRow, type FlowView } from "./flow-record.ts";
import type { FlowEnding, Flows, StoredFlow } from "./flows.ts";
import { makeProof, ProofKey } from "./proof-key.ts";
import type { Peers } from "./peers.ts";
import { revokeToken, type TokenPeer, type TokenSet } from "./token-endpoint.ts";

export interface DeviceSignInOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly flows: Flows;
  readonly vault: Vault;
  readonly peers: Peers;
  /** How long one token request may take. */
  readonly timeoutMs: number;
  readonly clock: () => EpochMs;
  readonly audit: Audit;
  readonly report: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Told when a user's token for a connector has changed. */
  readonly onToken: (userId: string, connectorId: string) => void;
}

const startsMax = 10;
/** How long a poller that wrote nothing is believed to be alive after its next poll was due. */
const leaseMarginMs = 15_000;
/** A row outlives its code, so that a sweep finds it and its user is told. */
const sweepRowsMax = 1000;

/**
 * Sign-in on another device (RFC 8628), begun only by the flow's user: the host polls the token endpoint and ends the flow as the callback does. What is
 * polled is a row with a lease, so that one process polls at a time and another takes over when it is gone.
 */
export class DeviceSignIn {
  readonly #options: DeviceSignInOptions;
  readonly #devices: Records<DeviceRow>;
  readonly #self = newId("poller");
  readonly #starting = new Map<string, Promise<Result<FlowView, Refusal>>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #polling = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: DeviceSignInOptions) {
    this.#options = options;
    this.#devices = options.database.records(deviceKind);
  }

  /**
   * Begins, or finds, the flow's sign-in on another device. The view's `device` is what to show. Refuses with `not_found` for anybody but the flow's user,
   * `flow_expired` or the flow's own code when it is over, `device_grant_unsupported`, `rate_limited` after ten starts, or as the server answers; a
   * refusal leaves the flow as it was.
   */
  async start(userId: string, flowId: string): Promise<Result<FlowView, Refusal>> {
    const flow = await this.#options.flows.get(flowId);
    if (flow === undefined || flow.value.userId !== userId) return err(refuse("not_found"));
    const now = this.#options.clock();
    if (!isLive(flow.value, now)) return err(refuse(flow.value.code ?? "flow_expired"));
    if (isWaiting(flow.value.device, now)) return ok(toFlowView(flow.id, flow.value));
    const running = this.#starting.get(flowId);
    if (running !== undefined) return running;
    const started = this.#start(flow).finally(() => this.#starting.delete(flowId));
    this.#starting.set(flowId, started);
    return started;
  }

  /**
   * Polls what is due here and takes over rows whose poller is gone. `minutes` is how far back to look; a lease that ended by `orphansAt` counts as ended. With
   * `minutesAhead`, leases that would still run are looked at too: for a start at which nobody else can be polling.
   */
  async sweep(minutes: number, orphansAt: EpochMs, minutesAhead = 0): Promise<void> {
    const now = this.#options.clock();
    for (let back = -Math.max(1, minutesAhead); back <= minutes; back += 1) {
      for (const device of await this.#devices.find("lease", dueMinute(now - back * 60_000), now, { limit: sweepRowsMax })) {
        if (this.#closed) return;
        const { value: row } = device;
        if (row.owner === this.#self ? row.nextPollAt <= now : row.leaseUntil <= orphansAt) this.#poll(device.id);
      }
    }
  }

  /** Stops polling; rows stay for whoever comes next. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.allSettled(this.#polling.values());
  }

  async #start(flow: StoredFlow): Promise<Result<FlowView, Refusal>> {
    const { flows, clock, audit, sealer } = this.#options;
    const { id: flowId, value: row } = flow;
    if (row.starts >= startsMax) return err(refuse("rate_limited"));
    const peer = await this.#options.peers.ofFlow(row);
    if (peer === undefined) return err(refuse("registration_unavailable"));
    const verifier = generateRandomCodeVerifier();
    const codeChallenge = await calculatePKCECodeChallenge(verifier);
    const asked = await requestDeviceCode(peer, { scope: scopeOf(row), codeChallenge });
    const { userId, connectorId, issuer } = row;
    if (!asked.ok) {
      audit("device.refused", { userId, connectorId, issuer, flowId, code: asked.error.code });
      return asked;
    }
    const device = this.#deviceOf(asked.value, row);
    const proof = await makeProof(row.binding ?? "none");
    const secrets: DeviceSecrets = { deviceCode: asked.value.deviceCode.reveal(), verifier, proofJwk: proof?.key.jwk.reveal() };
    const nextPollAt = clock() + asked.value.intervalMs;
    const stored = await this.#create(flowId, {
      userId,
      sealed: sealer.seal(JSON.stringify(secrets), deviceSealingText(flowId)),
      intervalMs: asked.value.intervalMs,
      failures: 0,
      expiresAt: device.expiresAt,
      ...this.#leaseFor(nextPollAt, device.expiresAt),
    });
    if (!stored) return this.#winner(flowId);
    const step = { seq: 0, at: clock(), step: "authorization", title: "Waiting for another device", detail: describe(device) } as const;
    const shown = await flows.change(flowId, (current) => ({
      ...current,
      state: "opened",
      starts: current.starts + 1,
      // What the code was asked for, also where a call has widened the flow meanwhile: an answer without a scope grants no more than that.
      scope: row.scope,
      device,
      trace: [...current.trace, step],
    }));
    if (shown === undefined) {
      await this.#devices.delete(flowId);
      return err(refuse("flow_expired"));
    }
    audit("device.started", { userId, connectorId, issuer, flowId });
    this.#schedule(flowId, nextPollAt);
    return ok(toFlowView(flowId, shown.value));
  }

  #deviceOf(asked: DeviceAuthorization, flow: FlowRow): FlowDevice {
    const { userCode, verificationUri, verificationUriComplete, lifetimeMs } = asked;
    return {
      state: "waiting",
      userCode,
      verificationUri,
      ...(verificationUriComplete === undefined ? {} : { verificationUriComplete }),
      expiresAt: Math.min(flow.expiresAt, this.#options.clock() + lifetimeMs),
    };
  }

  /** False when another process has begun the same meanwhile. The remains of a code that is over are replaced. */
  async #create(flowId: string, row: DeviceRow): Promise<boolean> {
    for (const last of [false, true]) {
      const created = await this.#devices.create(flowId, row, { keys: deviceKeys(row), expiresAt: row.expiresAt + retention.device_code.ms });
      if (created.ok) return true;
      const now = this.#options.clock();
      const other = await this.#devices.get(flowId, now);
      if (last || (other !== undefined && other.value.expiresAt > now)) return false;
      await this.#devices.delete(flowId);
    }
    return false;
  }

  async #winner(flowId: string): Promise<Result<FlowView, Refusal>> {
    const flow = await this.#options.flows.get(flowId);
    const waiting = flow !== undefined && isWaiting(flow.value.device, this.#options.clock());
    return waiting ? ok(toFlowView(flow.id, flow.value)) : err(refuse("conflict"));
  }

  /** The end of the code is looked at too, so that its user is told. */
  #leaseFor(wantedAt: EpochMs, expiresAt: EpochMs): Pick<DeviceRow, "owner" | "nextPollAt" | "leaseUntil"> {
    const nextPollAt = Math.min(wantedAt, expiresAt);
    return { owner: this.#self, nextPollAt, leaseUntil: nextPollAt + this.#options.timeoutMs + leaseMarginMs };
  }

  #schedule(flowId: string, at: EpochMs): void {
    clearTimeout(this.#timers.get(flowId));
    if (this.#closed) return;
    const timer = setTimeout(() => this.#poll(flowId), Math.max(0, at - this.#options.clock()));
    timer.unref();
    this.#timers.set(flowId, timer);
  }

  /** Runs one round for a flow, unless one is running. */
  #poll(flowId: string): void {
    if (this.#closed || this.#polling.has(flowId)) return;
    clearTimeout(this.#timers.get(flowId));
    this.#timers.delete(flowId);
    const round = this.#round(flowId)
      .then(
        (again) => again,
        (error: unknown) => {
          // The row and its lease are still there: a later sweep goes on.
          this.#options.report("device_poll_failed", { flowId, error });
          return undefined;
        },
      )
      .then((again) => {
        this.#polling.delete(flowId);
        if (again !== undefined) this.#schedule(flowId, again);
      });
    this.#polling.set(flowId, round);
  }

  /** One look at a row: gives when to look again, or undefined when there is nothing left to do here. */
  async #round(flowId: string): Promise<EpochMs | undefined> {
    const { clock, flows } = this.#options;
    const now = clock();
    const device = await this.#devices.get(flowId, now);
    const flow = await flows.get(flowId);
    if (device === undefined) return undefined;
    const mine = await this.#own(device, now);
    if (mine === undefined) return undefined;
    if (device.value.expiresAt <= now) {
      if (flow !== undefined) await this.#markExpired(flow);
      await this.#devices.delete(flowId);
      return undefined;
    }
    // The user has given up, or finished in the window, or never saw this code because its process died first.
    if (flow === undefined || !isLive(flow.value, now) || !isWaiting(flow.value.device, now)) {
      await this.#devices.delete(flowId);
      return undefined;
    }
    return mine.value.nextPollAt > now ? mine.value.nextPollAt : this.#ask(mine, flow);
  }

  /** Makes sure that nobody else polls while this process does, by one conditional write where its lease is not long enough. */
  async #own(device: StoredDevice, now: EpochMs): Promise<StoredDevice | undefined> {
    const { value: row } = device;
    if (row.owner === this.#self && row.leaseUntil >= now + this.#options.timeoutMs) return device;
    const owned = { ...row, ...this.#leaseFor(Math.max(row.nextPollAt, now), row.expiresAt), nextPollAt: row.nextPollAt };
    const taken = await this.#devices.update(device.id, device.version, owned, { keys: deviceKeys(owned) });
    return taken.ok ? taken.value : undefined;
  }

  async #ask(device: StoredDevice, flow: StoredFlow): Promise<EpochMs | undefined> {
    const { clock, sealer } = this.#options;
    const { id: flowId, value: row } = device;
    const peer = await this.#options.peers.ofFlow(flow.value);
    const opened = sealer.open(row.sealed, deviceSealingText(flowId));
    if (peer === undefined || !opened.ok) return this.#stop(flow, { state: "failed", code: "flow_failed" }, "the stored code cannot be used");
    const { deviceCode, verifier, proofJwk } = readDeviceSecrets(opened.value);
    const { binding } = flow.value;
    const proof = proofJwk === undefined || binding === undefined ? undefined : { key: new ProofKey(new Secret(proofJwk)), binding };
    const askedAt = clock();
    const outcome = await pollDeviceCode(peer, {
      deviceCode: new Secret(deviceCode),
      verifier: new Secret(verifier),
      requestedScope: scopeOf(flow.value),
      proof,
    });
    if ("tokens" in outcome) return this.#grant(flow, peer, outcome.tokens);
    const verdict = judgePoll({ intervalMs: row.intervalMs, failures: row.failures }, outcome.answer, outcome.held ? clock() - askedAt : 0);
    if (verdict.next === "wait") {
      const next = { ...row, ...verdict.pace, ...this.#leaseFor(clock() + verdict.afterMs, row.expiresAt) };
      const stored = await this.#devices.update(flowId, device.version, next, { keys: deviceKeys(next) });
      return stored.ok ? next.nextPollAt : undefined;
    }
    if (verdict.because === "denied") return this.#stop(flow, { state: "denied", code: "access_denied" }, "declined on the other device");
    if (verdict.because === "failed") return this.#stop(flow, { state: "failed", code: "flow_failed" }, outcome.detail);
    await this.#markExpired(flow);
    await this.#devices.delete(flowId);
    return undefined;
  }

  /** Ends the flow exactly as the callback does: whoever is first decides, and what came too late is given back. */
  async #grant(flow: StoredFlow, peer: TokenPeer, tokens: TokenSet): Promise<undefined> {
    const { flows, vault, clock, onToken } = this.#options;
    const steps = new Trace([], clock, () => {});
    steps.record("authorization", "Approved on another device", { issuer: flow.value.issuer });
    steps.record("token", "Token received and stored", { token: "[masked]", scope: [...tokens.scope].toSorted(), expiresAt: tokens.expiresAt });
    const stored = await flows.end(flow.id, { state: "granted" }, steps.steps, async (transaction) => {
      await vault.store(transaction, peer.origin, tokens, flow.id);
      await transaction.records(deviceKind).delete(flow.id);
    });
    if (stored) {
      onToken(flow.value.userId, flow.value.connectorId);
      return;
    }
    await this.#devices.delete(flow.id);
    await revokeToken(peer, tokens.refreshToken ?? tokens.accessToken);
  }

  async #stop(flow: StoredFlow, ending: FlowEnding, reason: string): Promise<undefined> {
    const steps = new Trace([], this.#options.clock, () => {});
    steps.record("error", "The sign-in on another device ended", { ...("code" in ending ? { code: ending.code } : {}), reason });
    await this.#options.flows.end(flow.id, ending, steps.steps, async (transaction) => {
      await transaction.records(deviceKind).delete(flow.id);
    });
    await this.#devices.delete(flow.id);
  }

  /** The code is over but the flow is not: the user may ask for another code, or use the window. */
  async #markExpired(flow: StoredFlow): Promise<void> {
    if (flow.value.device?.state !== "waiting") return;
    await this.#options.flows.change(flow.id, (row) => (row.device === undefined ? row : { ...row, device: { ...row.device, state: "expired" } }));
  }
}

function isWaiting(device: FlowDevice | undefined, now: EpochMs): boolean {
  return device !== undefined && device.state === "waiting" && device.expiresAt > now;
}

function describe(device: FlowDevice): Readonly<Record<string, unknown>> {
  return { verificationUri: device.verificationUri, userCode: "[masked]", expiresAt: device.expiresAt };
}

/** What a device code is bound to. */
export function deviceSealingText(flowId: string): string {
  return `host:device:${flowId}`;
}
