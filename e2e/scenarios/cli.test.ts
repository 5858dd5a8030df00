import { readFileSync } from "node:fs";
import { join } from "node:path";
import { member } from "@countersign/protocol/shape";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { WalletDevicePage } from "../pages/wallet-device-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type Command, freePorts, runCommand } from "../stack/command.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const guide = readFileSync(join(import.meta.dirname, "../../docs/guides/cli.md"), "utf8");
/** The commands of the guide, as the words after `countersign`. */
const lines = [...guide.matchAll(/^npm run countersign -- (.*)$/gm)].map(([, words = ""]) => words.split(" "));

describe("the command line", () => {
  let stack: TestStack;
  let browser: Browser;
  let env: Record<string, string>;

  beforeAll(async () => {
    stack = await runStack();
  });
  afterAll(() => stack?.stop());
  beforeEach(async () => {
    const [port] = await freePorts(1);
    env = {
      // A folder of its own for each person.
      COUNTERSIGN_DATA: join(stack.folder, `terminal-${String(port)}`),
      COUNTERSIGN_CLI_PORT: String(port),
      COUNTERSIGN_STORE_PORT: new URL(stack.urls.store).port,
      COUNTERSIGN_WALLET_PORT: new URL(stack.urls.wallet).port,
      // A browser that opens nothing: the person of the test reads the link.
      BROWSER: "true",
    };
    browser = await launchBrowser();
    new Authenticator().attachTo(browser.context);
  });
  afterEach(() => browser.close());

  const type = (...words: readonly string[]): Command => runCommand(["apps/cli/bin/countersign.mjs", ...words], env);
  /** The link that the command has printed last; opened in the browser, and the account's page answered with yes. */
  const follow = async (command: Command, seen = ""): Promise<{ readonly wallet: WalletPage; readonly link: string }> => {
    await expect.poll(() => lastLink(command), { timeout: 30_000 }).not.toBe(seen);
    const link = lastLink(command);
    const page = await browser.newPage({ width: 900, height: 800 });
    await page.goto(link);
    await page.getByTestId("product").getByText("the Countersign command line").waitFor();
    if (seen === "") await keepPicture(page, "cli-account");
    await page.getByTestId("continue").click();
    return { wallet: new WalletPage(page), link };
  };
  const lastLink = (command: Command): string =>
    command
      .output()
      .match(/http:\S+\/flows\/link\/\S+/g)
      ?.at(-1) ?? "";

  it("signs in at the wallet from a terminal with the commands of the guide, and the call goes on by itself", async () => {
    const [connect = [], browse = [], orders = []] = lines;
    const connected = type(...connect);
    expect((await connected.ended).code).toBe(0);
    expect(connected.output()).toContain("list_orders");
    const browsed = type(...browse);
    expect((await browsed.ended).code).toBe(0);
    expect(browsed.output()).toContain("Stoneware mug");
    const called = type(...orders);
    const { wallet } = await follow(called);
    await wallet.page.getByText("Countersign command line").first().waitFor();
    await wallet.signUpAndAllow();
    await wallet.page.getByText("Signed in").first().waitFor();
    expect((await called.ended).code).toBe(0);
    expect(called.output()).toContain("Signed in. The call goes on.");
    const again = type(...orders, "--json");
    expect((await again.ended).code).toBe(0);
    expect(again.output()).not.toContain("Sign-in");
  });

  it("pays once from a terminal, for what the wallet showed", async () => {
    const before = readBank(stack.folder).payments.length;
    const filled = type("call", "store", "create_checkout", 'items=[{"product_id":"stoneware-mug","quantity":1}]', "--json");
    expect((await filled.ended).code).toBe(0);
    const printed: unknown = JSON.parse(filled.output().slice(filled.output().indexOf("{")));
    const checkout = String(member(member(member(member(printed, "result"), "structuredContent"), "checkout"), "id"));
    const paying = type("call", "store", "pay", `checkout_id=${checkout}`);
    const { wallet } = await follow(paying);
    await wallet.createPasskey.click();
    await wallet.page.getByText("Harbour Goods").first().waitFor();
    await wallet.approve.click();
    expect((await paying.ended).code).toBe(0);
    expect(paying.output()).toMatch(/Sign-in is needed at \S+ for .*payment:/);
    expect(readBank(stack.folder).payments).toHaveLength(before + 1);
    expect(readBank(stack.folder).imbalance).toBe(0);
  });

  it("signs in on another device by the address and the code that the terminal shows", async () => {
    const calling = type("call", "store", "list_orders", "--device");
    await calling.printed("and type the code");
    const [, address = "", code = ""] = /open\n {2}(\S+)\nand type the code\n {2}(\S+)/.exec(calling.output()) ?? [];
    const phone = await browser.newPage({ width: 390, height: 844 });
    const page = new WalletDevicePage(phone);
    await page.enter(address, code);
    await new WalletPage(phone).createPasskey.click();
    await page.confirm.click();
    await page.done.waitFor();
    expect((await calling.ended).code).toBe(0);
  });
});
