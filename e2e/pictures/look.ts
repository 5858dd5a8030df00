import type { Frame, Page } from "playwright-core";
import { expect } from "vitest";
import { findBarriers, findSidewaysScrolling, viewFrame } from "../browser/inspect.ts";
import { keepPicture } from "../browser/launch.ts";
import { dresses } from "./states.ts";

export const sizes = { desktop: { width: 1280, height: 860 }, phone: { width: 360, height: 740 } } as const;
/** The narrowest that WCAG 1.4.10 asks for: a page of 1280 pixels at four times its size. */
const narrowest = { width: 320, height: 640 };

/** What keeps somebody from reading or using one document. */
export async function barriersOf(at: Frame): Promise<readonly string[]> {
  return [...(await findBarriers(at)), ...(await findSidewaysScrolling(at))];
}

/** A view in the page that has dresses follows the page's a moment later. */
async function dressed(at: Page, scheme: string): Promise<void> {
  if ((await at.getByTestId("widget-frame").count()) === 0) return;
  await expect.poll(() => viewFrame(at).evaluate((whole) => document.documentElement.dataset["theme"] ?? whole, scheme)).toBe(scheme);
}

/**
 * Everybody can read and use the state in each dress, and on the narrowest screen nothing lies beside it. Its pictures are kept under its name, as
 * `pictureStates` lists it. `prepare` brings back what a screen of another size hides or scrolls away.
 */
export async function look(at: Page, name: string, prepare: () => Promise<void> = async () => {}): Promise<void> {
  const found: string[] = [];
  for (const [colorScheme, screen] of dresses) {
    await at.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await at.setViewportSize(sizes[screen]);
    await at.evaluate(() => new Promise((resolve) => void requestAnimationFrame(() => void requestAnimationFrame(resolve))));
    await prepare();
    await dressed(at, colorScheme);
    found.push(...(await barriersOf(at.mainFrame())).map((each) => `${name}, ${colorScheme}, ${screen}: ${each}`));
    await at.mouse.move(0, 0);
    await keepPicture(at, `${name}-${colorScheme}-${screen}`);
  }
  await at.setViewportSize(narrowest);
  found.push(...(await findSidewaysScrolling(at.mainFrame())).map((each) => `${name}, narrowest: ${each}`));
  await at.setViewportSize(sizes.desktop);
  expect(found).toEqual([]);
}
