import type { Locator, Page } from "playwright-core";

/** The wallet's pages for another device, as a person at a phone uses them. */
export class WalletDevicePage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  get code(): Locator {
    return this.page.getByLabel("Code", { exact: true });
  }

  get proceed(): Locator {
    return this.page.getByRole("button", { name: "Continue" });
  }

  get confirm(): Locator {
    return this.page.getByRole("button", { name: "Yes, sign in there" });
  }

  get number(): Locator {
    return this.page.getByLabel("Number on your other device");
  }

  get done(): Locator {
    return this.page.getByText("Your other device goes on by itself.");
  }

  /** Opens the address as the camera does, or types the code. */
  async enter(address: string, code?: string): Promise<void> {
    await this.page.goto(address);
    if (code !== undefined) await this.code.fill(code);
    await this.proceed.click();
  }
}
