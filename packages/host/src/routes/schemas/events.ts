import type { ChatEvent } from "../../chat/chat-event.ts";
import { z } from "zod";
import { callView, toldProgress, traceStepView } from "./calls.ts";
import { connectorView } from "./connectors.ts";
import { errorCode } from "./errors.ts";
import { flowView } from "./flows.ts";
import { profileChoice } from "./settings.ts";

const args = z.record(z.string(), z.unknown());
const chatEventParts = [
  z
    .strictObject({ turn: z.strictObject({ state: z.enum(["answering", "ended"]) }) })
    .describe("The model begins to answer, or has ended: nothing more of this turn comes."),
  z
    .strictObject({ id: z.string(), text: z.string(), at: z.int().min(0).exactOptional() })
    .describe("What the model says: the whole message with this `id`, or with `at` the piece of it that begins there (UTF-16 units)."),
  z
    .strictObject({ draft: z.strictObject({ id: z.string(), connectorId: z.string(), tool: z.string(), arguments: args }) })
    .describe("A call that the model is still writing, with its arguments so far. It has not been made, and may never be."),
  z
    .strictObject({ call: callView, arguments: args, draft: z.string().exactOptional() })
    .describe("A tool that the model calls; `draft` is the id under which it was written."),
  z
    .strictObject({ unmade: z.strictObject({ draft: z.string(), code: errorCode, message: z.string() }) })
    .describe("A call that was written and not made, and why."),
  z
    .strictObject({ viewCall: z.strictObject({ id: z.string(), widgetId: z.string(), tool: z.string(), arguments: args }) })
    .describe("A tool of a shown view that the model calls: the page that shows it answers."),
  z
    .strictObject({ id: z.string(), error: z.string(), code: errorCode, retryable: z.boolean(), retryAfterS: z.int().min(0).exactOptional() })
    .describe("Why the model said nothing more. `retryable`: the same words may be answered when they are said again."),
] as const;

/** One event of a turn, as `GET /api/chat/:id` lists it. */
export const chatEvent: z.ZodType<ChatEvent> = z.union(chatEventParts);
const toldChatEvent = z.union(chatEventParts.map((part) => part.extend({ conversationId: z.string() })));

/** What each event of `GET /api/events` carries as its `data`, by the name of the event. */
export const eventData: Readonly<Record<"call" | "flow" | "connector" | "trace" | "chat" | "settings" | "progress", z.ZodType>> = {
  call: callView.describe("A call has changed."),
  flow: flowView.describe("A sign-in has changed."),
  connector: connectorView.describe("A connector has changed."),
  trace: traceStepView.describe("A call has one step more."),
  progress: toldProgress.describe("A server says how far it is with a call; at most every 300 ms, and of this instance's calls only."),
  settings: profileChoice.describe("The user chose another host to be acted out: views are to be made anew."),
  chat: toldChatEvent.describe("The host's own model did something, in the conversation with this id."),
};
