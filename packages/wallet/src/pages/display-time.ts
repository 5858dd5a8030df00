import type { EpochMs } from "@countersign/protocol/brand";
import { html } from "hono/html";
import type { Markup } from "./layout.ts";

/** Shows a time as people read it, such as "3 May 2026" or "3 May 2026, 14:05 CEST", with the exact one for programs. */
export type DisplayTime = (at: EpochMs, precision: "day" | "minute") => Markup;

/** Times as the clocks of a time zone show them; `timeZone` is a name that `Intl` knows. */
export function displayTimeIn(timeZone: string): DisplayTime {
  const day = { day: "numeric", month: "short", year: "numeric", timeZone } as const;
  const formats = {
    day: new Intl.DateTimeFormat("en-GB", day),
    minute: new Intl.DateTimeFormat("en-GB", { ...day, hour: "2-digit", minute: "2-digit", timeZoneName: "short" }),
  };
  return (at, precision) => html`<time datetime="${new Date(at).toISOString()}">${formats[precision].format(at)}</time>`;
}
