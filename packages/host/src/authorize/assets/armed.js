// A click that was meant for what stood here before counts for nothing (a window that opens under the pointer between two clicks).
const armAfterMs = 500;
const shownAt = performance.now();
for (const link of document.querySelectorAll("[data-armed]")) {
  link.addEventListener("click", (event) => {
    if (performance.now() - shownAt < armAfterMs) event.preventDefault();
  });
}
