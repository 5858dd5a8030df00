import { z } from "zod";
import type { FlowDevice, FlowView } from "../../authorize/flow-record.ts";
import type { StartLink } from "../../authorize/start-links.ts";
import { publicError } from "./errors.ts";

/** Epoch milliseconds. */
export const time: z.ZodType<number> = z.int().min(0).describe("Milliseconds since 1970-01-01T00:00:00Z.");

const flowDevice: z.ZodType<FlowDevice> = z
  .strictObject({
    state: z.enum(["waiting", "expired"]).describe("Of an expired code another one can be asked for while the sign-in lives."),
    userCode: z.string().describe("What the user types at `verificationUri`. Show it as text."),
    verificationUri: z.string(),
    verificationUriComplete: z.string().exactOptional().describe("The same place with the code in it, for a QR code."),
    expiresAt: time,
  })
  .meta({
    id: "FlowDevice",
    description: "A sign-in that goes on on another device (RFC 8628 section 3.3). The host asks by itself whether it is done.",
  });

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
    offersDevice: z.boolean().describe("Whether the authorization server offers sign-in on another device."),
    device: flowDevice.exactOptional(),
    error: publicError.exactOptional(),
  })
  .meta({
    id: "Flow",
    description: "One sign-in that a call or a connector waits for. There is at most one at a time for a user, server and issuer.",
  });

/** The body of `POST /api/flows/:id/link`. */
export interface NewLink {
  readonly account: string;
}

export const newLink: z.ZodType<NewLink> = z
  .strictObject({
    account: z
      .string()
      .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u)
      .describe("How your user knows their own account, such as an e-mail address that you have verified. Never a text that another user chose."),
  })
  .meta({ id: "NewLink" });

export const linkView: z.ZodType<StartLink> = z
  .strictObject({
    url: z.string().describe("Open it in a new window within your user's click. It works once."),
    expiresAt: time.describe("A minute from now."),
  })
  .meta({ id: "Link" });
