import { z } from "zod";
import { callView, traceStepView } from "./calls.ts";
import { connectorView } from "./connectors.ts";
import { errorCode } from "./errors.ts";
import { flowView } from "./flows.ts";
import { profileChoice } from "./settings.ts";

const chatEvent = z.union([
  z
    .strictObject({ turn: z.strictObject({ conversationId: z.string(), state: z.enum(["answering", "ended"]) }) })
    .describe("The model begins to answer, or has ended: nothing more of this turn comes."),
  z
    .strictObject({ id: z.string(), text: z.string(), append: z.literal(true).exactOptional() })
    .describe("What the model says: with `append` a piece more of the message with this `id`, without it the whole message."),
  z
    .strictObject({
      draft: z.strictObject({ id: z.string(), connectorId: z.string(), tool: z.string(), arguments: z.record(z.string(), z.unknown()) }),
    })
    .describe("A call that the model is still writing, with its arguments so far. It has not been made, and may never be."),
  z
    .strictObject({ call: callView, arguments: z.record(z.string(), z.unknown()), draft: z.string().exactOptional() })
    .describe("A tool that the model calls; `draft` is the id under which it was written."),
  z
    .strictObject({
      viewCall: z.strictObject({ id: z.string(), widgetId: z.string(), tool: z.string(), arguments: z.record(z.string(), z.unknown()) }),
    })
    .describe("A tool of a shown view that the model calls: the page that shows it answers."),
  z
    .strictObject({ id: z.string(), error: z.string(), code: errorCode, retryAfterS: z.int().min(0).exactOptional() })
    .describe("Why the model said nothing more."),
]);

/** What each event of `GET /api/events` carries as its `data`, by the name of the event. */
export const eventData: Readonly<Record<"call" | "flow" | "connector" | "trace" | "chat" | "settings", z.ZodType>> = {
  call: callView.describe("A call has changed."),
  flow: flowView.describe("A sign-in has changed."),
  connector: connectorView.describe("A connector has changed."),
  trace: traceStepView.describe("A call has one step more."),
  settings: profileChoice.describe("The user chose another host to be acted out: views are to be made anew."),
  chat: chatEvent.describe("The host's own model did something."),
};
