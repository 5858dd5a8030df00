import { createHash } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { type ErrorCode, refuse } from "@countersign/protocol/errors";
import type { ContentBlock } from "@modelcontextprotocol/server";
import { z } from "zod";
import { refused, type ToolAnswer, type ToolResult } from "./answer.ts";
import type { LinkStore } from "./link/link-store.ts";
import type { ToolHandler } from "./tool.ts";

/** How long an answer is kept for whoever sends the call again. */
export const answerTtlMs: number = 48 * 3_600_000;

/** How long a run is said to go on. After that nobody knows what became of it, and it is not begun again. */
const runMsMax = 600_000;
/** A caller without a token proves by the key alone that an answer is theirs: 22 characters of base64url are 128 bits. */
const guestKeyLengthMin = 22;
const bodyLengthMax = 32_000;

const kept = z.discriminatedUnion("state", [
  z.object({ state: z.literal("running"), args: z.string(), until: z.number() }),
  z.object({ state: z.literal("unkept"), args: z.string() }),
  z.object({
    state: z.literal("answered"),
    args: z.string(),
    result: z.object({
      content: z.array(z.custom<ContentBlock>((block) => typeof block === "object" && block !== null)),
      structuredContent: z.record(z.string(), z.unknown()).optional(),
      isError: z.boolean(),
      _meta: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);
type Kept = z.infer<typeof kept>;

/**
 * Runs a handler once for each key that a client sends (`_meta["countersign/idempotencyKey"]`), and gives the first answer to whoever sends the call again. A key is
 * of one tool, one user and one client. A call without a key runs as ever.
 *
 * Refuses with `idempotency_conflict` a key that came with other arguments, with `idempotency_in_flight` one whose run goes on, with `outcome_unknown` one whose
 * run nobody has heard of for ten minutes or whose answer was too large to keep (32,000 characters), with `unavailable` when there is no room, and with
 * `invalid_arguments` a key of a caller without a token that others could guess.
 * What is no answer is not kept, and the same key runs again: a demand for authorization or approval, a refusal that may be retried, a handler that threw.
 */
export function runOncePerKey<Input extends z.ZodObject>(store: LinkStore, clock: () => EpochMs, handler: ToolHandler<Input>): ToolHandler<Input> {
  return async (input, ctx) => {
    const key = ctx.idempotencyKey;
    if (key === undefined) return await handler(input, ctx);
    if (ctx.subject === undefined && key.length < guestKeyLengthMin) return guessable();
    const id = digest([ctx.tool, ctx.subject ?? null, ctx.clientId ?? null, key]);
    const args = digest(input);
    const write = (value: Kept): string => JSON.stringify(value);
    const begun = clock();
    const running = write({ state: "running", args, until: begun + runMsMax });
    if (!(await store.create(id, running, begun + answerTtlMs))) return await readBack(store, id, args, begun);
    let answer: ToolAnswer;
    try {
      answer = await handler(input, ctx);
    } catch (error) {
      await store.delete(id);
      throw error;
    }
    if (answer.kind !== "result" || mayBeRetried(answer)) {
      await store.delete(id);
      return answer;
    }
    const body = write({ state: "answered", args, result: plainResult(answer) });
    await store.replace(id, 1, body.length > bodyLengthMax ? write({ state: "unkept", args }) : body, clock() + answerTtlMs);
    return answer;
  };
}

async function readBack(store: LinkStore, id: string, args: string, now: EpochMs): Promise<ToolAnswer> {
  const held = await store.read(id, now);
  // Taken and gone within this moment, or no room: either way nothing ran for this call.
  if (held === undefined) return refuseBy("unavailable");
  const first = kept.parse(JSON.parse(held.body));
  if (first.args !== args) return refuseBy("idempotency_conflict");
  if (first.state === "running") return refuseBy(now < first.until ? "idempotency_in_flight" : "outcome_unknown");
  if (first.state === "unkept") return refuseBy("outcome_unknown");
  const { content, structuredContent, isError, _meta } = first.result;
  return { kind: "result", content, isError, ...(structuredContent && { structuredContent }), ...(_meta && { _meta }) };
}

function plainResult({ content, structuredContent, isError, _meta }: ToolResult): Extract<Kept, { state: "answered" }>["result"] {
  return {
    content: [...content],
    isError,
    ...(structuredContent && { structuredContent: { ...structuredContent } }),
    ...(_meta && { _meta: { ..._meta } }),
  };
}

const retryable = z.object({ error: z.object({ retryable: z.literal(true) }) });

function mayBeRetried(answer: ToolResult): boolean {
  return answer.isError && retryable.safeParse(answer.structuredContent).success;
}

function refuseBy(code: ErrorCode): ToolResult {
  return refused(refuse(code));
}

function guessable(): ToolResult {
  const text = `Invalid arguments: without a token an idempotency key has at least ${guestKeyLengthMin} characters that nobody can guess`;
  return { ...refuseBy("invalid_arguments"), content: [{ type: "text", text }] };
}

/** Of JSON whose members stand in the order of the schema, so that the same arguments are the same text. */
function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url");
}
