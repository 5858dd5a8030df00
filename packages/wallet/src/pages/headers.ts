/** Where a page's forms may lead: a client's redirect URI, because browsers apply `form-action` to the redirects that follow a form. */
export type FormTarget = string;

const permissions = "publickey-credentials-get=(self), publickey-credentials-create=(self), payment=(), camera=(), microphone=(), geolocation=()";

/**
 * The headers of every page: never framed, alone in its browsing context group, no inline script or style, nothing kept, nothing told to the next site.
 * A popup's opener is cut on purpose; results travel by redirect.
 */
export function pageHeaders(isHttps: boolean, formTarget?: FormTarget): Readonly<Record<string, string>> {
  const formAction = formTarget === undefined ? "'self'" : `'self' ${cspSourceOf(formTarget)}`;
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `form-action ${formAction}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "permissions-policy": permissions,
    ...(isHttps ? { "strict-transport-security": "max-age=31536000" } : {}),
  };
}

/** A CSP source has no form for an IPv6 host or an app's own scheme, so these are named by their scheme. */
function cspSourceOf(uri: string): string {
  const url = new URL(uri);
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  return isWeb && !url.hostname.startsWith("[") ? url.origin : url.protocol;
}
