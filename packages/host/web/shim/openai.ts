import { createOpenAi, withOnly } from "./window-openai.ts";

/** Runs as the first script of a widget's frame, from `openai-shim.js`. */
function observeHeight(report: (height: number) => void): void {
  let last = 0;
  const observer = new ResizeObserver(() => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    if (height === last || height === 0) return;
    last = height;
    report(height);
  });
  observer.observe(document.documentElement);
}

const { openai, reportHeight } = createOpenAi({
  view: window,
  event: (globals) => new CustomEvent("openai:set_globals", { detail: { globals } }),
  onUsed: () => observeHeight(reportHeight),
});
// The host's page writes beside the script which members its host has.
const members = (document.currentScript?.dataset["members"] ?? "").split(" ");
const value = withOnly(openai, members);
for (const name of ["openai", "webplus"]) Object.defineProperty(window, name, { value, enumerable: true, configurable: true });
