import axe, { type AxeResults } from "axe-core";
import type { Frame, Page } from "playwright-core";

/** WCAG 2.2 A and AA, and what axe counts as part of them. */
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

declare global {
  interface Window {
    /** Set in a document once axe was injected into it. */
    readonly axe?: { run(context: Document, options: object): Promise<Pick<AxeResults, "violations">> };
  }
}

/** Each failure of WCAG A or AA in one document: the rule, the element and why. Frames inside it are inspected on their own. */
export async function findBarriers(frame: Frame): Promise<readonly string[]> {
  if (!(await frame.evaluate(() => window.axe !== undefined))) await frame.evaluate(axe.source);
  return frame.evaluate(async (values) => {
    const options = { runOnly: { type: "tag", values }, resultTypes: ["violations"], iframes: false };
    const found = await window.axe?.run(document, options);
    if (found === undefined) return ["axe did not load"];
    return found.violations.flatMap((rule) =>
      rule.nodes.map(
        (node) => `${rule.id} at ${node.target.join(" ")}: ${[...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ")}`,
      ),
    );
  }, rules);
}

/** What can be scrolled sideways in one document. Raw JSON, code and tables may; nothing else. */
export async function findSidewaysScrolling(frame: Frame): Promise<readonly string[]> {
  return frame.evaluate(() =>
    [...document.querySelectorAll("*")]
      .filter((element) => {
        const root = element === document.scrollingElement;
        if (!root && !/auto|scroll/.test(getComputedStyle(element).overflowX)) return false;
        return (
          element.scrollWidth > element.clientWidth && element.clientWidth > 0 && element.closest("pre, [role=group][aria-label=Table]") === null
        );
      })
      .map((element) => `${element.tagName.toLowerCase()}.${element.className} is ${element.scrollWidth} wide in ${element.clientWidth}`),
  );
}

/** The document of the newest view in the console: the frame inside the proxy frame. */
export function viewFrame(page: Page): Frame {
  const frame = page.frames().findLast((each) => each.parentFrame()?.parentFrame() === page.mainFrame());
  if (frame === undefined) throw new Error("the console shows no view");
  return frame;
}

/** One place where the focus was while Tab was pressed. */
export interface FocusStop {
  readonly name: string;
  /** Whether an outline is drawn on the element or on what it stands for. */
  readonly visible: boolean;
}

/** Presses Tab until the focus is where it was before or has left the document, and tells where it has been. */
export async function tabThrough(page: Page, timesMax = 80): Promise<readonly FocusStop[]> {
  await page.evaluate(() => {
    // Tab goes on from where the focus was last, even when nothing has it now: the body is put before everything.
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
  });
  const stops: (FocusStop & { readonly id: string })[] = [];
  const seen = new Set<string>();
  for (let times = 0; times < timesMax; times += 1) {
    await page.keyboard.press("Tab");
    await focusLeft(page, stops.at(-1)?.id);
    const stop = await page.evaluate(focusedNow, `stop-${times}-${Date.now()}`);
    if (stop === undefined) continue;
    if (seen.has(stop.id) && stop.tag !== "IFRAME") break;
    seen.add(stop.id);
    stops.push(stop);
  }
  return stops;
}

/** Waits until the focus is elsewhere: a frame of another process takes it a moment after the key. Where it stays, 60 frames are enough to tell. */
async function focusLeft(page: Page, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  for (let frame = 0; frame < 60; frame += 1) {
    const stays = await page.evaluate(
      (before) =>
        new Promise<boolean>((resolve) => {
          requestAnimationFrame(() =>
            resolve(document.activeElement instanceof HTMLElement && document.activeElement.dataset["focusStop"] === before),
          );
        }),
      id,
    );
    if (!stays) return;
  }
}

/** The controls of the page that a person can see and use, by the same names as `tabThrough` gives. */
export async function namesOfControls(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const modal = document.querySelector("dialog[open]");
    return [...(modal ?? document).querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, summary, iframe")]
      .filter(
        (element) =>
          !element.matches(":disabled") &&
          element.checkVisibility() &&
          !(element instanceof HTMLInputElement && element.type === "radio" && !element.checked),
      )
      .map(
        (element) => element.getAttribute("aria-label") ?? element.getAttribute("title") ?? (element.closest("label") ?? element).innerText.trim(),
      );
  });
}

/** Runs in the page; `fresh` names an element that had no name yet. */
function focusedNow(fresh: string): (FocusStop & { readonly id: string; readonly tag: string }) | undefined {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === document.body) return undefined;
  element.dataset["focusStop"] ??= fresh;
  const shown = element.matches("input[type=radio]") ? (element.closest("label") ?? element) : element;
  // A frame draws no outline: what has the focus inside it does.
  const outlined = [shown, ...(element.matches("textarea, input") ? [element.parentElement ?? element] : [])].some((each) => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2;
  });
  return {
    id: element.dataset["focusStop"],
    tag: element.tagName,
    name: element.getAttribute("aria-label") ?? element.getAttribute("title") ?? (element.closest("label") ?? element).innerText.trim(),
    visible: element.tagName === "IFRAME" || outlined,
  };
}

/** The controls of a page that Tab does not reach, and those that do not show that they have the focus. */
export async function findKeyboardTraps(page: Page): Promise<readonly string[]> {
  const controls = await namesOfControls(page);
  const stops = await tabThrough(page);
  const unreached = controls.filter((name) => stops.every((stop) => stop.name !== name)).map((name) => `Tab does not reach ${name}`);
  return [...unreached, ...stops.filter((stop) => !stop.visible).map((stop) => `${stop.name} shows no focus`)];
}
