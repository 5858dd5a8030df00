import type { EpochMs } from "@countersign/protocol/brand";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { dial, DialError } from "../dial/dial.ts";
import type { Logger } from "../log.ts";
import { runRegularly } from "../run-regularly.ts";
import { StartupProblem } from "../startup-problem.ts";
import { createLanes } from "./lanes.ts";

/** One event that waits for its target. `attempts` and `next_at` change with each claim. */
export interface OutboxDelivery {
  readonly event_id: string;
  readonly target_id: string;
  readonly event_at: EpochMs;
  readonly attempts: number;
  readonly next_at: EpochMs;
}

/** Where a party keeps its deliveries: rows that are written in the transaction of the change they tell of. */
export interface OutboxRows<Delivery extends OutboxDelivery> {
  /** The targets to whom something is due. */
  readDueTargets(now: EpochMs): Promise<readonly string[]>;
  /** What is due to one target, the longest due first: of each thing only the earliest event, so that changes are heard of in their order. */
  readDue(targetId: string, now: EpochMs, limit: number): Promise<readonly Delivery[]>;
  /** Takes a delivery for one attempt, in one conditional write: one of several instances gets it. It is due again at `nextAt`. */
  claim(delivery: Delivery, nextAt: EpochMs): Promise<boolean>;
  postpone(eventId: string, nextAt: EpochMs): Promise<void>;
  end(eventId: string): Promise<void>;
  /** Calls `wake` when something may have been added; the answer ends that. */
  subscribe(wake: () => void): Promise<() => void>;
}

/** What one attempt sends: a Security Event Token (RFC 8417), or a body of JSON with headers of its own. `taken`: what else than a 2xx says that it arrived. */
export type OutboxMessage = string | { readonly json: string; readonly headers: Readonly<Record<string, string>>; readonly taken: readonly number[] };

export interface OutboxParts<Delivery extends OutboxDelivery> {
  readonly rows: OutboxRows<Delivery>;
  /** Where a target takes its events; undefined when it is told of nothing any more. */
  targetOf(targetId: string): string | undefined;
  /** What one attempt sends; signed anew each time, because signatures have a time. */
  sign(delivery: Delivery): Promise<OutboxMessage>;
  /** What the log says about a delivery. */
  fieldsOf(delivery: Delivery): Readonly<Record<string, string>>;
  readonly logger: Logger;
  readonly now: () => EpochMs;
}

/** To one target at a time. */
const batch = 20;
const periodMs = 2_000;
const timeoutMs = 5_000;
/** Longer than one attempt can take: an instance that died leaves its delivery to another one then. */
const leaseMs = 30_000;
const backOffMsMax = 3_600_000;

/** How long an event is offered to a target that does not take it: 72 h. */
export const deliveryTtlMs: number = 72 * 3_600_000;

/** When to try again after so many attempts: 1 s, doubling, at most an hour. */
export function nextAttemptAt(attempts: number, now: EpochMs): EpochMs {
  return now + Math.min(backOffMsMax, 1000 * 2 ** Math.min(attempts - 1, 12));
}

/**
 * Delivers what is due, each to the address that its target registered and no other (a token as RFC 8935 pushes it), up to 20 requests at a time to
 * one target. What a target does not take with a 2xx is offered again, ever more slowly, for 72 h, and what follows it waits. Gives how many arrived. Once
 * `stopping` is aborted it begins nothing more.
 */
export async function deliverDue<Delivery extends OutboxDelivery>(parts: OutboxParts<Delivery>, stopping?: AbortSignal): Promise<number> {
  const targets = await parts.rows.readDueTargets(parts.now());
  const counts = await Promise.all(targets.map((targetId) => deliverTo(parts, targetId, stopping)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Delivers now and then, and whenever something was added; a target that is slow or silent holds up no other one. The answer stops it and waits for what runs. */
export function startOutbox<Delivery extends OutboxDelivery>(parts: OutboxParts<Delivery>): () => Promise<void> {
  const failed = (error: unknown): void => parts.logger.warn("webhook.failed", { error });
  const stopping = new AbortController();
  const targets = createLanes((targetId) => deliverTo(parts, targetId, stopping.signal), failed);
  const looks = createLanes(async () => {
    for (const targetId of await parts.rows.readDueTargets(parts.now())) targets.run(targetId);
  }, failed);
  const wake = (): void => looks.run("look");
  // Without a subscription the regular look alone finds what was added: later, but all of it.
  const subscribed = parts.rows.subscribe(wake).catch((error: unknown) => {
    failed(error);
    return () => undefined;
  });
  const stop = runRegularly(async () => wake(), { periodMs, failed: "webhook.failed" }, parts.logger);
  return async () => {
    (await subscribed)();
    await stop();
    stopping.abort();
    await looks.idle();
    await targets.idle();
  };
}

/** An event goes over https; to this machine only from a party that is itself on it. Throws `StartupProblem`. */
export function checkTarget(target: string, targetId: string, ownUrl: string): void {
  const url = URL.parse(target);
  const isLoopback = url !== null && isLoopbackUrl(url);
  const isFit = isLoopback ? /^https?:$/.test(url.protocol) && isLoopbackUrl(new URL(ownUrl)) : url?.protocol === "https:";
  if (!isFit || url?.username !== "") {
    throw new StartupProblem(`The webhook_uri of ${targetId} must be an https address, or on loopback while the sender is.`);
  }
}

/** Delivers what is due to one target; gives how many arrived. */
async function deliverTo<Delivery extends OutboxDelivery>(
  parts: OutboxParts<Delivery>,
  targetId: string,
  stopping: AbortSignal | undefined,
): Promise<number> {
  let arrived = 0;
  for (;;) {
    if (stopping?.aborted === true) return arrived;
    const due = await parts.rows.readDue(targetId, parts.now(), batch);
    const outcomes = await Promise.all(due.map((delivery) => deliverOne(parts, delivery)));
    const count = outcomes.filter((outcome) => outcome === "arrived").length;
    arrived += count;
    // What follows an event that has just arrived is due now.
    if (count === 0) return arrived;
  }
}

async function deliverOne<Delivery extends OutboxDelivery>(
  parts: OutboxParts<Delivery>,
  delivery: Delivery,
): Promise<"arrived" | "waits" | "over" | "taken"> {
  const { rows, logger } = parts;
  const at = parts.now();
  const target = parts.targetOf(delivery.target_id);
  if (target === undefined || at >= delivery.event_at + deliveryTtlMs) {
    await rows.end(delivery.event_id);
    logger.warn("webhook.given_up", { ...parts.fieldsOf(delivery), attempt: delivery.attempts });
    return "over";
  }
  if (!(await rows.claim(delivery, at + leaseMs))) return "taken";
  const attempt = delivery.attempts + 1;
  const problem = await send(await parts.sign(delivery), new URL(target));
  if (problem === undefined) {
    await rows.end(delivery.event_id);
    logger.info("webhook.delivered", { ...parts.fieldsOf(delivery), attempt });
    return "arrived";
  }
  await rows.postpone(delivery.event_id, nextAttemptAt(attempt, at));
  logger.warn("webhook.refused", { ...parts.fieldsOf(delivery), attempt, reason: problem });
  return "waits";
}

/** Why the target did not take it, or undefined when it did. */
async function send(message: OutboxMessage, target: URL): Promise<string | undefined> {
  const { type, body, headers, taken } = wireOf(message);
  const all = new Headers({ ...headers, "content-type": type, accept: "application/json" });
  try {
    const reach = isLoopbackUrl(target) ? "local" : "public";
    const response = await dial(target, { method: "POST", headers: all, body }, { reach, timeoutMs, responseBytesMax: 16_384 });
    await response.body?.cancel();
    return response.ok || taken.includes(response.status) ? undefined : `status ${response.status}`;
  } catch (error) {
    if (error instanceof DialError) return error.problem;
    throw error;
  }
}

interface Wire {
  readonly type: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly taken: readonly number[];
}

function wireOf(message: OutboxMessage): Wire {
  if (typeof message === "string") return { type: "application/secevent+jwt", body: message, headers: {}, taken: [] };
  return { type: "application/json", body: message.json, headers: message.headers, taken: message.taken };
}
