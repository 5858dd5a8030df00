/**
 * The wait that `Retry-After` asks for (RFC 9110 section 10.2.3), in milliseconds from now: a number of seconds, or a date. A date is compared with the answer's own
 * `Date`, so that no two clocks have to agree. Undefined when the server named none that can be read.
 */
export function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const until = Date.parse(value);
  const now = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(until) || Number.isNaN(now) ? undefined : Math.max(0, until - now);
}
