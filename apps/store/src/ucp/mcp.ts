import { answer, refused, type ToolAnswer } from "@countersign/kit/answer";
import { type App, createApp } from "@countersign/kit/app";
import { anonymous } from "@countersign/kit/auth";
import { z } from "zod";
import type { KeyedAnswers } from "../keyed-answers.ts";
import type { Shop } from "../shop.ts";
import { type AgentFault, agentFaults, judgeProfileUrl } from "./agent.ts";
import { mcpPath } from "./names.ts";
import { cancelSession, completeSession, createSession, getSession, type UcpAnswer, updateSession } from "./operate.ts";
import { type KeepAnswer, runOnce } from "./replay.ts";
import { completion, idempotencyKey, sessionId, wantedCheckout } from "./shapes.ts";

// Needed in every call, and bounded, by `judgeProfileUrl`: UCP has an error of its own for a call without it.
const agent = z.object({ profile: z.string().optional().describe("Required: HTTPS URL of the platform's profile") });
const meta = z.object({ "ucp-agent": agent.optional(), "idempotency-key": idempotencyKey.optional() });
const keyedMeta = meta.extend({ "idempotency-key": idempotencyKey });

type Meta = z.infer<typeof meta>;
type AppOptions = Parameters<typeof createApp>[0];
export type UcpAppOptions = Pick<AppOptions, "allowedHosts" | "allowedOrigins" | "report">;

/** The MCP binding (UCP, Checkout Capability, MCP): the tools as UCP names them, at an endpoint of their own, for anybody. */
export function createUcpApp(shop: Shop, answers: KeyedAnswers, options: UcpAppOptions): App {
  const app = createApp({
    ...options,
    name: "store-ucp",
    version: "1.0.0",
    title: `${shop.name} (UCP)`,
    instructions: "Universal Commerce Protocol. Completing asks the buyer for an approval on the wallet's page.",
    resource: shop.url + mcpPath,
    clock: shop.clock,
  });
  const once = keyed(shop, answers);
  app.tool(
    "create_checkout",
    { description: "Creates a checkout session.", input: z.object({ meta, checkout: wantedCheckout }), auth: anonymous(), annotations: writes },
    ({ meta: given, checkout }) => once("create", "", given, checkout, (keep) => createSession(shop, checkout, keep)),
  );
  app.tool(
    "get_checkout",
    {
      description: "Reads a checkout session.",
      input: z.object({ meta, id: sessionId }),
      auth: anonymous(),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ meta: given, id }) => once("get", id, { "ucp-agent": given["ucp-agent"] }, null, () => getSession(shop, id)),
  );
  app.tool(
    "update_checkout",
    {
      description: "Replaces what a checkout session asks for.",
      input: z.object({ meta, id: sessionId, checkout: wantedCheckout }),
      auth: anonymous(),
      annotations: writes,
    },
    ({ meta: given, id, checkout }) => once("update", id, given, checkout, (keep) => updateSession(shop, id, checkout, keep)),
  );
  app.tool(
    "complete_checkout",
    {
      description: "Pays a checkout session and places the order. The buyer approves first, at `continue_url`.",
      input: z.object({ meta: keyedMeta, id: sessionId, checkout: completion.optional() }),
      auth: anonymous(),
      annotations: { ...writes, destructiveHint: true, idempotentHint: true },
    },
    ({ meta: given, id, checkout }) => once("complete", id, given, checkout ?? null, () => completeSession(shop, id, checkout ?? {})),
  );
  app.tool(
    "cancel_checkout",
    {
      description: "Gives a checkout session up.",
      input: z.object({ meta: keyedMeta, id: sessionId }),
      auth: anonymous(),
      annotations: { ...writes, destructiveHint: true, idempotentHint: true },
    },
    ({ meta: given, id }) => once("cancel", id, given, null, (keep) => cancelSession(shop, id, keep)),
  );
  return app;
}

const writes = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false } as const;

type Once = (operation: string, session: string, given: Meta, payload: unknown, run: (keep: KeepAnswer) => Promise<UcpAnswer>) => Promise<ToolAnswer>;

function keyed(shop: Shop, answers: KeyedAnswers): Once {
  return async (operation, session, given, payload, run) => {
    const profile = judgeProfileUrl(given["ucp-agent"]?.profile ?? "");
    if (!profile.ok) return misnamed(profile.error);
    const request = { operation, session, key: given["idempotency-key"], payload: JSON.stringify(payload) };
    const told = await runOnce(shop, answers, request, run);
    return told.kind === "ucp" ? answer(told.body) : refused(told.refusal);
  };
}

/** UCP has a name for it that no other refusal of this shop has. */
function misnamed(fault: AgentFault): ToolAnswer {
  const message = agentFaults[fault].content;
  return {
    kind: "result",
    content: [{ type: "text", text: message }],
    structuredContent: { error: { code: fault, message, retryable: false } },
    isError: true,
  };
}
