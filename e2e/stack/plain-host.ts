import { fileURLToPath } from "node:url";
import type { Frame, Page } from "playwright-core";
import { build } from "vite";
import type { Browser } from "../browser/launch.ts";
import { listen, portOf } from "./listen.ts";

/** One call of a tool, answered as the server of the view would. */
export type AnswerCall = (name: string, args: Record<string, unknown>) => Promise<unknown>;

/** A host that is not ours, made with the official AppBridge: it shows one view, forwards its calls and signs nobody in. */
export interface PlainHost {
  /** Opens the view in a page of this size. */
  open(browser: Browser, look: { readonly theme: "light" | "dark"; readonly width: number; readonly height: number }): Promise<Shown>;
  stop(): void;
}

export interface Shown {
  readonly page: Page;
  readonly view: Frame;
}

/** Starts the host of a view, which is an HTML document. A call that throws is answered as one that the server could not be reached for. */
export async function startPlainHost(view: string, answer: AnswerCall): Promise<PlainHost> {
  const script = await bundleHost();
  const frame = '<iframe title="Shop" sandbox="allow-scripts" style="border:0;width:100%;height:60px"></iframe>';
  const hostPage = `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Host</title></head>
<body style="margin:0">${frame}<script type="module">${script.replaceAll("</script", "<\\/script")}</script></body></html>`;
  const server = await listen();
  server.on("request", (request, response) => {
    if (request.url !== "/call") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(request.url === "/view" ? view : hostPage);
      return;
    }
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      const call: unknown = JSON.parse(text);
      const { name, arguments: args } = typeof call === "object" && call !== null ? { name: "", arguments: {}, ...call } : { name: "", arguments: {} };
      answer(name, args).then(
        (result) => response.end(JSON.stringify(result)),
        () => response.writeHead(502).end("{}"),
      );
    });
  });
  return {
    open: async (browser, { theme, width, height }) => {
      const page = await browser.newPage({ width, height });
      await page.goto(`http://127.0.0.1:${portOf(server)}/?theme=${theme}`);
      await page.frameLocator("iframe").getByTestId("product-card").first().waitFor();
      const shown = page.frames().find((each) => each !== page.mainFrame());
      if (shown === undefined) throw new TypeError("the view is not there");
      return { page, view: shown };
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bundleHost(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      target: "esnext",
      minify: false,
      modulePreload: false,
      lib: { entry: fileURLToPath(new URL("../widget-views/forwarding-host.ts", import.meta.url)), formats: ["es"] },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [chunk] = (Array.isArray(built) ? built : [built]).flatMap((each) => ("output" in each ? each.output : []));
  if (chunk?.type !== "chunk") throw new TypeError("the host was not built");
  return chunk.code;
}
