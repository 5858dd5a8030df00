import { type PresentedClientOffer, judgeClientDocument } from "@countersign/protocol/presented-client";
import { isJsonObject } from "@countersign/protocol/shape";
import type { Reach } from "@countersign/service/dial/address";
import { dial, DialError } from "@countersign/service/dial/dial";
import { readBounded } from "../bounded-body.ts";

/** Gets what a client that presents itself published: its metadata document or its key set. Rejects when there is no answer that may be used. */
export type PresentedFetch = (url: URL, signal: AbortSignal) => Promise<Response>;

const timeoutMs = 5_000;
const documentBytesMax = 10_240;
const keySetBytesMax = 65_536;

/** Over the guarded dialler: https to addresses that `reach` allows, judged when connecting, no redirect, at most 64 KB within five seconds. */
export function dialPresented(reach: Reach = "public"): PresentedFetch {
  return (url, signal) => {
    const headers = new Headers({ accept: "application/json", "user-agent": "countersign-wallet" });
    return dial(url, { method: "GET", headers, signal }, { reach, timeoutMs, responseBytesMax: keySetBytesMax });
  };
}

/** What a client published, as far as it was taken: `body` is JSON, `caching` the headers that say how long it holds. */
export interface Presented {
  readonly kind: "document" | "key_set";
  readonly body: string;
  readonly caching: Readonly<Record<string, string>>;
}

/**
 * Fetches what a client published and gives only what was judged: of a metadata document (draft-ietf-oauth-client-id-metadata-document), what {@link judgeClientDocument}
 * took of it; of a key set (RFC 7517), its keys. A document names its own address, so neither passes as the other. Throws an error that says why nothing was taken.
 */
export async function fetchPresented(fetching: PresentedFetch, url: URL, signal: AbortSignal, offer: PresentedClientOffer): Promise<Presented> {
  const response = await fetching(url, signal);
  const type = (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (response.status === 429 || response.status >= 500) {
    await response.body?.cancel();
    throw new ServerAway(`the client's server has no answer now (status ${response.status})`);
  }
  if (response.status !== 200 || !/^application\/(?:[a-z0-9.-]+\+)?json$/.test(type)) {
    await response.body?.cancel();
    throw new TypeError(`the client's address gives no JSON (status ${response.status})`);
  }
  const bytes = await readBounded(response);
  const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (isJsonObject(json) && Object.hasOwn(json, "keys") && !Object.hasOwn(json, "client_id")) {
    return { kind: "key_set", body: JSON.stringify({ keys: json["keys"] }), caching: {} };
  }
  if (bytes.byteLength > documentBytesMax) throw new TypeError("the document is too large");
  const judged = judgeClientDocument(json, url.href, offer);
  if (!judged.ok) throw new TypeError(judged.error.reason);
  const body = JSON.stringify({ ...judged.value, client_id: url.href, response_modes: ["query"] });
  return { kind: "document", body, caching: cachingOf(response.headers) };
}

/** The server that a client publishes at says that it cannot answer now. */
class ServerAway extends Error {}

/** Whether nothing was fetched because the server is not there now: that says nothing about the client. */
export function isAway(error: unknown): boolean {
  return error instanceof ServerAway || (error instanceof DialError && ["unreachable", "timeout", "aborted"].includes(error.problem));
}

function cachingOf(headers: Headers): Readonly<Record<string, string>> {
  const names = ["cache-control", "expires"];
  return Object.fromEntries(names.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? ""]] : [])));
}
