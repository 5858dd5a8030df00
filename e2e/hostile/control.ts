import type { Frame, Page } from "playwright-core";
import type { Browser } from "../browser/launch.ts";
import { listen, portOf } from "../stack/listen.ts";
import { blankDocument } from "../stack/hostile-app.ts";

/** The same document in a frame without any sandbox: what leaks here is what the sandbox has to stop. */
export interface Control {
  /** Opens a page of its own with the document in a frame; `html` instead of the blank one. */
  frame(browser: Browser, html?: string): Promise<{ readonly page: Page; readonly frame: Frame }>;
  close(): Promise<void>;
}

const outerPage = `<!doctype html><html lang="en"><head><title>Control</title></head><body><iframe src="/document"></iframe></body></html>`;

/** A service worker that does at once what it is told by its address. */
const worker = `fetch(new URL(location.href).searchParams.get("to"), { mode: "no-cors" });`;

/** Serves the control on a loopback name of its own. */
export async function openControl(): Promise<Control> {
  const server = await listen();
  let document = blankDocument;
  server.on("request", (request, response) => {
    const path = request.url ?? "/";
    const isWorker = path.startsWith("/service-worker.js");
    response.writeHead(200, { "content-type": isWorker ? "text/javascript" : "text/html", "cache-control": "no-store" });
    response.end(isWorker ? worker : path === "/document" ? document : outerPage);
  });
  return {
    frame: async (browser, html = blankDocument) => {
      document = html;
      const page = await browser.newPage();
      await page.goto(`http://control.localhost:${portOf(server)}/`);
      const frame = page.frames().find((each) => each.parentFrame() !== null);
      if (frame === undefined) throw new Error("the control page has no frame");
      await frame.waitForSelector("#hostile");
      return { page, frame };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
