import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readForm, readJson } from "../src/body.ts";

const url = "http://127.0.0.1:4200/x";
const json = { "content-type": "application/json" };
const post = (body: string | Buffer<ArrayBuffer> | ReadableStream<Uint8Array>, headers: Record<string, string> = json): Request =>
  new Request(url, body instanceof ReadableStream ? { method: "POST", body, headers, duplex: "half" } : { method: "POST", body, headers });

/** A body of `chunks` pieces of 64 KiB that counts how many were asked for. */
function endless(chunks: number): { body: ReadableStream<Uint8Array>; taken: () => number; cancelled: () => boolean } {
  let taken = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken += 1;
      if (taken > chunks) controller.close();
      else controller.enqueue(new Uint8Array(65_536).fill(0x20));
    },
    cancel() {
      cancelled = true;
    },
  });
  return { body, taken: () => taken, cancelled: () => cancelled };
}

/** A request as a server's adapter makes it: an object of its own kind, that tells whether it was asked for a stream. */
class FramedRequest extends Request {
  streamed = false;

  constructor(url: string, init: RequestInit) {
    super(url, init);
    const get = (): unknown => {
      this.streamed = true;
      return Reflect.get(Request.prototype, "body", this);
    };
    Object.defineProperty(this, "body", { get });
  }
}

describe("a JSON body", () => {
  it.each(["application/json", "application/json; charset=utf-8", 'Application/JSON ; Charset="UTF-8"', "application/problem+json"])(
    "is read as %s",
    async (type) => {
      expect(await readJson(post('{"a":["ü",1,null]}', { "content-type": type }))).toEqual({ ok: true, value: { a: ["ü", 1, null] } });
    },
  );

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/jsonp",
    "multipart/form-data",
    "application/json; charset=utf-16",
    "application/json; charset=latin1",
    "",
  ])("is refused as %j", async (type) => {
    expect(await readJson(post("{}", { "content-type": type }))).toMatchObject({ ok: false, error: { code: "unsupported_media_type" } });
  });

  it("is refused with a content encoding, so that a small body cannot grow (X06)", async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000, "["));
    expect(await readJson(post(bomb, { ...json, "content-encoding": "gzip" }))).toMatchObject({
      ok: false,
      error: { code: "unsupported_media_type" },
    });
    expect(await readJson(post("{}", { ...json, "content-encoding": "identity" }))).toEqual({ ok: true, value: {} });
  });

  it("is refused by its declared length before anything is read (X06)", async () => {
    const { body, taken } = endless(1000);
    const request = post(body, { ...json, "content-length": "104857600" });
    expect(await readJson(request)).toMatchObject({ ok: false, error: { code: "request_too_large" } });
    expect(taken()).toBeLessThanOrEqual(1);
  });

  it("of 100 MB without a length is cut off right after the limit (X06)", async () => {
    const { body, taken, cancelled } = endless(1600);
    expect(await readJson(post(body))).toMatchObject({ ok: false, error: { code: "request_too_large" } });
    expect(taken()).toBeLessThanOrEqual(7);
    expect(cancelled()).toBe(true);
  });

  it("of 100 MB that declares a short length is cut off right after the limit (X06)", async () => {
    const { body, taken, cancelled } = endless(1600);
    expect(await readJson(post(body, { ...json, "content-length": "10" }))).toMatchObject({ ok: false, error: { code: "request_too_large" } });
    expect(taken()).toBeLessThanOrEqual(7);
    expect(cancelled()).toBe(true);
  });

  it("that a server has framed is read in one piece, with every bound in force (X06)", async () => {
    const read = async (text: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}): Promise<readonly unknown[]> => {
      const init = { method: "POST", body: text, headers: { ...json, "content-length": String(Buffer.byteLength(text)), ...headers } };
      const request = new FramedRequest(url, init);
      const result = await readJson(request, { maxBytes: 100 });
      return [result.ok ? result.value : result.error.code, request.streamed];
    };
    expect(await read('"ü"')).toEqual(["ü", false]);
    expect(await read(Buffer.from([0x22, 0xff, 0x22]))).toEqual(["invalid_request", false]);
    expect(await read("\ufeff{}")).toEqual(["invalid_request", false]);
    expect(await read(" ".repeat(101))).toEqual(["request_too_large", false]);
    expect(await read(" ".repeat(101), { "content-length": "10" })).toEqual(["request_too_large", false]);
    expect(await read(" ".repeat(101), { "content-length": "1e1" })).toEqual(["request_too_large", true]);
    expect(await read('"a"', { "transfer-encoding": "chunked" })).toEqual(["a", true]);
  });

  it("is taken up to exactly its limit", async () => {
    const text = JSON.stringify("x".repeat(98));
    expect((await readJson(post(text), { maxBytes: 100 })).ok).toBe(true);
    expect(await readJson(post(text), { maxBytes: 99 })).toMatchObject({ ok: false, error: { code: "request_too_large" } });
  });

  it.each([
    ["nothing", ""],
    ["half", '{"a":'],
    ["two values", "{}{}"],
    ["a trailing comma", "[1,]"],
    ["not a number", "[NaN]"],
    ["a byte order mark", "\ufeff{}"],
    ["a doubled name", '{"a":1,"a":2}'],
    ["a prototype", '{"__proto__":{}}'],
  ])("is refused when it is %s (M07)", async (_name, text) => {
    expect(await readJson(post(text))).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  });

  it("is refused when it is not UTF-8, and when it breaks off", async () => {
    expect(await readJson(post(Buffer.from([0x22, 0xff, 0x22])))).toMatchObject({ ok: false, error: { code: "invalid_request" } });
    expect(await readJson(post(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])))).toMatchObject({ ok: false, error: { code: "invalid_request" } });
    const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("gone")) });
    expect(await readJson(post(broken))).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  });

  it("is read whole when its characters are split between chunks", async () => {
    const bytes = new TextEncoder().encode('{"a":"€🙂"}');
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect(await readJson(post(stream))).toEqual({ ok: true, value: { a: "€🙂" } });
  });
});

describe("a form body", () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };

  it("is read, each name once", async () => {
    const fields = await readForm(post("a=1&b=%C3%BC+%26&c", form));
    expect(fields.ok && [...fields.value]).toEqual([
      ["a", "1"],
      ["b", "ü &"],
      ["c", ""],
    ]);
    expect(await readForm(post("a=1&%61=2", form))).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  });

  it("is refused as JSON, too long, or with too many fields", async () => {
    expect(await readForm(post("a=1"))).toMatchObject({ ok: false, error: { code: "unsupported_media_type" } });
    expect(await readForm(post(`a=${"x".repeat(65_536)}`, form))).toMatchObject({ ok: false, error: { code: "request_too_large" } });
    expect((await readForm(post("&".repeat(99), form))).ok).toBe(true);
    expect(await readForm(post("&".repeat(100), form))).toMatchObject({ ok: false, error: { code: "request_too_large" } });
  });
});
