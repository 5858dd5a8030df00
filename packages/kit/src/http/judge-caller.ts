/** Whom the endpoint answers, from configuration alone. */
export interface CallerPolicy {
  /** Values of the Host header, default ports left out. */
  readonly hosts: ReadonlySet<string>;
  /** Browser origins, serialized as in RFC 6454 section 6.2. */
  readonly origins: ReadonlySet<string>;
}

export type CallerVerdict =
  | { readonly allowed: true; readonly origin: string | undefined }
  | { readonly allowed: false; readonly reason: "host" | "origin" };

/** Builds the policy: the resource's own host and origin, and what the configuration adds. Throws on a value that is no host or origin. */
export function createCallerPolicy(resource: string, hosts: readonly string[], origins: readonly string[]): CallerPolicy {
  const own = new URL(resource);
  const named = hosts.map((host) => {
    const url = URL.parse(`${own.protocol}//${host}`);
    if (url === null || url.host === "" || url.href !== `${own.protocol}//${url.host}/`) throw new TypeError(`not a host: ${host}`);
    return url.host;
  });
  const listed = origins.map((origin) => {
    if (URL.parse(origin)?.origin !== origin) throw new TypeError(`not an origin: ${origin}`);
    return origin;
  });
  return { hosts: new Set([own.host, ...named]), origins: new Set([own.origin, ...listed]) };
}

/**
 * Judges Host and Origin by exact comparison, so that a page whose name was rebound to this address, or any foreign page, is refused. A
 * request without Origin comes from no browser page and passes.
 */
export function judgeCaller(policy: CallerPolicy, request: Request): CallerVerdict {
  const host = (request.headers.get("host") ?? new URL(request.url).host).toLowerCase();
  const bare = host.replace(/:(80|443)$/, "");
  if (!policy.hosts.has(host) && !policy.hosts.has(bare)) return { allowed: false, reason: "host" };
  const origin = request.headers.get("origin") ?? undefined;
  if (origin !== undefined && !policy.origins.has(origin)) return { allowed: false, reason: "origin" };
  return { allowed: true, origin };
}
