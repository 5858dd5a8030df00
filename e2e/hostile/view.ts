import type { Frame } from "playwright-core";
import type { ConsolePage } from "../pages/console-page.ts";

/** Shows a hostile document by its tool and gives the frame that it runs in. */
export async function openView(console: ConsolePage, tool: string): Promise<Frame> {
  await console.callTool(tool);
  return viewOf(console, tool);
}

/** Starts the newest view of a tool again, whatever has become of it. */
export async function restartView(console: ConsolePage, tool: string): Promise<Frame> {
  const outer = console.callCard(tool).getByTestId("widget-frame");
  const old = await outer.elementHandle();
  await console.callCard(tool).getByTestId("widget-restart").click();
  await old?.waitForElementState("hidden");
  return viewOf(console, tool);
}

async function viewOf(console: ConsolePage, tool: string): Promise<Frame> {
  const inner = console.callCard(tool).getByTestId("widget-frame").contentFrame().locator("iframe");
  await inner.contentFrame().locator("#hostile").waitFor();
  const frame = await (await inner.elementHandle())?.contentFrame();
  if (frame === null || frame === undefined) throw new Error("the view has no document");
  return frame;
}
