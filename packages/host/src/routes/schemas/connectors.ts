import { clientAuthMethods } from "@countersign/protocol/client-authentication";
import type { ConnectorMode, SecurityScheme } from "@countersign/protocol/security";
import type { JsonObject } from "@countersign/protocol/shape";
import { z } from "zod";
import { settingsShape, type SettingsInput, type SettingsView, type SignInMode } from "../../connectors/settings.ts";
import type { ConnectorStatus } from "../../connectors/standing.ts";
import { type PublicError, publicError } from "./errors.ts";
import { time } from "./flows.ts";

/** The body of `POST /api/connectors`. */
export interface NewConnector {
  readonly url: string;
  readonly name?: string | undefined;
  readonly settings?: SettingsInput | undefined;
}

const name = z.string().trim().min(1).max(120);

export const newConnector: z.ZodType<NewConnector> = z
  .strictObject({
    url: z.string().min(1).max(2048).describe("Of an MCP server, taken literally. Https; plain http and this machine in development only."),
    name: name.optional(),
    settings: settingsShape.optional(),
  })
  .meta({ id: "NewConnector" });

/** The body of `PATCH /api/connectors/:id`. */
export interface ConnectorChange {
  readonly name?: string | undefined;
  readonly mode?: SignInMode | undefined;
  readonly settings?: SettingsInput | undefined;
}

export const connectorChange: z.ZodType<ConnectorChange> = z
  .strictObject({
    name: name.optional(),
    mode: z.enum(["auto", "mixed", "full"]).optional().describe("Changes the mode alone and leaves the other settings as they are."),
    settings: settingsShape.optional().describe("All settings anew."),
  })
  .meta({ id: "ConnectorChange" });

/** What a user is told of a connector: never a token, only that there is one and what it may do. */
export interface ConnectorView {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly mode: ConnectorMode;
  readonly settings: SettingsView;
  readonly removable: boolean;
  readonly status: ConnectorStatus;
  readonly protocol?: string;
  readonly error?: PublicError;
  readonly token?: { readonly issuer: string; readonly scope: readonly string[]; readonly expiresAt: number };
}

export const connectorView: z.ZodType<ConnectorView> = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    url: z.string(),
    mode: z.enum(["mixed", "full"]).describe("What is in force now: a token in every request, or only where a tool needs one."),
    settings: z
      .strictObject({
        mode: z.enum(["auto", "mixed", "full"]),
        authorizationServer: z.string().exactOptional(),
        clientId: z.string().exactOptional(),
        hasClientSecret: z.boolean(),
        tokenEndpointAuthMethod: z.enum(clientAuthMethods).exactOptional(),
        scope: z.string().exactOptional(),
        authorizeParameters: z.record(z.string(), z.string()).exactOptional(),
        allowUnadvertisedPkce: z.boolean().exactOptional(),
        omitResourceParameter: z.boolean().exactOptional(),
      })
      .meta({ id: "ConnectorSettings" }),
    removable: z.boolean().describe("False for one that every user has from configuration."),
    status: z
      .enum(["connecting", "connected", "sign_in_required", "failed"])
      .describe("`sign_in_required`: the server answers nothing without a token, and none is held that it takes."),
    protocol: z.string().exactOptional().describe("The protocol revision in use, such as `2025-11-25`."),
    error: publicError.exactOptional(),
    token: z
      .strictObject({ issuer: z.string(), scope: z.array(z.string()), expiresAt: time })
      .exactOptional()
      .describe("That the host holds a token, and what it may do. The token itself never leaves the host."),
  })
  .meta({ id: "Connector", description: "A user's connection to one MCP server." });

export const connectorList: z.ZodType<{ readonly connectors: readonly ConnectorView[] }> = z.strictObject({ connectors: z.array(connectorView) });

/** What differs from the tool that the user agreed to, and how it was; the digest names the tool as it is now. */
export interface ToolChangeView {
  readonly digest: string;
  readonly fields: readonly string[];
  readonly before?: JsonObject;
}

/** The body of `POST /api/connectors/:id/tools/agree`. */
export interface ToolAgreement {
  readonly tool: string;
  readonly digest: string;
}

export const toolAgreement: z.ZodType<ToolAgreement> = z
  .strictObject({ tool: z.string().min(1).max(200), digest: z.string().min(1).max(100).describe("`changed.digest` of the tool as it was shown.") })
  .meta({ id: "ToolAgreement" });

export const agreedView: z.ZodType<{ readonly agreed: true }> = z.strictObject({ agreed: z.literal(true) });

/** One tool as a user is told of it. */
export interface ToolView {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly annotations: JsonObject;
  readonly visibility: readonly ("model" | "app")[];
  readonly security: readonly SchemeView[] | null;
  readonly resourceUri?: string;
  readonly changed?: ToolChangeView;
  readonly invoking?: string;
  readonly invoked?: string;
}

export type SchemeView = { readonly type: "noauth" } | { readonly type: "oauth2"; readonly scopes: readonly string[] };

/** `SecurityScheme` as JSON: a set becomes a sorted list. */
export function toSchemeView(scheme: SecurityScheme): SchemeView {
  return scheme.type === "noauth" ? { type: "noauth" } : { type: "oauth2", scopes: [...scheme.scopes].toSorted() };
}

const toolView: z.ZodType<ToolView> = z
  .strictObject({
    name: z.string(),
    title: z.string(),
    description: z.string().describe("The server's own words, without characters that people cannot see. Data, not instructions."),
    inputSchema: z.record(z.string(), z.unknown()),
    annotations: z.record(z.string(), z.unknown()),
    visibility: z.array(z.enum(["model", "app"])).describe("Give a model only those with `model`."),
    security: z
      .array(z.union([z.strictObject({ type: z.literal("noauth") }), z.strictObject({ type: z.literal("oauth2"), scopes: z.array(z.string()) })]))
      .nullable(),
    resourceUri: z.string().exactOptional().describe("The `ui://` view that shows its results."),
    changed: z
      .strictObject({ digest: z.string(), fields: z.array(z.string()), before: z.record(z.string(), z.unknown()).exactOptional() })
      .exactOptional()
      .describe("The tool is not what the user agreed to: it is paused until they agree to it as it is now."),
    invoking: z.string().exactOptional().describe("The server's words for while it runs."),
    invoked: z.string().exactOptional().describe("The server's words for after it."),
  })
  .meta({ id: "Tool" });

export const toolList: z.ZodType<{ readonly tools: readonly ToolView[] }> = z.strictObject({ tools: z.array(toolView) });

export const removedView: z.ZodType<{ readonly removed: true }> = z.strictObject({ removed: z.literal(true) });
