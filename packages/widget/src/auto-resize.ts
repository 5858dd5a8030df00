import type { App } from "./connect.ts";

/** Tells the host the document's size now and whenever it changes. Gives a function that stops it. */
export function autoResize(app: Pick<App, "resize">, root: Element): () => void {
  let last = "";
  const report = (): void => {
    const box = root.getBoundingClientRect();
    const size = { width: Math.ceil(box.width), height: Math.ceil(box.height) };
    const key = `${size.width}x${size.height}`;
    if (key !== last) {
      last = key;
      app.resize(size);
    }
  };
  const observer = new ResizeObserver(report);
  observer.observe(root);
  report();
  return () => observer.disconnect();
}
