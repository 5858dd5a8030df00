import { readBounded } from "./fetch-json.ts";
import { isFromAdapter } from "./text-response.ts";

/**
 * Reads a request's body as UTF-8 text; undefined when it exceeds the bound. Throws when it breaks off or is not UTF-8: nothing is repaired.
 *
 * The body is read in one piece where its length is known: a server's adapter hands in an object of its own kind, whose message the server has framed by
 * Content-Length (RFC 9112 section 6.2), and asking that object for a stream costs a quarter of a call. Anything else, such as a Request that a program made, may
 * declare what it likes, so it is read as a stream and left as soon as it is too long.
 */
export async function readRequestText(request: Request, bytesMax: number): Promise<string | undefined> {
  if (!isFramed(request, bytesMax)) return await readBounded(request.body, bytesMax);
  const bytes = await request.arrayBuffer();
  return bytes.byteLength > bytesMax ? undefined : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function isFramed(request: Request, bytesMax: number): boolean {
  const length = request.headers.get("content-length");
  if (length === null || !/^\d{1,9}$/.test(length) || Number(length) > bytesMax || request.headers.has("transfer-encoding")) return false;
  return isFromAdapter(request);
}
