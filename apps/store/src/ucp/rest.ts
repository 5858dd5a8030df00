import { type Refusal, refuse, toHttpError } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { readBytes, readJson } from "@countersign/service/body";
import { respondJson } from "@countersign/service/respond";
import type { z } from "zod";
import type { KeyedAnswers } from "../keyed-answers.ts";
import { errorName } from "../report.ts";
import type { Shop } from "../shop.ts";
import { agentFaults, judgeAgentHeader } from "./agent.ts";
import { restPath } from "./names.ts";
import { cancelSession, completeSession, createSession, getSession, type UcpAnswer, updateSession } from "./operate.ts";
import { type KeepAnswer, runOnce } from "./replay.ts";
import { completion, idempotencyKey, sessionId, wantedCheckout } from "./shapes.ts";

const bytesMax = 65_536;
const sessionsPath = `${restPath}/checkout-sessions`;

type Verb = "create" | "get" | "update" | "complete" | "cancel";

/** Which verb a method and the path below the sessions' mean. `needsKey`: a retry without a key could do it twice. */
const routes: readonly { readonly verb: Verb; readonly method: string; readonly path: RegExp; readonly needsKey: boolean }[] = [
  { verb: "create", method: "POST", path: /^$/, needsKey: false },
  { verb: "get", method: "GET", path: /^\/([^/]+)$/, needsKey: false },
  { verb: "update", method: "PUT", path: /^\/([^/]+)$/, needsKey: false },
  { verb: "complete", method: "POST", path: /^\/([^/]+)\/complete$/, needsKey: true },
  { verb: "cancel", method: "POST", path: /^\/([^/]+)\/cancel$/, needsKey: true },
];

/**
 * The REST binding (UCP, Checkout Capability, REST). An answer of the business has 200 and `messages`, 201 when a checkout was made, 404 when there is none; a
 * request that could not be processed has the status of its refusal and `{code, content}`. A page of another site cannot call it: `UCP-Agent` is a header that
 * browsers ask about first, and nobody answers them.
 */
export async function serveRest(shop: Shop, answers: KeyedAnswers, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const matches = pathname.startsWith(sessionsPath) ? routes.filter((each) => each.path.test(pathname.slice(sessionsPath.length))) : [];
  const route = matches.find((each) => each.method === request.method);
  if (matches.length === 0) return refusedRest(refuse("not_found"));
  if (route === undefined) return new Response(null, { status: 405, headers: { allow: matches.map((each) => each.method).join(", ") } });
  const agent = judgeAgentHeader(request.headers.get("ucp-agent"));
  if (!agent.ok) return respondJson(agentFaults[agent.error].status, { code: agent.error, content: agentFaults[agent.error].content });
  const key = readKey(request.headers.get("idempotency-key"), route.needsKey);
  if (!key.ok) return refusedRest(key.error);
  const session = route.path.exec(pathname.slice(sessionsPath.length))?.[1] ?? "";
  try {
    const answer = await callVerb(shop, answers, request, { verb: route.verb, session, key: key.value });
    return answer.kind === "ucp" ? respondJson(answer.status, answer.body) : refusedRest(answer.refusal);
  } catch (thrown) {
    shop.report({ event: "work_failed", where: "ucp", error: errorName(thrown) });
    return refusedRest(refuse("internal_error"));
  }
}

async function callVerb(
  shop: Shop,
  answers: KeyedAnswers,
  request: Request,
  { verb, session, key }: { readonly verb: Verb; readonly session: string; readonly key: string | undefined },
): Promise<UcpAnswer> {
  // What is no id of this shop is not there, and is not looked for.
  const id = sessionId.safeParse(session).success ? session : "";
  if (verb === "get") return getSession(shop, id);
  const body = await readBody(request);
  if (!body.ok) return { kind: "protocol", refusal: body.error };
  const { json, payload } = body.value;
  const once = (run: (keep: KeepAnswer) => Promise<UcpAnswer>): Promise<UcpAnswer> =>
    runOnce(shop, answers, { operation: verb, session, key, payload }, run);
  switch (verb) {
    case "create": {
      const wanted = parse(wantedCheckout, json);
      return wanted.ok ? once((keep) => createSession(shop, wanted.value, keep)) : { kind: "protocol", refusal: wanted.error };
    }
    case "update": {
      const wanted = parse(wantedCheckout, json);
      return wanted.ok ? once((keep) => updateSession(shop, id, wanted.value, keep)) : { kind: "protocol", refusal: wanted.error };
    }
    case "complete": {
      const completing = parse(completion, json);
      return completing.ok ? once(() => completeSession(shop, id, completing.value)) : { kind: "protocol", refusal: completing.error };
    }
    case "cancel":
      return once((keep) => cancelSession(shop, id, keep));
  }
}

/** The body as it came, and what it says; an empty one says `{}`. */
async function readBody(request: Request): Promise<Result<{ readonly json: unknown; readonly payload: string }, Refusal>> {
  const bytes = await readBytes(request, bytesMax);
  if (!bytes.ok) return bytes;
  if (bytes.value.byteLength === 0) return ok({ json: {}, payload: "" });
  const type = request.headers.get("content-type") ?? "";
  const copy = new Request(request.url, { method: "POST", headers: { "content-type": type }, body: new Uint8Array(bytes.value) });
  const json = await readJson(copy, { maxBytes: bytesMax });
  return json.ok ? ok({ json: json.value, payload: bytes.value.toString("base64") }) : json;
}

function readKey(header: string | null, isNeeded: boolean): Result<string | undefined, Refusal> {
  if (header === null) return isNeeded ? err(refuse("idempotency_key_required")) : ok(undefined);
  return idempotencyKey.safeParse(header).success
    ? ok(header)
    : err(refuse("invalid_request", "an idempotency key has 22 to 255 visible characters"));
}

function parse<T>(shape: z.ZodType<T>, json: unknown): Result<T, Refusal> {
  const parsed = shape.safeParse(json);
  if (parsed.success) return ok(parsed.data);
  const at = parsed.error.issues.slice(0, 3).map((issue) => `$.${issue.path.join(".")}`);
  return err(refuse("invalid_request", `not valid: ${at.join(", ")}`));
}

/** UCP has 409 for a key that came with another body, where this catalogue has 422. */
function refusedRest(refusal: Refusal): Response {
  const { status, body } = toHttpError(refusal);
  const { code } = refusal;
  const content = [body.error_description, refusal.code === "invalid_request" ? refusal.detail : undefined]
    .filter((part) => part !== undefined)
    .join(" ");
  const headers: Record<string, string> = status === 503 || code === "idempotency_in_flight" ? { "retry-after": "1" } : {};
  return respondJson(code === "idempotency_conflict" ? 409 : status, { code, content }, headers);
}
