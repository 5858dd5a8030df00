import { z } from "zod";
import type { FlowView } from "../../authorize/flow-record.ts";
import { publicError } from "./errors.ts";

/** Epoch milliseconds. */
export const time: z.ZodType<number> = z.int().min(0).describe("Milliseconds since 1970-01-01T00:00:00Z.");

export const flowView: z.ZodType<FlowView> = z
  .strictObject({
    id: z.string(),
    connectorId: z.string(),
    issuer: z.string().describe("Issuer of the authorization server (RFC 8414)."),
    authorizationServerHost: z.string().describe("Show it to the user before they go there."),
    scope: z.array(z.string()),
    state: z.enum(["ready", "opened", "granted", "denied", "cancelled", "expired", "failed"]),
    startUrl: z.string().describe("For pages of the console, with their session. A product asks for a link instead."),
    expiresAt: time,
    error: publicError.exactOptional(),
  })
  .meta({
    id: "Flow",
    description: "One sign-in that a call or a connector waits for. There is at most one at a time for a user, server and issuer.",
  });
