import type { BrowserContext, CDPSession, Page } from "playwright-core";

/** A credential of the virtual authenticator, in the shape of the DevTools protocol. */
interface VirtualCredential {
  readonly credentialId: string;
  readonly isResidentCredential: boolean;
  readonly rpId?: string;
  readonly privateKey: string;
  readonly userHandle?: string;
  readonly signCount: number;
}

/** An authenticator at one page. */
export interface PluggedAuthenticator {
  /** Whether it recognizes its person from now on. When it does not, the browser ends a ceremony as it does when the person cancels. */
  verify(recognizes: boolean): Promise<void>;
}

/**
 * One person's authenticator. Chromium's virtual authenticator belongs to a single page's session, so the credentials
 * are carried from page to page here, as a platform authenticator would offer them everywhere.
 */
export class Authenticator {
  readonly #credentials = new Map<string, VirtualCredential>();

  /** Makes this authenticator answer every page of the context, now and later. */
  attachTo(context: BrowserContext): void {
    context.on("page", (page) => void this.plugInto(page).catch(() => undefined));
  }

  /** Plugs the authenticator into one page; `present: false` models a person who never touches it. */
  async plugInto(page: Page, options: { readonly present?: boolean; readonly verifies?: boolean } = {}): Promise<PluggedAuthenticator> {
    const session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable");
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: options.verifies ?? true,
        automaticPresenceSimulation: options.present ?? true,
      },
    });
    for (const credential of this.#credentials.values()) await session.send("WebAuthn.addCredential", { authenticatorId, credential });
    this.#follow(session, authenticatorId);
    return {
      verify: async (isUserVerified) => {
        await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
      },
    };
  }

  get size(): number {
    return this.#credentials.size;
  }

  #follow(session: CDPSession, authenticatorId: string): void {
    const remember = (event: { authenticatorId: string; credential: VirtualCredential }): void => {
      if (event.authenticatorId === authenticatorId) this.#credentials.set(event.credential.credentialId, event.credential);
    };
    session.on("WebAuthn.credentialAdded", remember);
    session.on("WebAuthn.credentialAsserted", remember);
  }
}
