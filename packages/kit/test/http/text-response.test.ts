import { knownText } from "@countersign/protocol/known-text";
import { afterEach, describe, expect, test, vi } from "vitest";
import { textResponse } from "../../src/http/text-response.ts";

/** A request as an adapter hands it in. */
class Adapted extends Request {}

const init = { status: 201, headers: { "content-type": "application/json", "x-a": "1" } };
const text = '{"a":"ü"}';
const kinds = { platform: new Request("https://a.test"), adapter: new Adapted("https://a.test") } as const;

describe.each(Object.entries(kinds))("to a request of the %s, an answer", (kind, request) => {
  const make = (): Response => textResponse(request, text, init);

  test("has its status, its headers and its text, which is known without reading", () => {
    const response = make();
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.ok, response.headers.get("x-a"), knownText(response)]).toEqual([201, true, "1", text]);
  });

  test("can be read in every way, once", async () => {
    expect(await make().text()).toBe(text);
    expect(await make().json()).toEqual({ a: "ü" });
    expect(new TextDecoder().decode(await make().arrayBuffer())).toBe(text);
    expect(new TextDecoder().decode(await make().bytes())).toBe(text);
    expect(await (await make().blob()).text()).toBe(text);
    const response = make();
    expect(await new Response(response.body).text()).toBe(text);
    expect([response.bodyUsed, knownText(response)]).toEqual([true, undefined]);
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  test("can be copied, with headers that were set later", async () => {
    const response = make();
    response.headers.set("x-b", "2");
    const copy = response.clone();
    expect([copy.status, copy.headers.get("x-a"), copy.headers.get("x-b"), await copy.text(), await response.text()]).toEqual([
      201,
      "1",
      "2",
      text,
      text,
    ]);
    const other = make();
    const wrapped = new Response(other.body, other);
    expect([wrapped.status, wrapped.headers.get("x-a"), await wrapped.text()]).toEqual([201, "1", text]);
  });

  test("has a stream that waits to be asked for only where an adapter stands in front", () => {
    expect(Object.getPrototypeOf(make()) === Response.prototype).toBe(kind === "platform");
  });
});

describe("where an adapter has replaced Response", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test.each(["before", "after"])("the replacement is used as it is, whether it came %s this module", async (order) => {
    class Replaced extends Response {}
    if (order === "before") {
      vi.resetModules();
      vi.stubGlobal("Response", Replaced);
    }
    const module = await import("../../src/http/text-response.ts");
    vi.stubGlobal("Response", Replaced);
    expect(Object.getPrototypeOf(module.textResponse(kinds.adapter, text, init))).toBe(Replaced.prototype);
  });
});
