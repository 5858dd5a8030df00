const bodyBytesMax = 65_536;
const timeoutMs = 5_000;

/** An answer of JSON; `body` is undefined when it is none. */
export interface JsonReply {
  readonly status: number;
  readonly body: unknown;
}

/** One request to another server: five seconds, 64 KB, no redirects. Undefined when there was no answer, or none that could be read whole. */
export async function exchangeJson(send: typeof fetch, url: string, init: RequestInit): Promise<JsonReply | undefined> {
  try {
    const headers = new Headers(init.headers);
    headers.set("accept", "application/json");
    const response = await send(url, { ...init, headers, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > bodyBytesMax) return undefined;
      chunks.push(chunk);
    }
    return { status: response.status, body: parseJson(Buffer.concat(chunks).toString("utf8")) };
  } catch {
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
