import type { HostProfile } from "@countersign/protocol/ladder";
import { z } from "zod";
import type { TurnView } from "../../chat/chat.ts";
import type { ViewTool } from "../../chat/view-tools.ts";
import { connectorView, type ConnectorView } from "./connectors.ts";
import { chatEvent } from "./events.ts";
import { profileName } from "./settings.ts";

/** What a page of the console reads first. */
export interface SessionView {
  readonly user: { readonly id: string };
  readonly connectors: readonly ConnectorView[];
  readonly widgetOrigin: string;
  /** The host that this one acts out for the user. */
  readonly profile: HostProfile;
  readonly model?: { readonly name: string };
}

export const sessionView: z.ZodType<SessionView> = z
  .strictObject({
    user: z.strictObject({ id: z.string() }),
    connectors: z.array(connectorView),
    widgetOrigin: z.string().describe("Origin of the views, with `{app}` where the label of each app stands."),
    profile: profileName,
    model: z.strictObject({ name: z.string() }).exactOptional(),
  })
  .meta({ id: "Session" });

const viewTool: z.ZodType<ViewTool> = z.strictObject({
  widgetId: z.string().min(1).max(100),
  name: z.string().min(1).max(128),
  description: z.string().max(2000),
  inputSchema: z.record(z.string(), z.unknown()),
});

/** The body of `POST /api/chat`. */
export interface NewMessage {
  readonly conversationId: string;
  readonly message: string;
  readonly viewTools?: readonly ViewTool[];
}

export const newMessage: z.ZodType<NewMessage> = z
  .strictObject({
    conversationId: z.string().min(1).max(100).default("main"),
    message: z.string().min(1).max(20_000),
    viewTools: z.array(viewTool).max(20).exactOptional().describe("Tools that the shown views offer to the model."),
  })
  .meta({ id: "NewMessage" });

export const turnView: z.ZodType<TurnView> = z
  .strictObject({
    answering: z.string().exactOptional().describe("The conversation of the user that is being answered now."),
    events: z.array(chatEvent).describe("What was told of the last turn of this conversation, each message whole; empty when it is not remembered."),
  })
  .meta({ id: "ChatTurn" });
