import { createHash } from "node:crypto";
import { refuse } from "@countersign/protocol/errors";
import { z } from "zod";
import type { Shop } from "../shop.ts";
import type { UcpAnswer } from "./operate.ts";

/** How long an answer is kept for whoever sends the request again (UCP, Replay Protection: 24 hours at least). */
const keptMs = 48 * 3_600_000;
/** How long a run is said to go on; after that nobody knows what became of it, and it is not begun again. */
const runMsMax = 600_000;

const kept = z.discriminatedUnion("state", [
  z.object({ state: z.literal("running"), payload: z.string(), until: z.number() }),
  z.object({
    state: z.literal("answered"),
    payload: z.string(),
    status: z.literal([200, 201, 404]),
    body: z.record(z.string(), z.unknown()),
  }),
]);

export interface KeyedRequest {
  readonly operation: string;
  /** The checkout it is about; empty for making one. */
  readonly session: string;
  readonly key: string | undefined;
  /** What must be equal for a request to be the same: the body, byte for byte, over REST. */
  readonly payload: string;
}

/**
 * Runs an operation once for each key, and gives its first answer to whoever sends the request again. Refuses with `idempotency_conflict` a key that came with
 * another payload, with `idempotency_in_flight` one whose run goes on, with `outcome_unknown` one whose run was never heard of again, and with `unavailable`
 * when there is no room. An answer of kind `protocol` is not kept: nothing was done.
 */
export async function runOnce(shop: Pick<Shop, "answers" | "clock">, request: KeyedRequest, run: () => Promise<UcpAnswer>): Promise<UcpAnswer> {
  const { operation, session, key } = request;
  if (key === undefined) return await run();
  const { answers, clock } = shop;
  const id = digest(["ucp", operation, session, key]);
  const payload = digest(request.payload);
  const begun = clock();
  const running: z.infer<typeof kept> = { state: "running", payload, until: begun + runMsMax };
  if (!(await answers.create(id, JSON.stringify(running), begun + keptMs))) return await readBack(shop, id, payload);
  let answer: UcpAnswer;
  try {
    answer = await run();
  } catch (error) {
    await answers.delete(id);
    throw error;
  }
  if (answer.kind === "protocol") {
    await answers.delete(id);
    return answer;
  }
  const done: z.infer<typeof kept> = { state: "answered", payload, status: answer.status, body: answer.body };
  await answers.replace(id, 1, JSON.stringify(done), clock() + keptMs);
  return answer;
}

async function readBack({ answers, clock }: Pick<Shop, "answers" | "clock">, id: string, payload: string): Promise<UcpAnswer> {
  const now = clock();
  const held = await answers.read(id, now);
  // Taken and gone within this moment, or no room: either way nothing ran for this request.
  if (held === undefined) return { kind: "protocol", refusal: refuse("unavailable") };
  const first = kept.parse(JSON.parse(held.body));
  if (first.payload !== payload) return { kind: "protocol", refusal: refuse("idempotency_conflict") };
  if (first.state === "answered") return { kind: "ucp", status: first.status, body: first.body };
  return { kind: "protocol", refusal: refuse(now < first.until ? "idempotency_in_flight" : "outcome_unknown") };
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url");
}
