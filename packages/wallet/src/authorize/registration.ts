import type { EpochMs } from "@countersign/protocol/brand";
import { refuse } from "@countersign/protocol/errors";
import { judgeRegistrationRequest } from "@countersign/protocol/presented-client";
import { readJson } from "@countersign/service/body";
import type { Logger } from "@countersign/service/log";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import type { IncomingMessage } from "node:http";
import { Hono } from "hono";
import type Provider from "oidc-provider";
import { errors } from "oidc-provider";
import { askerOfRequest, type Rates } from "../rates/rates.ts";
import { registrationOffer } from "./client-fetch.ts";
import type { RegisteredClients } from "./registered-clients.ts";

export interface RegistrationParts {
  readonly provider: Provider;
  readonly registered: RegisteredClients;
  readonly rates: Rates;
  readonly logger: Logger;
  readonly now: () => EpochMs;
}

const bodyBytesMax = 16_384;

/**
 * `POST /register` (RFC 7591 section 3), for wallets that are open to it. What is kept is what {@link judgeRegistrationRequest} took and oidc-provider's own schema accepts; no secret is ever
 * given. Refuses with `invalid_client_metadata`, `invalid_redirect_uri`, and 429 with `Retry-After`: one address registers only so many, and so do all together.
 */
export function registrationRoutes({ provider, registered, rates, logger, now }: RegistrationParts): Hono {
  const app = new Hono();
  app.post("/register", async (c) => {
    for (const [name, key] of [["clientRegistration", askerOfRequest(c.req.raw)] as const, ["clientRegistrations", "all"] as const]) {
      const taken = await rates.take(name, key, now());
      if (!taken.ok) return respondRefusal(refuse("rate_limited"), { "retry-after": String(taken.error) });
    }
    const body = await readJson(c.req.raw, { maxBytes: bodyBytesMax });
    if (!body.ok) return respondRefusal(body.error);
    const judged = judgeRegistrationRequest(body.value, registrationOffer);
    if (!judged.ok) return respondJson(400, { error: judged.error.code, error_description: judged.error.reason });
    const client = await registered.add(judged.value);
    try {
      await provider.Client.find(client.client_id);
    } catch (error) {
      await registered.remove(client.client_id);
      if (!(error instanceof errors.InvalidClientMetadata)) throw error;
      return respondJson(400, { error: error.error, error_description: error.error_description });
    }
    logger.info("client.registered", { clientId: client.client_id });
    return respondJson(201, client);
  });
  return app;
}

/** Keeps the registrations of clients that get tokens. */
export function keepUsedClients(provider: Provider, registered: RegisteredClients): void {
  const used = new WeakMap<IncomingMessage, string>();
  provider.on("grant.success", (ctx) => {
    const clientId = ctx.oidc.client?.clientId;
    if (clientId !== undefined) used.set(ctx.req, clientId);
  });
  provider.use(async (ctx, next) => {
    await next();
    const clientId = used.get(ctx.req);
    if (clientId !== undefined) await registered.keep(clientId);
  });
}
