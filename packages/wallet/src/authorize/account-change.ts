import type Provider from "oidc-provider";
import { pageHeaders } from "../pages/headers.ts";

/**
 * When somebody signs in as another person than before, oidc-provider answers with a form that ends the old session and goes on, perhaps straight to the
 * client. Browsers hold the redirects of a form to its page's `form-action`, so that page has to name the client's address.
 */
export function nameFormTarget(provider: Provider, isHttps: boolean): void {
  provider.use(async (ctx, next) => {
    const uid = /^\/authorize\/([A-Za-z0-9_-]{1,100})$/.exec(ctx.path)?.[1];
    const redirectUri = uid === undefined ? undefined : (await provider.Interaction.find(uid))?.params["redirect_uri"];
    if (typeof redirectUri === "string") ctx.set({ ...pageHeaders(isHttps, redirectUri) });
    await next();
  });
}
