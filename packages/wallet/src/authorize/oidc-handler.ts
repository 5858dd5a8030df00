import type { IncomingMessage, ServerResponse } from "node:http";
import type Provider from "oidc-provider";
import { pageHeaders } from "../pages/headers.ts";
import { isMachineEndpoint, refusePages } from "./machine-endpoints.ts";

const endpoints: ReadonlySet<string> = new Set([
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
  "/authorize",
  "/device",
  "/device_authorization",
  "/introspect",
  "/jwks",
  "/par",
  "/revoke",
  "/session/end/confirm",
  "/token",
]);

/** Where people look at what oidc-provider answers. */
const pagePath = /^\/(authorize|device|session)(\/|$)/;

/** Says whether a path is served by oidc-provider. */
export function isOidcPath(path: string): boolean {
  return endpoints.has(path) || /^\/(authorize|device)\/[A-Za-z0-9_-]+$/.test(path);
}

/**
 * Hands the OAuth endpoints to oidc-provider, which speaks Node's own HTTP. It builds links and audiences from the request's host, so the host that it sees is
 * always the configured one, whatever the client sent.
 */
export function createOidcHandler(provider: Provider, publicUrl: string): (request: IncomingMessage, response: ServerResponse) => boolean {
  const callback = provider.callback();
  const { host, protocol } = new URL(publicUrl);
  const isHttps = protocol === "https:";
  return (request, response) => {
    const target = request.url ?? "";
    const [path = ""] = target.split("?", 1);
    if (!isOidcPath(path)) return false;
    if (isMachineEndpoint(path) && refusePages(request, response)) return true;
    // Metadata and keys are everybody's; whoever asks is not named in the answer.
    if (path === "/jwks" || path.startsWith("/.well-known/")) delete request.headers.origin;
    request.headers.host = host;
    request.headers["x-forwarded-host"] = host;
    request.headers["x-forwarded-proto"] = isHttps ? "https" : "http";
    delete request.headers["x-forwarded-for"];
    if (pagePath.test(path)) {
      for (const [name, value] of Object.entries(pageHeaders(isHttps))) response.setHeader(name, value);
    }
    void callback(request, response);
    return true;
  };
}
