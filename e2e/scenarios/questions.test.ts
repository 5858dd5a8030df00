import type { Locator } from "playwright-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy } from "../pages/console-page.ts";
import { type AskingServers, startAskingServers } from "../stack/elicitation-app.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("what servers ask the user", () => {
  let servers: AskingServers;
  let stack: TestStack;
  let person: Person;

  beforeEach(async () => {
    servers = await startAskingServers();
    stack = await runStack({
      connectors: [
        { id: "asks", name: "Asks", url: servers.modern },
        { id: "old", name: "Old asks", url: servers.session },
      ],
    });
    person = await arrive(stack.urls.console);
    await person.console.connected("asks");
    await person.console.connected("old");
  });

  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    await stack.stop();
    await servers.stop();
    expect(errors).toEqual([]);
  });

  const part = (id: string): Locator => person.console.page.getByTestId(`asking-${id}`);
  const armed = (id: string): Locator => person.console.page.locator(`[data-testid="asking-${id}"][aria-disabled="false"]`);
  const openWindows = (): number => person.console.page.context().pages().length;
  const openPanel = async (): Promise<void> => {
    await person.console.callTool("open_panel");
    await person.console.widget.getByText("ready").waitFor();
  };
  const press = (name: string): Promise<void> => person.console.widget.getByRole("button", { name, exact: true }).click();
  const shown = async (): Promise<string> => {
    const out = person.console.widget.locator("#out");
    await out.getByText(/^\{/).waitFor();
    return out.innerText();
  };
  /** The user looks at the console again, as the browser tells its page. */
  const comeBack = async (): Promise<void> => {
    await person.console.page.bringToFront();
    await person.console.page.evaluate(() => dispatchEvent(new Event("focus")));
  };
  const ended = (tool: string, state: string): Promise<void> =>
    person.console.page.locator(`[data-testid="call-card"][data-tool="${tool}"][data-state="${state}"]`).last().waitFor();

  it("M18 a widget's call asks for a visit: a card, a click, a page in a window, and the same promise resolves when the user is back", async () => {
    const windows = openWindows();
    await openPanel();
    await press("link_bank");
    await part("card").waitFor();
    expect(servers.visits).toEqual([]);
    expect(await part("message").innerText()).toBe("Link your bank to go on.");
    expect(await part("url").innerText()).toBe(`${servers.pages}/link?ticket=t1`);
    expect(await part("open").innerText()).toContain(`Open ${new URL(servers.pages).host}`);
    expect(openWindows()).toBe(windows);
    await armed("open").waitFor();
    await keepPicture(person.console.page, "console-asking-visit");
    const bank = await openedBy(person.console.page, () => armed("open").click());
    await bank.getByRole("button", { name: "Link" }).click();
    await bank.getByText("Linked", { exact: true }).waitFor();
    expect(await bank.evaluate(() => window.opener === null)).toBe(true);
    await part("open").and(person.console.page.locator('[data-opened="true"]')).waitFor();
    await bank.close();
    const back = async (): Promise<string> => {
      await comeBack();
      return person.console.widget.locator("#out").innerText();
    };
    await expect.poll(back).toContain('"linked":true');
    expect(servers.runs["link_bank"]).toBe(1);
    expect(await part("card").count()).toBe(0);
  });

  it("a form in a card is filled in by keyboard, keeps its defaults, and is declined or cancelled with an answer", async () => {
    await openPanel();
    await press("choose");
    await part("field-dish").waitFor();
    await keepPicture(person.console.page, "console-asking-form");
    await part("field-guests").fill("no number");
    await armed("accept").click();
    await person.console.page.getByText("This is not a number.").waitFor();
    await part("field-guests").fill("4");
    await part("field-note").fill("No salt");
    await person.console.page.keyboard.press("Enter");
    expect(JSON.parse(await shown())).toMatchObject({ kind: "result", value: { said: "accept", dish: "Pie", guests: 4, note: "No salt" } });
    await press("choose");
    await part("decline").click();
    await expect.poll(shown).toContain("decline");
    await press("choose");
    await part("show").click();
    await part("cancel").click();
    await expect.poll(shown).toContain("cancelled");
    expect(servers.runs["choose"]).toBe(2);
  });

  it("M18 shows a look-alike name as punycode, with a warning, and opens nothing by itself", async () => {
    const windows = openWindows();
    servers.otherAddress = "https://xn--pypal-4ve.example/link";
    await person.console.callTool("link_bank");
    await part("card").waitFor();
    expect(await part("open").innerText()).toContain("Open xn--pypal-4ve.example");
    await person.console.page.getByTestId("asking-international").waitFor();
    await keepPicture(person.console.page, "console-asking-look-alike");
    expect(await person.console.page.getByTestId("asking-card").locator("a[href], img, iframe, link").count()).toBe(0);
    await comeBack();
    expect(openWindows()).toBe(windows);
    await part("cancel").click();
    await ended("link_bank", "failed");
  });

  it("M17 a form that asks for a password is not shown, and the user is told", async () => {
    await person.console.callTool("steal");
    await ended("steal", "failed");
    await person.console.callCard("steal").getByText("asked you for a secret").waitFor();
    expect(await part("card").count()).toBe(0);
  });

  it("survives a reload of the page and a restart of the host in the middle", async () => {
    await person.console.callTool("link_bank");
    await part("card").waitFor();
    await person.console.page.reload();
    await part("card").waitFor();
    await stack.restart();
    await person.console.page.reload();
    const bank = await openedBy(person.console.page, () => armed("open").click());
    await bank.getByRole("button", { name: "Link" }).click();
    await bank.getByText("Linked", { exact: true }).waitFor();
    await bank.close();
    await armed("accept").click();
    await ended("link_bank", "completed");
    expect(servers.runs["link_bank"]).toBe(1);
  });

  it("what a server says of its progress stands in the call's card until the answer is there", async () => {
    await person.console.callTool("pack");
    const said = person.console.page.getByTestId("call-progress");
    await said.getByText("Wrapping the second mug of five").waitFor();
    expect(
      await said.getByRole("progressbar", { name: "Progress of Pack" }).evaluate((bar) => [bar.getAttribute("value"), bar.getAttribute("max")]),
    ).toEqual(["2", "5"]);
    expect(await person.console.page.getByTestId("call-status").innerText()).toBe("Working · 40 %");
    await keepPicture(person.console.page, "console-progress");
    await person.console.page.reload();
    await said.getByText("Wrapping the second mug of five").waitFor();
    servers.packing.resolve();
    await ended("pack", "completed");
    await said.waitFor({ state: "detached" });
  });

  it("an older server asks by an error and in the middle of a call", async () => {
    await person.console.callTool("ask_meanwhile");
    await part("field-dish").waitFor();
    await armed("accept").click();
    await ended("ask_meanwhile", "completed");
    await person.console.callTool("visit_first");
    const bank = await openedBy(person.console.page, () => armed("open").click());
    await bank.getByRole("button", { name: "Link" }).waitFor();
    await bank.close();
    await armed("accept").click();
    await part("again").waitFor();
    await keepPicture(person.console.page, "console-asking-again");
    const again = await openedBy(person.console.page, () => armed("open").click());
    await again.getByRole("button", { name: "Link" }).click();
    await again.getByText("Linked", { exact: true }).waitFor();
    await again.close();
    await armed("accept").click();
    await ended("visit_first", "completed");
    expect(servers.runs).toMatchObject({ ask_meanwhile: 1, visit_first: 1 });
  });
});
