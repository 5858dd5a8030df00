import type { IncomingMessage } from "node:http";
import type { Database } from "@countersign/storage/database";
import { sha256 } from "../digest.ts";
import { waitUntil } from "../payment-requests/wait.ts";

/** A client may ask for at most so long a wait. */
export const waitSecondsMax = 25;

/** The channel on which the decision about a device code is hinted. It names the hash of the code: a signal carries no secret. */
export function deviceChannel(jti: string): string {
  return `device-code:${sha256(jti)}`;
}

/** The wait that a token request asks for with `Prefer: wait=<seconds>` (RFC 7240 section 4.3), in ms, {@link waitSecondsMax} at most; undefined for none. */
export function readWait(prefer: string): number | undefined {
  if (prefer.length > 200) return undefined;
  const seconds = prefer
    .split(",")
    .map((each) => /^\s*wait\s*=\s*(\d{1,4})\s*(?:;.*)?$/i.exec(each)?.[1])
    .find((each) => each !== undefined);
  return seconds === undefined || Number(seconds) === 0 ? undefined : Math.min(Number(seconds), waitSecondsMax) * 1000;
}

/**
 * Waits until `read` gives something, `waitMs` have passed, the client has left or the wallet stops; undefined when nothing came. A signal only shortens the
 * wait: what is read is what counts.
 */
export async function waitForDevice<T>(
  parts: { readonly database: Database<unknown>; readonly stopping: AbortSignal },
  query: { readonly jti: string; readonly waitMs: number; readonly request: IncomingMessage },
  read: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  if (query.request.socket.destroyed) leave();
  query.request.socket.once("close", leave);
  const abort = AbortSignal.any([parts.stopping, left.signal]);
  try {
    return await waitUntil(parts.database, { channel: deviceChannel(query.jti), waitMs: query.waitMs }, abort, read);
  } finally {
    query.request.socket.off("close", leave);
  }
}
