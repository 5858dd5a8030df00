import type { EpochMs } from "@countersign/protocol/brand";
import { html } from "hono/html";
import type { Markup } from "./layout.ts";

const formats: Readonly<Record<"day" | "minute", Intl.DateTimeFormat>> = {
  day: new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" }),
  minute: new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" }),
};

/** A time as people read it, such as "3 May 2026" or "3 May 2026, 14:05 UTC", with the exact one for programs. */
export function displayTime(at: EpochMs, precision: "day" | "minute"): Markup {
  const words = formats[precision].format(at);
  return html`<time datetime="${new Date(at).toISOString()}">${precision === "minute" ? `${words} UTC` : words}</time>`;
}
