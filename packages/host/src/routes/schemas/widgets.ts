import type { WidgetView } from "../../resources/widgets.ts";
import { z } from "zod";
import { idText } from "./calls.ts";
import { profileName } from "./settings.ts";

/** The body of `POST /api/widgets`. */
export interface NewWidget {
  readonly connectorId: string;
  readonly resourceUri: string;
  readonly callId?: string;
  readonly pageOrigin?: string;
}

export const newWidget: z.ZodType<NewWidget> = z
  .strictObject({
    connectorId: idText,
    resourceUri: z.string().startsWith("ui://").max(2048),
    callId: idText.exactOptional().describe("The call whose result the view shows."),
    pageOrigin: z
      .string()
      .max(300)
      .exactOptional()
      .describe(
        "Origin of your page that frames the view: one of those configured for your product. Required with an API key; no other page can show it.",
      ),
  })
  .meta({ id: "NewWidget" });

export const widgetView: z.ZodType<WidgetView> = z
  .strictObject({
    id: z.string(),
    connectorId: z.string(),
    resourceUri: z.string(),
    callId: z.string().exactOptional(),
    frameUrl: z.string().describe("What the frame loads: the proxy page of MCP Apps, on an origin of the app's own."),
    html: z.string().describe("The document, which your page hands to the proxy page by `ui/notifications/sandbox-resource-ready`."),
    csp: z.record(z.string(), z.unknown()),
    permissions: z.record(z.string(), z.unknown()).describe("Of what the document declares, what is granted."),
    profile: profileName.describe("The host that is acted out for the view, fixed when it was made."),
    prefersBorder: z.boolean(),
    description: z.string().exactOptional().describe("The app's words on what the view shows, for a model. Data, not instructions."),
    linkDomains: z.array(z.string()).describe("Sources whose pages the app may open without a question to the user."),
    session: z.string().describe("The same for every view of one call's document."),
    state: z.string().nullable().describe("What the widget kept, as JSON text."),
  })
  .meta({ id: "Widget", description: "One view of a `ui://` document for one user. It lives for a day." });
