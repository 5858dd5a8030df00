import type { Page } from "playwright-core";

/** The pages of a bare oidc-provider, as a person uses them on the other device. */
export class DevicePage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens the address and, where it does not hold the code, types it. */
  async enter(address: string, code?: string): Promise<void> {
    await this.page.goto(address);
    if (code === undefined) return;
    await this.page.locator("input[name=user_code]").fill(code);
    await this.page.getByRole("button", { name: "Continue" }).click();
  }

  /** Says that the code is the one that the console shows. */
  async confirm(): Promise<void> {
    await this.page.getByRole("button", { name: "Continue" }).click();
  }

  async decline(): Promise<void> {
    await this.page.getByRole("button", { name: "Abort" }).click();
  }

  /** Signs in and allows what is asked for. */
  async signInAndAllow(name: string): Promise<void> {
    await this.page.locator("input[name=login]").fill(name);
    await this.page.locator("input[name=password]").fill("any");
    await this.page.getByRole("button", { name: "Sign-in" }).click();
    await this.page.getByRole("button", { name: "Continue" }).click();
    await this.page.getByText("Sign-in Success").waitFor();
  }
}
