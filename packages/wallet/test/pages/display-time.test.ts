import { expect, test } from "vitest";
import { displayTimeIn } from "../../src/pages/display-time.ts";
import { renderPage } from "../../src/pages/layout.ts";

test.each([
  ["UTC", "3 May 2026, 22:05 UTC", "3 May 2026"],
  ["Europe/Berlin", "4 May 2026, 00:05 CEST", "4 May 2026"],
  ["America/New_York", "3 May 2026, 18:05 GMT-4", "3 May 2026"],
])("in %s a time reads as the clocks there show it, and says which clocks", async (timeZone, minute, day) => {
  const time = displayTimeIn(timeZone);
  const at = Date.UTC(2026, 4, 3, 22, 5);
  expect(await renderPage({ heading: "", body: time(at, "minute") })).toContain(`<time datetime="2026-05-03T22:05:00.000Z">${minute}</time>`);
  expect(await renderPage({ heading: "", body: time(at, "day") })).toContain(`>${day}</time>`);
});
