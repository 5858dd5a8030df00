import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readLinkOffer } from "@countersign/protocol/account-link";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { linkPackages } from "@countersign/cli/testing/link-packages";
import { findBarriers, findSidewaysScrolling, viewFrame } from "../browser/inspect.ts";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletDevicePage } from "../pages/wallet-device-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { startSilentHost } from "../stack/silent-host.ts";
import { type Command, freePorts, runProgram, signalGroup } from "../stack/command.ts";

const root = dirname(dirname(import.meta.dirname));

/** The commands of the guide, in their order, for a folder in place of the guide's. */
function guideCommands(folder: string): readonly string[] {
  const guide = readFileSync(join(root, "docs/guides/build-an-app.md"), "utf8");
  return [...guide.matchAll(/```sh\n(.+)\n```/g)].map((match) => (match[1] ?? "").replaceAll("../field-notes", folder));
}

describe("an app made as the guide says", () => {
  let parent: string;
  let folder: string;
  let consoleUrl: string;
  let resource: string;
  let person: Person;
  const running: Command[] = [];
  const run = (command: Command): Command => {
    running.push(command);
    return command;
  };

  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), "countersign-new-app-"));
    folder = join(parent, "field-notes");
    const [host = 0, widget = 0, wallet = 0, store = 0, bank = 0, app = 0] = await freePorts(6);
    const shell = (line: string, env: Readonly<Record<string, string>> = {}): Command =>
      run(runProgram(["sh", "-c", line], root, { ...process.env, npm_config_offline: "true", ...env }));
    const [make = "", start = "", serve = "", check = "", ...others] = guideCommands(folder);
    expect(others).toEqual([]);
    const made = shell(`${make} --port ${app} --no-install`);
    expect((await made.ended).code).toBe(0);
    expect(made.output()).toContain("npm start -- --app");
    linkPackages(root, folder);
    expect((await shell(check).ended).code).toBe(0);
    const described = join(folder, "countersign.json");
    writeFileSync(described, readFileSync(described, "utf8").replace("http://localhost:4200", `http://localhost:${wallet}`));

    const ports = {
      COUNTERSIGN_HOST_PORT: host,
      COUNTERSIGN_WIDGET_PORT: widget,
      COUNTERSIGN_WALLET_PORT: wallet,
      COUNTERSIGN_STORE_PORT: store,
      COUNTERSIGN_BANK_PORT: bank,
    };
    const env = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
    const up = shell(start, { ...env, COUNTERSIGN_DATA: join(parent, "data") });
    await up.printed("Stop     Ctrl-C");
    expect(up.output()).toContain(`App      Field notes, expected at http://127.0.0.1:${app}/mcp`);
    const served = shell(serve);
    await served.printed(`Field notes is ready at http://127.0.0.1:${app}/mcp`);
    resource = `http://127.0.0.1:${app}/mcp`;
    consoleUrl = `http://127.0.0.1:${host}`;
  });

  afterAll(async () => {
    for (const command of running) {
      if (command.child.exitCode === null && command.child.signalCode === null) signalGroup(command, "SIGKILL");
      await command.ended;
    }
    rmSync(parent, { recursive: true, force: true });
  });

  beforeEach(async () => {
    person = await arrive(consoleUrl);
    await person.console.connected("field-notes");
  });

  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    expect(errors).toEqual([]);
  });

  it("opens its view without a sign-in, and the view's own call waits for the sign-in and shows what came", async () => {
    const { page, widget } = person.console;
    await person.console.callTool("open_notebook");
    await widget.getByText("Your notes appear here once you have signed in.").waitFor();
    await keepPicture(page, "new-app-opened");
    const popup = await openedBy(page, () => press(widget.getByRole("button", { name: "My notes" })));
    const wallet = new WalletPage(popup);
    await popup.getByLabel("Your name").fill("Ada");
    await wallet.createPasskey.click();
    await popup.getByText("Read your notes").waitFor();
    await wallet.allow.click();
    await widget.getByText("This note is yours alone.").waitFor();
    expect(await widget.getByRole("button", { name: "My notes" }).isEnabled()).toBe(true);
    await keepPicture(page, "new-app-signed-in");
  });

  it("works by a link in a host that signs nobody in, from the first moment that its button can be pressed", async () => {
    const silent = await startSilentHost(resource, "open_notebook");
    try {
      const chat = await person.browser.newPage({ width: 600, height: 480 });
      await chat.goto(silent.origin);
      const view = chat.frameLocator("iframe");
      await view.getByRole("button", { name: "My notes" }).click();
      await view.getByText(/^If the page asks for a code:/).waitFor();
      await keepPicture(chat, "new-app-link");
      await press(view.getByRole("button", { name: "Open page" }));
      await expect.poll(() => silent.seen.opened.length).toBe(1);
      const device = new WalletDevicePage(await person.browser.newPage());
      await device.page.goto(silent.seen.opened.at(-1) ?? "");
      await device.proceed.click();
      await new WalletPage(device.page).createPasskey.click();
      await device.page.getByText("Read your notes").waitFor();
      await device.confirm.click();
      await view.getByText("This note is yours alone.").waitFor();
    } finally {
      await silent.stop();
    }
  });

  it("gives a view a link of the wallet, for hosts that sign nobody in", async () => {
    const client = new Client({ name: "independent-client", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
    await client.connect(new StreamableHTTPClientTransport(new URL(resource)));
    const started = await client.callTool({ name: "link_account", arguments: { tool: "list_notes" } });
    expect(started.structuredContent).toEqual({ status: "pending" });
    expect(readLinkOffer(started._meta)?.link).toMatch(/^http:\/\/localhost:\d+\/device\?user_code=/);
    await client.close();
  });

  it.each(["light", "dark"] as const)("has a view that everybody can read at 360 px (%s)", async (colorScheme) => {
    const { page, widget } = person.console;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 740 });
    await person.console.callTool("open_notebook");
    await widget.getByText("Your notes appear here once you have signed in.").waitFor();
    expect(await findBarriers(viewFrame(page))).toEqual([]);
    expect(await findSidewaysScrolling(viewFrame(page))).toEqual([]);
    await keepPicture(page, `new-app-small-${colorScheme}`);
  });
});
