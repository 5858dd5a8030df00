import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { isMinorUnits } from "@countersign/protocol/money";
import { isPaymentIdentifier } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import { boundedText, hasOnlyMembers, isJsonObject, member } from "@countersign/protocol/shape";
import { readJson } from "@countersign/service/body";
import type { Logger } from "@countersign/service/log";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import { Hono } from "hono";
import type Provider from "oidc-provider";
import { authenticateClient, refuseClient, type ServerInterface } from "../authorize/client-token.ts";
import { type RedeemParts, redeemMandate, type RedemptionView, settleRedemption, voidRedemption } from "./redeem.ts";

export interface MandateRouteParts extends RedeemParts {
  readonly provider: Provider;
  readonly mandates: ServerInterface;
  readonly logger: Logger;
}

const bodyBytesMax = 32_768;
const mandateLengthMax = 16_384;

/**
 * What a bank calls: `POST /mandates/redeem` uses a mandate, before money moves; `POST /mandates/void` says that nothing came of it, and `POST /mandates/settle`
 * that only a part was taken.
 */
export function mandateRoutes(parts: MandateRouteParts): Hono {
  const app = new Hono();
  const serve = async (request: Request, act: (by: string, body: unknown) => Promise<Result<RedemptionView, Refusal>>): Promise<Response> => {
    const client = await authenticateClient(parts, request, parts.mandates);
    if (!client.ok) return refuseClient(client.error, parts.mandates);
    const { clientId } = client.value;
    const body = await readJson(request, { maxBytes: bodyBytesMax });
    if (!body.ok) return respondRefusal(body.error);
    const done = await act(clientId, body.value);
    if (!done.ok) {
      parts.logger.warn("mandate.refused", { clientId, code: done.error.code, reason: done.error.detail });
      return respondRefusal(done.error);
    }
    const what = done.value.captured === undefined ? done.value.status : "settled";
    parts.logger.info(`mandate.${what}`, { clientId, paymentRequestId: done.value.request_id });
    return respondJson(200, done.value);
  };

  app.post("/mandates/redeem", (c) =>
    serve(c.req.raw, async (by, body) => {
      const asked = parseRedemption(body);
      return asked.ok ? redeemMandate(parts, { ...asked.value, by }) : asked;
    }),
  );
  app.post("/mandates/void", (c) =>
    serve(c.req.raw, async (by, body) => {
      const asked = parseVoid(body);
      return asked.ok ? voidRedemption(parts, { ...asked.value, by }) : asked;
    }),
  );
  app.post("/mandates/settle", (c) =>
    serve(c.req.raw, async (by, body) => {
      const asked = parseSettlement(body);
      return asked.ok ? settleRedemption(parts, { ...asked.value, by }) : asked;
    }),
  );
  return app;
}

function parseRedemption(body: unknown): Result<{ readonly mandate: Secret; readonly reference: string }, Refusal> {
  const mandate = boundedText(member(body, "mandate"), mandateLengthMax);
  const reference = member(body, "reference");
  if (!isJsonObject(body) || !hasOnlyMembers(body, ["mandate", "reference"]) || mandate === undefined || !isPaymentIdentifier(reference)) {
    return err(refuse("invalid_request", "a redemption is { mandate, reference }"));
  }
  return ok({ mandate: new Secret(mandate), reference });
}

function parseVoid(body: unknown): Result<{ readonly requestId: string; readonly reference: string }, Refusal> {
  const requestId = member(body, "request_id");
  const reference = member(body, "reference");
  if (
    !isJsonObject(body) ||
    !hasOnlyMembers(body, ["request_id", "reference"]) ||
    !isPaymentIdentifier(requestId) ||
    !isPaymentIdentifier(reference)
  ) {
    return err(refuse("invalid_request", "a void is { request_id, reference }"));
  }
  return ok({ requestId, reference });
}

function parseSettlement(body: unknown): Result<{ readonly requestId: string; readonly reference: string; readonly captured: number }, Refusal> {
  const requestId = member(body, "request_id");
  const reference = member(body, "reference");
  const captured = member(body, "captured");
  const isClosed = isJsonObject(body) && hasOnlyMembers(body, ["request_id", "reference", "captured"]);
  if (!isClosed || !isPaymentIdentifier(requestId) || !isPaymentIdentifier(reference) || !isMinorUnits(captured) || captured === 0) {
    return err(refuse("invalid_request", "a settlement is { request_id, reference, captured }, and captured is more than nothing"));
  }
  return ok({ requestId, reference, captured });
}
