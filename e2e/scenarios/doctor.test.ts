import { readFileSync } from "node:fs";
import { doctor } from "@countersign/cli/doctor/doctor";
import { parseDoctor } from "@countersign/cli/doctor/options";
import { examineServer } from "@countersign/host/doctor/examine";
import { profileNames } from "@countersign/protocol/host-profile";
import { reportOn, type ServerReport } from "@countersign/protocol/server-matrix";
import { matters } from "@countersign/protocol/server-verdict";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findKeyboardTraps } from "../browser/inspect.ts";
import { arrive, type Person } from "../browser/person.ts";
import { look } from "../pictures/look.ts";
import { listen, portOf } from "../stack/listen.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const atTop = (shown: Locator) => (): Promise<void> => shown.evaluate((element) => element.scrollIntoView({ block: "start" }));

async function ask(page: Page, address: string): Promise<void> {
  await page.getByTestId("doctor-address").fill(address);
  await page.getByTestId("doctor-ask").click();
}

/** What the guide says that the command prints about the shop. */
function outputInGuide(): string {
  const guide = readFileSync(new URL("../../docs/guides/doctor.md", import.meta.url), "utf8");
  return /```text\n([^]*?)```/.exec(guide)?.[1] ?? "";
}

describe("the doctor", () => {
  let stack: TestStack;
  let person: Person;
  let page: Page;
  let server: string;
  let report: ServerReport;

  beforeAll(async () => {
    stack = await runStack();
    server = `${stack.urls.store}/mcp`;
    person = await arrive(stack.urls.console);
    page = person.console.page;
    const examined = await examineServer(server, { reach: "local", consent: "read_only" });
    if (!examined.ok) throw new Error(examined.error.code);
    report = reportOn(examined.value);
  });

  afterAll(async () => {
    await person?.leave();
    await stack?.stop();
  });

  it("prints what the guide shows, and ends with 1 because something is dead", async () => {
    const options = parseDoctor([server]);
    if (typeof options === "string") throw new Error(options);
    let printed = "";
    const write = (text: string): void => void (printed += text);
    const exit = await doctor(options, { stdout: { write }, stderr: { write: () => {} }, env: {} });
    expect(printed.replace(server, "http://127.0.0.1:4300/mcp")).toBe(outputInGuide());
    expect(exit).toBe(1);
  });

  it("is reached from the console, and by an address that fills the form and asks nothing by itself", async () => {
    await page.getByTestId("doctor-link").click();
    await page.waitForURL(`${stack.urls.console}/doctor`);
    const asked: string[] = [];
    page.on("request", (request) => void asked.push(new URL(request.url()).pathname));
    await page.goto(`${stack.urls.console}/doctor?url=${encodeURIComponent(server)}`);
    expect(await page.getByTestId("doctor-address").inputValue()).toBe(server);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await look(page, "doctor/form");
    expect(asked.filter((path) => path.startsWith("/api/"))).toEqual([]);
  });

  it("shows the same matrix as the command, with reason, fix and source behind each cell, by keyboard", async () => {
    await page.getByTestId("doctor-address").press("Enter");
    await page.getByTestId("doctor-matrix").waitFor();
    await look(page, "doctor/matrix", atTop(page.getByTestId("doctor-matrix")));
    expect(page.url()).toBe(`${stack.urls.console}/doctor?url=${encodeURIComponent(server)}`);
    for (const { host, verdicts } of report.hosts) {
      const cells = page.getByTestId(`doctor-host-${host}`).locator("[data-matter]");
      const shown = await cells.evaluateAll((all) => all.map((cell) => cell.getAttribute("data-standing")));
      expect([host, ...shown]).toEqual([host, ...matters.map((matter) => verdicts[matter].standing)]);
    }
    expect(await page.locator("[data-testid^=doctor-host-]").count()).toBe(profileNames.length);
    const cell = page.getByTestId("doctor-host-copilot").locator('[data-matter="model_call"]');
    const verdict = report.hosts.find(({ host }) => host === "copilot")?.verdicts.model_call;
    await cell.focus();
    await page.keyboard.press("Enter");
    expect(await cell.getAttribute("aria-expanded")).toBe("true");
    const detail = await page.getByTestId("doctor-detail").innerText();
    expect(detail).toContain(verdict?.reason);
    expect(detail).toContain(verdict?.fix);
    expect(detail).toContain(verdict?.basis?.source);
    expect(await page.getByTestId("doctor-findings").innerText()).toContain(report.findings[0]?.fix);
  });

  it("can be used by everybody, in light and dark, on a desktop and on a phone", async () => {
    await look(page, "doctor/cell", atTop(page.getByTestId("doctor-host-copilot")));
    expect(await findKeyboardTraps(page)).toEqual([]);
  });

  it("says which step of how many it is at, and ends at the server when the user cancels or leaves the page", async () => {
    const silent = await listen();
    const events: string[] = [];
    // No MCP, and metadata that never comes: the examination stays at its sixth step.
    silent.on("request", (request, response) => {
      if (!(request.url ?? "").startsWith("/.well-known/")) return void response.writeHead(404).end();
      events.push("asked");
      response.once("close", () => events.push("left"));
    });
    const address = `http://127.0.0.1:${portOf(silent)}/mcp`;
    try {
      await ask(page, address);
      await page.getByText("Step 6 of 7: looks up the authorization server.").waitFor();
      await expect.poll(() => events).toEqual(["asked"]);
      await look(page, "doctor/running");
      await page.getByTestId("doctor-stop").press("Enter");
      await page.getByTestId("doctor-stopped").waitFor();
      expect(await page.getByTestId("doctor-ask").evaluate((button) => button === document.activeElement)).toBe(true);
      await expect.poll(() => events).toEqual(["asked", "left"]);
      await page.getByTestId("doctor-ask").click();
      await expect.poll(() => events).toEqual(["asked", "left", "asked"]);
      await page.goto(stack.urls.console);
      await expect.poll(() => events).toEqual(["asked", "left", "asked", "left"]);
      await page.goto(`${stack.urls.console}/doctor`);
    } finally {
      silent.closeAllConnections();
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it("says what is wrong with an address, and that nothing answers, in words", async () => {
    const closed = await listen();
    const port = portOf(closed);
    await new Promise((resolve) => closed.close(resolve));
    await ask(page, `http://127.0.0.1:${port}/mcp`);
    expect(await page.getByTestId("doctor-unreached").innerText()).toContain("Nothing answers at the address.");
    await look(page, "doctor/unreached");
    await ask(page, "https://user:secret@shop.example/mcp");
    await page.getByTestId("doctor-problem").waitFor();
    expect(await page.getByTestId("doctor-problem").innerText()).not.toContain("secret");
    expect(person.pageErrors).toEqual([]);
  });
});
