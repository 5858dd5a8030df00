import type { Locator, Page } from "playwright-core";

/** The wallet as a person uses it: by what its buttons say. */
export class WalletPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  get createPasskey(): Locator {
    return this.page.getByRole("button", { name: "Create a passkey" });
  }

  get signIn(): Locator {
    return this.page.getByRole("button", { name: "Sign in with a passkey" });
  }

  /** The consent button: "Allow" the first time, "Continue" when the same was allowed before. */
  get allow(): Locator {
    return this.page.getByRole("button", { name: /^(Allow|Continue)$/ });
  }

  get approve(): Locator {
    return this.page.getByRole("button", { name: /^Approve / });
  }

  /** The yes to a refund. */
  get takeBack(): Locator {
    return this.page.getByRole("button", { name: /^Take .* back$/ });
  }

  get cancel(): Locator {
    return this.page.getByRole("button", { name: "Cancel" });
  }

  get decline(): Locator {
    return this.page.getByRole("button", { name: "Decline" });
  }

  /** Makes a passkey and grants what the consent page names; the page then leads back to the client. */
  async signUpAndAllow(name?: string): Promise<void> {
    if (name !== undefined) await this.page.getByLabel("Your name").fill(name);
    await this.createPasskey.click();
    await this.allow.click();
  }
}
