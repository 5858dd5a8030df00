import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { inspectJson } from "@countersign/protocol/json-guard";

/** Bytes of the body, nested containers, and values in all. */
export interface BodyLimits {
  readonly maxBytes?: number;
  readonly maxDepth?: number;
  readonly maxElements?: number;
}

const defaults = { maxBytes: 262_144, maxDepth: 32, maxElements: 2000 } as const;

/**
 * Reads a JSON body (RFC 8259, UTF-8) within limits; nothing beyond them is kept in memory.
 * Refuses: `unsupported_media_type` for another type or any content encoding, `request_too_large` for bytes or values, `invalid_request` for text that is
 * not JSON, is nested too deep, or holds doubled or prototype-reaching names.
 */
export async function readJson(request: Request, limits: BodyLimits = {}): Promise<Result<unknown, Refusal>> {
  const { maxBytes, maxDepth, maxElements } = { ...defaults, ...limits };
  const problem = judgeContentHeaders(request.headers, isJsonType) ?? judgeLength(request.headers, maxBytes);
  if (problem !== undefined) return err(problem);
  const text = await readText(request, maxBytes);
  if (!text.ok) return text;
  const shape = inspectJson(text.value, { maxDepth, maxElements });
  if (shape !== undefined) return err(shape);
  try {
    return ok(JSON.parse(text.value));
  } catch {
    return err(refuse("invalid_request", "the body is not JSON"));
  }
}

/**
 * Reads an `application/x-www-form-urlencoded` body within limits: at most 100 fields, each name once.
 * Refuses as {@link readJson} does.
 */
export async function readForm(request: Request, limits: Pick<BodyLimits, "maxBytes"> = {}): Promise<Result<ReadonlyMap<string, string>, Refusal>> {
  const maxBytes = limits.maxBytes ?? 65_536;
  const problem =
    judgeContentHeaders(request.headers, (type) => type === "application/x-www-form-urlencoded") ?? judgeLength(request.headers, maxBytes);
  if (problem !== undefined) return err(problem);
  const text = await readText(request, maxBytes);
  if (!text.ok) return text;
  if (text.value.split("&", 101).length > 100) return err(refuse("request_too_large", "the form has more than 100 fields"));
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text.value)) {
    if (fields.has(name)) return err(refuse("invalid_request", "a form field occurs twice"));
    fields.set(name, value);
  }
  return ok(fields);
}

/** Reads a body of any type as bytes within a limit. Refuses as {@link readJson} does for size and encoding. */
export async function readBytes(request: Request, maxBytes: number): Promise<Result<Buffer, Refusal>> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.trim().toLowerCase() !== "identity") return err(refuse("unsupported_media_type", "the body must not be encoded"));
  const problem = judgeLength(request.headers, maxBytes);
  if (problem !== undefined) return err(problem);
  try {
    const bytes = await readStream(request.body, maxBytes);
    return bytes === undefined ? err(tooLarge(maxBytes)) : ok(bytes);
  } catch {
    return err(refuse("invalid_request", "the body is not complete"));
  }
}

function judgeContentHeaders(headers: Headers, accepts: (type: string) => boolean): Refusal | undefined {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.trim().toLowerCase() !== "identity") return refuse("unsupported_media_type", "the body must not be encoded");
  const [type = "", ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";", 8);
  if (!accepts(type.trim())) return refuse("unsupported_media_type", "the content type is not the expected one");
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) return refuse("unsupported_media_type", "the text must be UTF-8");
  return undefined;
}

function isJsonType(type: string): boolean {
  return type === "application/json" || /^application\/[a-z0-9!#$&^_.-]{1,100}\+json$/.test(type);
}

function judgeLength(headers: Headers, maxBytes: number): Refusal | undefined {
  const length = headers.get("content-length");
  if (length === null || Number(length) <= maxBytes) return undefined;
  return tooLarge(maxBytes);
}

async function readText(request: Request, maxBytes: number): Promise<Result<string, Refusal>> {
  try {
    const bytes = isFramed(request) ? Buffer.from(await request.arrayBuffer()) : await readStream(request.body, maxBytes);
    if (bytes === undefined || bytes.byteLength > maxBytes) return err(tooLarge(maxBytes));
    return ok(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return err(refuse("invalid_request", "the body is not complete UTF-8 text"));
  }
}

/**
 * True when the body's length was judged and holds: a server's adapter hands in an object of its own kind, whose message the server has framed by
 * Content-Length (RFC 9112 section 6.2), and asking that object for a stream is dear. A Request that a program made may declare what it likes.
 */
function isFramed(request: Request): boolean {
  const { headers } = request;
  const isLengthKnown = /^\d{1,9}$/.test(headers.get("content-length") ?? "") && !headers.has("transfer-encoding");
  return isLengthKnown && Object.getPrototypeOf(request) !== Request.prototype;
}

/** Undefined as soon as the body is too long. */
async function readStream(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream, so the rest is never buffered.
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): Refusal {
  return refuse("request_too_large", `the body has more than ${maxBytes} bytes`);
}
