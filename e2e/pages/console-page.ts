import type { FrameLocator, Locator, Page } from "playwright-core";

/** The console as a person uses it. */
export class ConsolePage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens the console and waits until its first connector is connected. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.connected("store");
  }

  /** Waits until the console says that this connector is connected. */
  async connected(id: string): Promise<void> {
    await this.page.locator(`[data-testid="connector"][data-connector-id="${id}"][data-status="connected"]`).waitFor();
  }

  connector(id: string): Locator {
    return this.page.locator(`[data-testid="connector"][data-connector-id="${id}"]`);
  }

  get signInCard(): Locator {
    return this.page.getByTestId("signin-card");
  }

  get continueButton(): Locator {
    return this.page.getByTestId("signin-continue");
  }

  get cancelButton(): Locator {
    return this.page.getByTestId("signin-cancel");
  }

  get useDeviceButton(): Locator {
    return this.page.getByTestId("signin-device");
  }

  /** What the card shows for a sign-in on another device. */
  get devicePane(): Locator {
    return this.page.getByTestId("device-pane");
  }

  get openAgainButton(): Locator {
    return this.page.getByTestId("signin-again");
  }

  /** The newest call card of a tool. */
  callCard(tool: string): Locator {
    return this.page.locator(`[data-testid="call-card"][data-tool="${tool}"]`).last();
  }

  /** Chooses a tool by its name in the picker, fills its form and sends it. */
  async callTool(tool: string, fields: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.page.getByTestId("open-tool-picker").first().click();
    await this.page.getByTestId("tool-search").fill(tool.replaceAll("_", " "));
    await this.page.locator(`[data-testid="tool-option"][data-tool="${tool}"]`).click();
    for (const [name, value] of Object.entries(fields)) await this.page.getByTestId(`tool-field-${name}`).fill(value);
    await this.page.getByTestId("tool-submit").click();
  }

  /** The document inside the newest widget: proxy frame, then the widget's own. */
  get widget(): FrameLocator {
    return this.page.getByTestId("widget-frame").last().contentFrame().locator("iframe").contentFrame();
  }

  /** Steps of the trace that is shown, as texts. */
  async traceSteps(): Promise<readonly string[]> {
    return this.page.getByTestId("trace-step").allInnerTexts();
  }
}

/**
 * Presses a button of a widget by keyboard. The widget's frame moves in the page while it grows, and a click that was aimed before the move lands beside the
 * button.
 */
export function press(button: Locator): Promise<void> {
  return button.press("Enter");
}

/** Clicks and returns the window that opens because of it. When none does, the error says what the page showed instead. */
export async function openedBy(page: Page, click: () => Promise<void>): Promise<Page> {
  try {
    const [opened] = await Promise.all([page.context().waitForEvent("page"), click()]);
    return opened;
  } catch (error) {
    const windows = page
      .context()
      .pages()
      .map((each) => each.url().split("?")[0]);
    throw new Error(`no window opened; the windows are ${windows.join(", ")}; the page shows:\n${await page.locator("body").innerText()}`, {
      cause: error,
    });
  }
}

/**
 * Waits until an expression is true in the page without lending it a user gesture, as the driver's own waiting would: what
 * happens after the activation of a click has lapsed can be seen only so.
 */
export async function waitWithoutGesture(page: Page, expression: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  try {
    for (;;) {
      const { result } = await session.send("Runtime.evaluate", {
        expression: `new Promise((resolve) => { const look = () => ((${expression}) ? resolve(true) : setTimeout(look, 50)); look(); })`,
        awaitPromise: true,
        userGesture: false,
      });
      if (result.value === true) return;
    }
  } finally {
    await session.detach();
  }
}
