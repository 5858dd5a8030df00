import { readFileSync } from "node:fs";
import { traceSchema } from "@countersign/protocol/trace-document";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { findBarriers, findSidewaysScrolling } from "../browser/inspect.ts";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { look } from "../pictures/look.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const mermaidFile = new URL("../../tools/mermaid/node_modules/mermaid/dist/mermaid.min.js", import.meta.url);

/** Draws a diagram with the real Mermaid, as a page would; gives the number of arrows and notes that are in the picture. */
async function draw(page: Page, text: string): Promise<string> {
  await page.setContent("<!doctype html><title>diagram</title><main id='out'></main>");
  await page.addScriptTag({ content: readFileSync(mermaidFile, "utf8") });
  return page.evaluate(async (source) => {
    const mermaid: unknown = Reflect.get(globalThis, "mermaid");
    const render: unknown = mermaid !== null && typeof mermaid === "object" ? Reflect.get(mermaid, "render") : undefined;
    if (typeof render !== "function") throw new Error("there is no Mermaid on the page");
    const drawn: unknown = await Reflect.apply(render, mermaid, ["drawn", source]);
    const svg = String(typeof drawn === "object" && drawn !== null ? Reflect.get(drawn, "svg") : "");
    const out = document.getElementById("out");
    if (out !== null) out.innerHTML = svg;
    return out?.textContent ?? "";
  }, text);
}

const exported = z.object({
  schema: z.literal(traceSchema),
  calls: z.array(
    z.object({
      id: z.string(),
      tool: z.string(),
      parentId: z.string().optional(),
      steps: z.array(z.object({ step: z.string(), messages: z.array(z.object({ line: z.string() })) })),
      ladder: z.array(z.object({ rung: z.string(), outcome: z.string() })),
    }),
  ),
});

describe("the trace of a call", () => {
  let stack: TestStack;
  let person: Person;

  beforeAll(async () => {
    stack = await runStack();
    person = await arrive(stack.urls.console);
  });

  afterAll(async () => {
    await person?.leave();
    await stack?.stop();
  });

  const text = (): Promise<string> => person.console.page.getByTestId("trace-text").innerText();

  it("has every message one click away, and no token, code or argument in it", async () => {
    const { page } = person.console;
    const popup = await openedBy(page, () => person.console.callTool("list_orders"));
    await new WalletPage(popup).signUpAndAllow("Ada");
    await person.console.callCard("list_orders").locator('[data-testid="call-status"]').getByText("Done").waitFor();
    for (const step of ["discovery", "token", "result"]) {
      const shown = page.locator(`[data-testid="trace-step"][data-step="${step}"]`).first();
      await shown.getByTestId("trace-raw").press("Enter");
      await shown.getByTestId("wire-message").first().waitFor();
    }
    const panel = await page.getByRole("complementary").last().innerText();
    for (const words of ["GET http", "authorization_servers", "grant_type", "[masked: text]", "POST http", "Bearer [masked]"])
      expect(panel).toContain(words);
    expect(panel).not.toMatch(/eyJ(?:hbGci|0eXAi|raWQi|[\w-]{10,}\.[\w-])/);
    await keepPicture(page, "trace-messages");
  });

  it("is exported as a document with its schema, by keyboard alone", async () => {
    const { page } = person.console;
    await page.getByTestId("trace-export-open").press("Enter");
    await expect.poll(async () => (await text()).includes('"step": "result"')).toBe(true);
    const document = exported.parse(JSON.parse(await text()));
    expect(document.calls.map(({ tool }) => tool)).toEqual(["list_orders"]);
    const reopen = async (): Promise<void> => {
      if (await page.getByTestId("trace-text").isVisible()) return;
      const toggle = page.getByTestId("trace-toggle");
      if (await toggle.isVisible()) await toggle.click();
      await page.getByTestId("trace-export-open").click();
      await expect.poll(async () => (await text()).includes('"step": "result"')).toBe(true);
    };
    await look(page, "trace/export", reopen);
    await reopen();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("trace-download").press("Enter")]);
    expect(download.suggestedFilename()).toMatch(/^trace-list_orders-call_[\w-]+\.json$/);
    expect(readFileSync(await download.path(), "utf8").trimEnd()).toBe((await text()).trimEnd());
  });

  it("is exported as a diagram that the real Mermaid draws", async () => {
    const { page } = person.console;
    await page.getByTestId("trace-format-mermaid").press("Space");
    const diagram = await text();
    await page.keyboard.press("Escape");
    await page.getByTestId("trace-export").waitFor({ state: "detached" });
    const paper = await person.browser.newPage({ width: 1280, height: 1400 });
    expect(await draw(paper, diagram)).toContain("Token received and stored");
    await keepPicture(paper, "trace-diagram");
    const architecture = readFileSync(new URL("../../ARCHITECTURE.md", import.meta.url), "utf8")
      .split("```mermaid\n")[1]
      ?.split("```")[0];
    expect(await draw(paper, architecture ?? "")).toContain("wallet");
    await paper.close();
  });

  it("keeps what a view said of its calls over a reload, and exports those calls with it", async () => {
    const { page } = person.console;
    await person.console.callTool("browse_products", { query: "mug" });
    await press(person.console.widget.getByTestId("look").first());
    await person.console.widget.getByTestId("product-page").waitFor();
    // As the widget library says it, when a call is refused for want of a sign-in and another way is tried.
    await person.console.widget.locator("body").evaluate(() => {
      const data = (outcome: string): unknown => ({ tool: "list_orders", rung: "link", outcome });
      for (const outcome of ["begun", "unauthorized"]) {
        const params = { level: "info", logger: "countersign/ladder", data: data(outcome) };
        window.parent.postMessage({ jsonrpc: "2.0", method: "notifications/message", params }, "*");
      }
    });
    const notes = page.getByTestId("trace-ladder");
    const parent = (await person.console.callCard("browse_products").getAttribute("data-call-id")) ?? "";
    await page.getByTestId("trace-call").selectOption(parent);
    await expect.poll(() => notes.count()).toBe(2);
    const said = await notes.locator(".step-title").allInnerTexts();
    await page.reload();
    await person.console.connected("store");
    await page.getByTestId("trace-call").selectOption(parent);
    await expect.poll(() => notes.locator(".step-title").allInnerTexts()).toEqual(said);
    await page.getByTestId("trace-export-open").press("Enter");
    await expect.poll(async () => exported.parse(JSON.parse(await text())).calls.length).toBeGreaterThan(1);
    const [first, second] = exported.parse(JSON.parse(await text())).calls;
    expect(first?.ladder.length).toBe(said.length);
    expect(second?.parentId).toBe(first?.id);
    await page.keyboard.press("Escape");
  });

  it("can be read and exported on a phone", async () => {
    const { page } = person.console;
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByTestId("trace-toggle").first().click();
    await page.getByTestId("trace-export-open").click();
    await page.getByTestId("trace-text").waitFor();
    expect(await findSidewaysScrolling(page.mainFrame())).toEqual([]);
    expect(await findBarriers(page.mainFrame())).toEqual([]);
    await keepPicture(page, "trace-export-phone");
    expect(person.pageErrors).toEqual([]);
  });
});
