import type { FrameLocator, Locator, Page } from "playwright-core";
import { z } from "zod";

const found = z.record(z.string(), z.unknown());

/** The view of the widget app as a person uses it: buttons, each with a line for what it found. */
export class ProbeView {
  readonly #page: Page;
  readonly #tool: string;

  constructor(page: Page, tool: string) {
    this.#page = page;
    this.#tool = tool;
  }

  get card(): Locator {
    return this.#page.locator(`[data-testid="call-card"][data-tool="${this.#tool}"]`).last();
  }

  get frame(): FrameLocator {
    return this.card.getByTestId("widget-frame").first().contentFrame().locator("iframe").contentFrame();
  }

  /** Waits until the view has drawn its buttons. */
  async ready(): Promise<void> {
    await this.frame.locator("body[data-ready=yes]").waitFor();
  }

  /** Presses a button and leaves it running. */
  async press(name: string): Promise<void> {
    await this.frame.locator(`[data-run="${name}"]`).click();
  }

  /** What a check found once it has passed. Throws what it says when it failed. */
  async passed(name: string): Promise<Record<string, unknown>> {
    const line = this.frame.locator(`[data-check="${name}"]`);
    await this.frame.locator(`[data-check="${name}"]:not([data-ok="running"])`).waitFor();
    const text = (await line.innerText()).replace(/^(pass|FAIL)\s+/, "").slice(name.length + 1);
    if ((await line.getAttribute("data-ok")) !== "true") throw new Error(`${name}: ${text}`);
    return found.parse(JSON.parse(text));
  }

  /** Presses a button and gives what its check found. */
  async run(name: string): Promise<Record<string, unknown>> {
    await this.press(name);
    return this.passed(name);
  }
}
