import type { App } from "./connect.ts";

/** Hosts cut off a view that floods them, and a size that changes again soon is not worth telling. */
const pauseMs = 100;

/** Tells the host the element's size now and whenever it has changed, at most ten times a second. Gives a function that stops it. */
export function autoResize(app: Pick<App, "resize">, root: Element): () => void {
  let told = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = (): void => {
    timer = undefined;
    const box = root.getBoundingClientRect();
    const size = { width: Math.ceil(box.width), height: Math.ceil(box.height) };
    const key = `${size.width}x${size.height}`;
    if (key !== told) {
      told = key;
      app.resize(size);
    }
  };
  const observer = new ResizeObserver(() => {
    timer ??= setTimeout(tell, pauseMs);
  });
  observer.observe(root);
  tell();
  return () => {
    observer.disconnect();
    clearTimeout(timer);
  };
}
