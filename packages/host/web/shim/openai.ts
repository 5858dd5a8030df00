import { createOpenAi } from "./window-openai.ts";

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
for (const name of ["openai", "webplus"]) Object.defineProperty(window, name, { value: openai, enumerable: true, configurable: true });
