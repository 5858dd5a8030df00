import type { Frame } from "playwright-core";

/** Sends one JSON-RPC request as the document's own script would, to its parent, and gives the whole answer. */
export async function ask(frame: Frame, method: string, params: Record<string, unknown>, id: string | number = `ask-${method}`): Promise<unknown> {
  return frame.evaluate(
    (message) =>
      new Promise((resolve) => {
        const listen = (event: MessageEvent): void => {
          if (event.source !== window.parent || event.data?.id !== message.id || "method" in event.data) return;
          window.removeEventListener("message", listen);
          resolve(event.data);
        };
        window.addEventListener("message", listen);
        window.parent.postMessage(message, "*");
      }),
    { jsonrpc: "2.0", id, method, params },
  );
}

/** Sends one notification or any other value. */
export async function say(frame: Frame, message: unknown): Promise<void> {
  await frame.evaluate((data) => window.parent.postMessage(data, "*"), message);
}
