import type { EpochMs } from "@countersign/protocol/brand";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { dial, DialError } from "@countersign/service/dial/dial";
import type { Logger } from "@countersign/service/log";
import { StartupProblem } from "@countersign/service/startup-problem";
import type { Database } from "@countersign/storage/database";
import type { WalletKeys } from "../keys.ts";
import type { WalletClient } from "../options.ts";
import { runRegularly } from "../run-regularly.ts";
import {
  claimDelivery,
  type Delivery,
  deliveryChannel,
  deliveryTtlMs,
  endDelivery,
  postponeDelivery,
  readDueDeliveries,
  readDuePayees,
} from "./deliveries.ts";
import { createLanes } from "./lanes.ts";
import { signEvent } from "./sign-event.ts";

export interface WebhookParts {
  readonly database: Database<unknown>;
  readonly issuer: string;
  readonly keys: Pick<WalletKeys, "signing">;
  readonly clients: readonly WalletClient[];
  readonly logger: Logger;
  readonly now: () => EpochMs;
}

/** To one payee at a time. */
const batch = 20;
const periodMs = 2_000;
const timeoutMs = 5_000;
/** Longer than one attempt can take: an instance that died leaves its delivery to another one then. */
const leaseMs = 30_000;
const backOffMsMax = 3_600_000;

/** When to try again after so many attempts: 1 s, doubling, at most an hour. */
export function nextAttemptAt(attempts: number, now: EpochMs): EpochMs {
  return now + Math.min(backOffMsMax, 1000 * 2 ** Math.min(attempts - 1, 12));
}

/**
 * Delivers what is due, each to the address that its payee registered and no other (RFC 8935: push of a Security Event Token), up to 20 requests at a time to
 * one payee. What a payee does not take with a 2xx is offered again, ever more slowly, for 72 h, and what follows it waits. Gives how many arrived. Once
 * `stopping` is aborted it begins nothing more.
 */
export async function deliverDue(parts: WebhookParts, stopping?: AbortSignal): Promise<number> {
  const payees = await readDuePayees(parts.database, parts.now());
  const counts = await Promise.all(payees.map((payeeId) => deliverTo(parts, payeeId, stopping)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * Delivers now and then, and whenever something was added; a payee that is slow or silent holds up no other one. The answer stops it and waits for what runs.
 * Throws `StartupProblem` on an unsafe address.
 */
export function startWebhooks(parts: WebhookParts): () => Promise<void> {
  for (const { client_id, webhook_uri } of parts.clients) if (webhook_uri !== undefined) checkTarget(webhook_uri, client_id, parts.issuer);
  const failed = (error: unknown): void => parts.logger.warn("webhook.failed", { error });
  const stopping = new AbortController();
  const payees = createLanes((payeeId) => deliverTo(parts, payeeId, stopping.signal), failed);
  const looks = createLanes(async () => {
    for (const payeeId of await readDuePayees(parts.database, parts.now())) payees.run(payeeId);
  }, failed);
  const wake = (): void => looks.run("look");
  const subscribed = parts.database.signals.subscribe(deliveryChannel, wake);
  const stop = runRegularly(async () => wake(), { periodMs, failed: "webhook.failed" }, parts.logger);
  return async () => {
    (await subscribed.catch(() => () => undefined))();
    await stop();
    stopping.abort();
    await looks.idle();
    await payees.idle();
  };
}

/** Delivers what is due to one payee; gives how many arrived. */
async function deliverTo(parts: WebhookParts, payeeId: string, stopping: AbortSignal | undefined): Promise<number> {
  let arrived = 0;
  for (;;) {
    if (stopping?.aborted === true) return arrived;
    const due = await readDueDeliveries(parts.database, payeeId, parts.now(), batch);
    const outcomes = await Promise.all(due.map((delivery) => deliverOne(parts, delivery)));
    const count = outcomes.filter((outcome) => outcome === "arrived").length;
    arrived += count;
    // What follows an event that has just arrived is due now.
    if (count === 0) return arrived;
  }
}

async function deliverOne(parts: WebhookParts, delivery: Delivery): Promise<"arrived" | "waits" | "over" | "taken"> {
  const { database, now, logger } = parts;
  const at = now();
  const target = parts.clients.find((client) => client.client_id === delivery.payee_id)?.webhook_uri;
  if (target === undefined || at >= delivery.event_at + deliveryTtlMs) {
    await endDelivery(database, delivery.event_id);
    logger.warn("webhook.given_up", { clientId: delivery.payee_id, paymentRequestId: delivery.request_id, attempt: delivery.attempts });
    return "over";
  }
  if (!(await claimDelivery(database, delivery, at + leaseMs))) return "taken";
  const attempt = delivery.attempts + 1;
  const problem = await send(parts, delivery, new URL(target));
  if (problem === undefined) {
    await endDelivery(database, delivery.event_id);
    logger.info("webhook.delivered", { clientId: delivery.payee_id, paymentRequestId: delivery.request_id, attempt });
    return "arrived";
  }
  await postponeDelivery(database, delivery.event_id, nextAttemptAt(attempt, at));
  logger.warn("webhook.refused", { clientId: delivery.payee_id, paymentRequestId: delivery.request_id, attempt, reason: problem });
  return "waits";
}

/** Why the payee did not take it, or undefined when it did. */
async function send(parts: WebhookParts, delivery: Delivery, target: URL): Promise<string | undefined> {
  const token = await signEvent(delivery, parts.issuer, parts.keys.signing, parts.now());
  const headers = new Headers({ "content-type": "application/secevent+jwt", accept: "application/json" });
  try {
    const reach = isLoopbackUrl(target) ? "local" : "public";
    const response = await dial(target, { method: "POST", headers, body: token }, { reach, timeoutMs, responseBytesMax: 16_384 });
    await response.body?.cancel();
    return response.ok ? undefined : `status ${response.status}`;
  } catch (error) {
    if (error instanceof DialError) return error.problem;
    throw error;
  }
}

/** An event goes over https; to this machine only from a wallet that is itself on it. */
function checkTarget(target: string, clientId: string, issuer: string): void {
  const url = URL.parse(target);
  const isLocal = url !== null && isLoopbackUrl(url) && isLoopbackUrl(new URL(issuer));
  if (url === null || url.username !== "" || (url.protocol !== "https:" && !isLocal) || (isLoopbackUrl(url) && !isLocal)) {
    throw new StartupProblem(`The webhook_uri of ${clientId} must be an https address, or on loopback while the wallet is.`);
  }
}
