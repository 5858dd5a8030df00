import { z } from "zod";
import type { FileView } from "../../resources/files.ts";
import type { ReturnView } from "../../resources/app-returns.ts";
import { time } from "./flows.ts";

/** What is asked in the name of a view, beside its tool calls. */

export const newState: z.ZodType<{ readonly state: string }> = z
  .strictObject({ state: z.string().max(65_536).describe("JSON text that only the widget itself reads.") })
  .meta({ id: "WidgetState" });

export const savedView: z.ZodType<{ readonly saved: true }> = z.strictObject({ saved: z.literal(true) });

export const resourceQuestion: z.ZodType<{ readonly uri: string }> = z.strictObject({ uri: z.string().min(1).max(2048) });

export const resourcePage: z.ZodType<{ readonly cursor?: string }> = z.strictObject({ cursor: z.string().max(4096).exactOptional() });

export const fileView: z.ZodType<FileView> = z
  .strictObject({ fileId: z.string(), fileName: z.string(), mimeType: z.string(), size: z.int(), expiresAt: time })
  .meta({ id: "File", description: "A file that the user gave to an app. It lives for a day." });

export const fileList: z.ZodType<{ readonly files: readonly FileView[] }> = z.strictObject({ files: z.array(fileView) });

export const fileQuestion: z.ZodType<{ readonly fileId: string }> = z.strictObject({ fileId: z.string().min(1).max(100) });

export const fileLink: z.ZodType<{ readonly downloadUrl: string }> = z.strictObject({
  downloadUrl: z.string().describe("On the view's own origin, for ten minutes, without a cookie."),
});

export const newPopup: z.ZodType<{ readonly url: string }> = z.strictObject({ url: z.string().min(1).max(8192) });

/** A window that an app may have opened. */
export interface PopupView {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: number;
}

export const popupView: z.ZodType<PopupView> = z
  .strictObject({ id: z.string(), url: z.string().describe("Where to send the window: with `redirectUrl`, its way back."), expiresAt: time })
  .meta({ id: "Popup" });

export const returnView: z.ZodType<ReturnView> = z
  .union([
    z.strictObject({ state: z.literal("open") }),
    z.strictObject({ state: z.literal("returned"), parameters: z.record(z.string(), z.string()) }),
  ])
  .meta({ id: "PopupReturn" });

/** What a view asks of the host's model (`sampling/createMessage`): texts only. */
export interface SamplingQuestion {
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  readonly systemPrompt?: string;
  readonly maxTokens: number;
}

export const samplingQuestion: z.ZodType<SamplingQuestion> = z
  .strictObject({
    messages: z
      .array(z.strictObject({ role: z.enum(["user", "assistant"]), text: z.string().min(1).max(20_000) }))
      .min(1)
      .max(20),
    systemPrompt: z.string().max(4000).exactOptional(),
    maxTokens: z.int().min(1).max(4000),
  })
  .meta({ id: "Sampling" });

export const samplingAnswer: z.ZodType<{ readonly model: string; readonly text: string }> = z.strictObject({ model: z.string(), text: z.string() });
