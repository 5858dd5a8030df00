import { answer, refused, type ToolAnswer } from "@countersign/kit/answer";
import { type App, createApp } from "@countersign/kit/app";
import { anonymous } from "@countersign/kit/auth";
import { z } from "zod";
import type { Shop } from "../shop.ts";
import { judgeProfileUrl } from "./agent.ts";
import { mcpPath } from "./names.ts";
import { cancelSession, completeSession, createSession, getSession, type UcpAnswer, updateSession } from "./operate.ts";
import { runOnce } from "./replay.ts";
import { completion, idempotencyKey, sessionId, wantedCheckout } from "./shapes.ts";

const agent = z.object({ profile: z.string().max(2048).describe("HTTPS URL of the platform's profile") });
const meta = z.object({ "ucp-agent": agent, "idempotency-key": idempotencyKey.optional() });
const keyedMeta = meta.extend({ "idempotency-key": idempotencyKey });

type Meta = z.infer<typeof meta>;
type AppOptions = Parameters<typeof createApp>[0];
export type UcpAppOptions = Pick<AppOptions, "allowedHosts" | "allowedOrigins" | "report">;

/** The MCP binding (UCP, Checkout Capability, MCP): the tools as UCP names them, at an endpoint of their own, for anybody. */
export function createUcpApp(shop: Shop, options: UcpAppOptions): App {
  const app = createApp({
    ...options,
    name: "store-ucp",
    version: "1.0.0",
    title: `${shop.name} (UCP)`,
    instructions: "Universal Commerce Protocol. Completing asks the buyer for an approval on the wallet's page.",
    resource: shop.url + mcpPath,
    clock: shop.clock,
  });
  app.tool(
    "create_checkout",
    { description: "Creates a checkout session.", input: z.object({ meta, checkout: wantedCheckout }), auth: anonymous(), annotations: writes },
    ({ meta: given, checkout }) => once(shop, "create", "", given, checkout, () => createSession(shop, checkout)),
  );
  app.tool(
    "get_checkout",
    {
      description: "Reads a checkout session.",
      input: z.object({ meta, id: sessionId }),
      auth: anonymous(),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ meta: given, id }) => once(shop, "get", id, { "ucp-agent": given["ucp-agent"] }, null, () => getSession(shop, id)),
  );
  app.tool(
    "update_checkout",
    {
      description: "Replaces what a checkout session asks for.",
      input: z.object({ meta, id: sessionId, checkout: wantedCheckout }),
      auth: anonymous(),
      annotations: writes,
    },
    ({ meta: given, id, checkout }) => once(shop, "update", id, given, checkout, () => updateSession(shop, id, checkout)),
  );
  app.tool(
    "complete_checkout",
    {
      description: "Pays a checkout session and places the order. The buyer approves first, at `continue_url`.",
      input: z.object({ meta: keyedMeta, id: sessionId, checkout: completion.optional() }),
      auth: anonymous(),
      annotations: { ...writes, destructiveHint: true, idempotentHint: true },
    },
    ({ meta: given, id, checkout }) => once(shop, "complete", id, given, checkout ?? null, () => completeSession(shop, id, checkout ?? {})),
  );
  app.tool(
    "cancel_checkout",
    {
      description: "Gives a checkout session up.",
      input: z.object({ meta: keyedMeta, id: sessionId }),
      auth: anonymous(),
      annotations: { ...writes, destructiveHint: true, idempotentHint: true },
    },
    ({ meta: given, id }) => once(shop, "cancel", id, given, null, () => cancelSession(shop, id)),
  );
  return app;
}

const writes = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false } as const;

async function once(
  shop: Shop,
  operation: string,
  session: string,
  given: Meta,
  payload: unknown,
  run: () => Promise<UcpAnswer>,
): Promise<ToolAnswer> {
  const profile = judgeProfileUrl(given["ucp-agent"].profile);
  if (!profile.ok) return refused(profile.error);
  const told = await runOnce(shop, { operation, session, key: given["idempotency-key"], payload: JSON.stringify(payload) }, run);
  return told.kind === "ucp" ? answer(told.body) : refused(told.refusal);
}
