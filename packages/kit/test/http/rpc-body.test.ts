import { describe, expect, test } from "vitest";
import { readRpcBody } from "../../src/http/rpc-body.ts";

const good = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "pay", arguments: {} } };

async function read(body: unknown, headers: Record<string, string> = {}): Promise<Awaited<ReturnType<typeof readRpcBody>>> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return await readRpcBody(
    new Request("https://store.test/mcp", { method: "POST", headers: { "content-type": "application/json", ...headers }, body: text }),
  );
}

async function refusal(body: unknown, headers: Record<string, string> = {}): Promise<readonly [status: number, code: number] | "accepted"> {
  const result = await read(body, headers);
  return result.ok ? "accepted" : [result.error.status, result.error.code];
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

describe("a JSON-RPC body", () => {
  test("a request, a notification and a response are read", async () => {
    expect(await read(good)).toMatchObject({ ok: true, value: { isBatch: false, messages: [{ method: "tools/call", id: 1, toolName: "pay" }] } });
    expect(await read({ jsonrpc: "2.0", method: "notifications/initialized" })).toMatchObject({ ok: true, value: { messages: [{ id: undefined }] } });
    expect(await read({ jsonrpc: "2.0", id: "x", result: {} })).toMatchObject({ ok: true, value: { messages: [{ method: undefined }] } });
    expect(await refusal(good, { "content-type": "application/json; charset=utf-8" })).toBe("accepted");
  });

  test("the client's name is found in both eras", async () => {
    const clientInfo = { name: "openai-mcp", version: "1" };
    const modern = { ...good, params: { name: "pay", _meta: { "io.modelcontextprotocol/clientInfo": clientInfo } } };
    expect(await read(modern)).toMatchObject({ value: { messages: [{ clientName: "openai-mcp" }] } });
    expect(await read({ jsonrpc: "2.0", id: 1, method: "initialize", params: { clientInfo } })).toMatchObject({
      value: { messages: [{ clientName: "openai-mcp" }] },
    });
  });

  test("M07 text that is not UTF-8 is refused, not repaired", async () => {
    const bytes = Buffer.from(JSON.stringify({ ...good, id: "aü" }), "utf8");
    const send = (body: Buffer<ArrayBuffer>) =>
      readRpcBody(new Request("https://store.test/mcp", { method: "POST", headers: { "content-type": "application/json" }, body }));
    expect(await send(bytes)).toMatchObject({ ok: true, value: { messages: [{ id: "aü" }] } });
    const broken = Buffer.from(bytes);
    broken[bytes.indexOf(0xc3)] = 0xff;
    expect(await send(broken)).toMatchObject({ ok: false, error: { status: 400, code: -32700 } });
  });

  const tricks: readonly [what: string, body: unknown, code: number][] = [
    ["no JSON", "{", -32700],
    ["an empty body", "", -32700],
    ["two values", `${JSON.stringify(good)}{}`, -32700],
    ["a doubled method", '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}', -32700],
    ["a doubled tool name", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","name":"pay"}}', -32700],
    ["a doubled name written with an escape", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","n\\u0061me":"pay"}}', -32700],
    ["__proto__", '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{"admin":true}}}', -32700],
    ["another case of a member", { jsonrpc: "2.0", id: 1, Method: "ping" }, -32600],
    ["a further member", { ...good, Params: {} }, -32600],
    ["another version", { ...good, jsonrpc: "1.0" }, -32600],
    ["positional params", { ...good, params: ["pay"] }, -32600],
    ["an object as id", { ...good, id: {} }, -32600],
    ["an empty method", { ...good, method: "" }, -32600],
    ["request and response at once", { ...good, result: {} }, -32600],
    ["neither request nor response", { jsonrpc: "2.0", id: 1 }, -32600],
    ["a bare text", '"ping"', -32600],
    ["null", "null", -32600],
    ["an empty batch", [], -32600],
    ["a batch in a batch", [[good]], -32600],
    ["a batch with one bad message", [good, { ...good, jsonrpc: "1.0" }], -32600],
    ["a batch that is too long", Array.from({ length: 21 }, () => good), -32600],
  ];
  test.each(tricks)("M07 %s is refused", async (_what, body, code) => {
    expect(await refusal(good)).toBe("accepted");
    expect(await refusal(body)).toEqual([400, code]);
  });

  test("M07 a batch is accepted only in the revision that has batches", async () => {
    expect(await refusal([good, good])).toBe("accepted");
    expect(await refusal([good, good], { "mcp-protocol-version": "2025-03-26" })).toBe("accepted");
    for (const revision of ["2025-06-18", "2025-11-25", "2026-07-28"])
      expect(await refusal([good], { "mcp-protocol-version": revision })).toEqual([400, -32600]);
  });

  test("X06 depth, element count and size are bounded", async () => {
    const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
    const args = (value: unknown): unknown => ({ ...good, params: { name: "pay", arguments: { value } } });
    expect(await refusal(args(nested(29)))).toBe("accepted");
    expect(await refusal(args(nested(30)))).toEqual([400, -32700]);
    expect(await refusal(args(Array.from({ length: 1900 }, () => 1)))).toBe("accepted");
    expect(await refusal(args(Array.from({ length: 2000 }, () => 1)))).toEqual([413, -32700]);
    expect(await refusal(args("x".repeat(262_000)))).toBe("accepted");
    expect(await refusal(args("x".repeat(262_144)))).toEqual([413, -32600]);
  });

  test("X06 an endless body is left as soon as it is too long", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const request = new Request("https://store.test/mcp", { method: "POST", headers: { "content-type": "application/json" }, body, duplex: "half" });
    expect(await readRpcBody(request)).toMatchObject({ ok: false, error: { status: 413 } });
    expect(sent).toBeLessThan(1_000_000);
  });

  test("a message that a server has framed is read in one piece, with every bound in force", async () => {
    const framed = async (bytes: Buffer<ArrayBuffer>, length = String(bytes.byteLength), further: Record<string, string> = {}): Promise<unknown> => {
      const request = new FramedRequest("https://store.test/mcp", {
        method: "POST",
        headers: { "content-type": "application/json", "content-length": length, ...further },
        body: bytes,
      });
      const result = await readRpcBody(request);
      return [result.ok ? "accepted" : result.error.status, request.streamed];
    };
    const text = Buffer.from(JSON.stringify({ ...good, id: "aü" }));
    expect(await framed(text)).toEqual(["accepted", false]);
    expect(await framed(Buffer.from(text).fill(0xff, text.indexOf(0xc3), text.indexOf(0xc3) + 1))).toEqual([400, false]);
    expect(await framed(Buffer.alloc(262_145, 0x20))).toEqual([413, false]);
    expect(await framed(Buffer.alloc(262_145, 0x20), "10")).toEqual([413, false]);
    expect(await framed(text, "262145")).toEqual([413, false]);
    for (const length of ["", "-1", "1e3", "0x10", "10, 10"]) expect(await framed(Buffer.alloc(262_145, 0x20), length)).toEqual([413, true]);
    expect(await framed(text, "10", { "transfer-encoding": "chunked" })).toEqual(["accepted", true]);
  });

  test("X06 an endless body that declares a short length is left as soon as it is too long", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const headers = { "content-type": "application/json", "content-length": "10" };
    const request = new Request("https://store.test/mcp", { method: "POST", headers, body, duplex: "half" });
    expect(await readRpcBody(request)).toMatchObject({ ok: false, error: { status: 413 } });
    expect(sent).toBeLessThan(1_000_000);
  });

  test("X08 other content types and encodings are refused", async () => {
    expect(await refusal(good, { "content-type": "text/plain" })).toEqual([415, -32600]);
    expect(await refusal(good, { "content-type": "application/jsonx" })).toEqual([415, -32600]);
    expect(await refusal(good, { "content-encoding": "gzip" })).toEqual([415, -32600]);
  });
});
