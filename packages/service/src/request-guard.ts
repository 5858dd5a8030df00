import { type Refusal, refuse } from "@countersign/protocol/errors";

/** The parts of an HTTP request that are judged before any handler sees it; `rawHeaders` alternates names and values, as Node gives them. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
}

/** A refusal with the HTTP status that fits it better than the catalogue's. */
export interface HeadVerdict {
  readonly status: number;
  readonly refusal: Refusal;
}

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** For the `Allow` header of a 405. */
export const allowedMethods: string = [...methods].join(", ");

/**
 * Judges a request's head: known method, origin-form target (RFC 9112 section 3.2.1), exactly one Host that is allowed. An allowed host is `name`, `name:port`, or
 * `*.name:port` for exactly one label before the name; compared without case, as a whole. `hosts` undefined allows any, for health checks by address.
 */
export function judgeHead(head: RequestHead, hosts: readonly string[] | undefined): HeadVerdict | undefined {
  if (!methods.has(head.method)) return { status: 405, refusal: refuse("invalid_request", "the method is not allowed") };
  if (!head.target.startsWith("/") || head.target.length > 8192)
    return { status: 400, refusal: refuse("invalid_request", "the request target is not a path") };
  const named = headerValues(head.rawHeaders, "host");
  const [host] = named;
  if (host === undefined || named.length !== 1) return { status: 400, refusal: refuse("invalid_request", "exactly one Host header is required") };
  if (hosts !== undefined && !hosts.some((allowed) => matchesHost(host.toLowerCase(), allowed.toLowerCase()))) {
    return { status: 421, refusal: refuse("forbidden_origin", "the Host header names another site") };
  }
  return undefined;
}

/** The request id of a trusted front proxy, when it is one: 8 to 64 characters of `[A-Za-z0-9_-]`. */
export function givenRequestId(rawHeaders: readonly string[]): string | undefined {
  const [id, ...others] = headerValues(rawHeaders, "x-request-id");
  return id !== undefined && others.length === 0 && /^[A-Za-z0-9_-]{8,64}$/.test(id) ? id : undefined;
}

/** The hosts under which a server on a loopback address is reached. */
export function loopbackHosts(port: number): readonly string[] {
  return ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`);
}

function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && isNamed(rawHeaders[index - 1], name));
}

/** Says whether a header goes by this name, which is given in lower case. Lengths are compared first, because every header of every request comes by here. */
export function isNamed(header: string | undefined, name: string): boolean {
  return header?.length === name.length && header.toLowerCase() === name;
}

function matchesHost(host: string, allowed: string): boolean {
  if (!allowed.startsWith("*.")) return host === allowed;
  const suffix = allowed.slice(1);
  return host.endsWith(suffix) && /^[a-z0-9-]{1,63}$/.test(host.slice(0, -suffix.length));
}
