// A click that was meant for what stood here before counts for nothing (a window that opens under the pointer between two clicks).
const armAfterMs = 500;
const links = document.querySelectorAll("[data-armed]");
let armed = false;
for (const link of links) {
  link.setAttribute("aria-disabled", "true");
  link.addEventListener("click", (event) => {
    if (!armed) event.preventDefault();
  });
}
setTimeout(() => {
  armed = true;
  for (const link of links) link.removeAttribute("aria-disabled");
}, armAfterMs);
