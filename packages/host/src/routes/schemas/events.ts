import { z } from "zod";
import { callView, traceStepView } from "./calls.ts";
import { connectorView } from "./connectors.ts";
import { errorCode } from "./errors.ts";
import { flowView } from "./flows.ts";

const chatEvent = z.union([
  z.strictObject({ id: z.string(), text: z.string() }).describe("What the model said."),
  z.strictObject({ call: callView, arguments: z.record(z.string(), z.unknown()) }).describe("A tool that the model calls."),
  z
    .strictObject({
      viewCall: z.strictObject({ id: z.string(), widgetId: z.string(), tool: z.string(), arguments: z.record(z.string(), z.unknown()) }),
    })
    .describe("A tool of a shown view that the model calls: the page that shows it answers."),
  z.strictObject({ id: z.string(), error: z.string(), code: errorCode }).describe("Why the model said nothing more."),
]);

/** What each event of `GET /api/events` carries as its `data`, by the name of the event. */
export const eventData: Readonly<Record<"call" | "flow" | "connector" | "trace" | "chat", z.ZodType>> = {
  call: callView.describe("A call has changed."),
  flow: flowView.describe("A sign-in has changed."),
  connector: connectorView.describe("A connector has changed."),
  trace: traceStepView.describe("A call has one step more."),
  chat: chatEvent.describe("The host's own model did something."),
};
