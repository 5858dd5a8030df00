import type { Logger } from "@countersign/service/log";
import type Provider from "oidc-provider";
import { isMachineEndpoint } from "./machine-endpoints.ts";

/**
 * Answers what fails around oidc-provider, as it answers what fails inside: `server_error` (RFC 6749 section 5.2), logged and without a word on what it was. Goes before
 * every other middleware.
 */
export function answerFailures(
  provider: Provider,
  parts: { readonly logger: Logger; readonly renderErrorPage: (code: string) => string | Promise<string> },
): void {
  provider.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      parts.logger.error("oauth.failed", { error });
      ctx.status = 500;
      ctx.set("cache-control", "no-store");
      if (isMachineEndpoint(ctx.path)) {
        ctx.body = { error: "server_error", error_description: "oops! something went wrong" };
      } else {
        ctx.type = "html";
        ctx.body = await parts.renderErrorPage("server_error");
      }
    }
  });
}
