import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BridgeMeter, BridgeSender } from "../src/bridge.ts";
import {
  bridgeMethods,
  idleMeter,
  isAllowedMessage,
  maxInFlight,
  maxMessageBytes,
  maxMessageDepth,
  maxMessagesPerSecond,
  meterMessage,
  parseBridgeMessage,
  settleMessage,
} from "../src/bridge.ts";

const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_orders", arguments: {} } };

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

describe("parseBridgeMessage", () => {
  it.each([
    ["a request", call, { kind: "request", id: 1, method: "tools/call", params: call.params }],
    ["a request without params", { jsonrpc: "2.0", id: "a", method: "ping" }, { kind: "request", id: "a", method: "ping", params: {} }],
    [
      "a notification",
      { jsonrpc: "2.0", method: "ui/notifications/initialized" },
      { kind: "notification", method: "ui/notifications/initialized", params: {} },
    ],
    ["a response", { jsonrpc: "2.0", id: 1, result: null }, { kind: "response", id: 1, result: null }],
    [
      "an error",
      { jsonrpc: "2.0", id: 1, error: { code: -32000, message: "no", data: { callId: "c" } } },
      { kind: "error", id: 1, code: -32000, message: "no", data: { callId: "c" } },
    ],
    [
      "an object without a prototype",
      Object.assign(Object.create(null), call),
      { kind: "request", id: 1, method: "tools/call", params: call.params },
    ],
  ])("reads %s", (_, data, expected) => {
    expect(parseBridgeMessage(data)).toEqual({ ok: true, value: expected });
  });

  it("cuts a long error message", () => {
    const parsed = parseBridgeMessage({ jsonrpc: "2.0", id: 1, error: { code: 1, message: "m".repeat(2000) } });
    expect(parsed).toMatchObject({ ok: true, value: { message: "m".repeat(1000) } });
  });

  const cycle: Record<string, unknown> = { ...call };
  cycle["params"] = { self: cycle };

  it.each([
    ["a text", "tools/call"],
    ["nothing", undefined],
    ["null", null],
    ["a list", [call]],
    ["another version", { ...call, jsonrpc: "1.0" }],
    ["no version", { id: 1, method: "ping" }],
    ["an inherited method", { __proto__: null, jsonrpc: "2.0", id: 1 }],
    ["a method that is no text", { ...call, method: 5 }],
    ["an empty method", { ...call, method: "" }],
    ["an overlong method", { ...call, method: "m".repeat(129) }],
    ["params that are a list", { ...call, params: [] }],
    ["params that are a text", { ...call, params: "x" }],
    ["an id that is null", { ...call, id: null }],
    ["an id that is a fraction", { ...call, id: 1.5 }],
    ["an id that is an object", { ...call, id: {} }],
    ["an overlong id", { ...call, id: "i".repeat(129) }],
    ["a request with a result", { ...call, result: {} }],
    ["an unknown member", { ...call, token: "x" }],
    ["an unknown member of an answer", { jsonrpc: "2.0", id: 1, result: {}, extra: 1 }],
    ["result and error at once", { jsonrpc: "2.0", id: 1, result: {}, error: { code: 1, message: "m" } }],
    ["neither result nor error", { jsonrpc: "2.0", id: 1 }],
    ["an answer without an id", { jsonrpc: "2.0", result: {} }],
    ["an error that is a text", { jsonrpc: "2.0", id: 1, error: "no" }],
    ["an error without a message", { jsonrpc: "2.0", id: 1, error: { code: 1 } }],
    ["an error with a fractional code", { jsonrpc: "2.0", id: 1, error: { code: 1.5, message: "m" } }],
    ["a Map", { ...call, params: new Map() }],
    ["a Date inside", { ...call, params: { at: new Date(0) } }],
    ["an ArrayBuffer inside", { ...call, params: { bytes: new ArrayBuffer(8) } }],
    ["a bigint inside", { ...call, params: { big: 1n } }],
    ["NaN inside", { ...call, params: { number: Number.NaN } }],
    ["an undefined value in a list", { ...call, params: { values: [undefined] } }],
    ["an own __proto__ member", JSON.parse('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{"isAdmin":true}}}')],
  ])("V13: refuses %s", (_, data) => {
    expect(parseBridgeMessage(call).ok).toBe(true);
    expect(parseBridgeMessage(data)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  });

  it.each([
    ["1 MB of text", { ...call, params: { text: "a".repeat(maxMessageBytes) } }],
    ["1 MB in three-byte letters", { ...call, params: { text: "\u20ac".repeat(350_000) } }],
    ["1 MB of small members", { ...call, params: { list: Array.from({ length: 300_000 }, () => "a") } }],
    ["1 MB of members", { ...call, params: Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`name${index}`, true])) }],
    ["1 MB of names", { ...call, params: { ["n".repeat(maxMessageBytes)]: 1 } }],
    ["a depth of 65", { ...call, params: { deep: nested(maxMessageDepth) } }],
    ["a depth of 10000", { ...call, params: { deep: nested(10_000) } }],
    ["a cycle", cycle],
  ])("V14: refuses %s", (_, data) => {
    expect(parseBridgeMessage(data)).toMatchObject({ ok: false, error: { code: "request_too_large" } });
  });

  it("V14: stops at the first megabyte of 50, also when it comes as one list", () => {
    expect(parseBridgeMessage({ ...call, params: { list: Array.from({ length: 300_000 }, () => 1000) } })).toMatchObject({
      error: { code: "request_too_large" },
    });
    expect(parseBridgeMessage({ ...call, params: { list: Array.from({ length: 50 }, () => "a".repeat(maxMessageBytes)) } })).toMatchObject({
      error: { code: "request_too_large" },
    });
  });

  it("V14: accepts what is just under the limits", () => {
    expect(parseBridgeMessage({ ...call, params: { deep: nested(maxMessageDepth - 2) } }).ok).toBe(true);
    expect(parseBridgeMessage({ ...call, params: { text: "a".repeat(maxMessageBytes - 200) } }).ok).toBe(true);
    expect(parseBridgeMessage({ ...call, params: { text: "\u20ac".repeat(349_000) } }).ok).toBe(true);
  });

  it("V14: draws one line, so that a longer message never passes where a shorter one is refused", () => {
    const verdicts = Array.from(
      { length: 40 },
      (_, extra) => parseBridgeMessage({ ...call, params: { text: "a".repeat(maxMessageBytes - 130 + extra * 3), number: 123_456_789_012_345 } }).ok,
    );
    const refusedFrom = verdicts.indexOf(false);
    expect(refusedFrom).toBeGreaterThan(0);
    expect(verdicts.slice(refusedFrom)).not.toContain(true);
  });

  it("V14: counts text as many bytes as UTF-8 takes, within a few percent for the rest", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "\u00e9", "\u20ac", "\u{1f512}"), { minLength: 1, maxLength: 4 }), (letters) => {
        const unit = letters.join("");
        const bytes = new TextEncoder().encode(unit).length;
        const room = maxMessageBytes - 200;
        const fits = unit.repeat(Math.floor(room / bytes));
        expect(parseBridgeMessage({ ...call, params: { text: fits } }).ok).toBe(true);
        expect(parseBridgeMessage({ ...call, params: { text: unit.repeat(Math.ceil((maxMessageBytes + 1) / bytes)) } }).ok).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it("V13: never throws and never changes Object.prototype, whatever arrives", () => {
    const before = Object.getOwnPropertyNames(Object.prototype).length;
    const names = fc.constantFrom("jsonrpc", "id", "method", "params", "result", "error", "__proto__", "constructor", "prototype");
    const message = fc.dictionary(
      names,
      fc.oneof(fc.constant("2.0"), fc.anything({ withMap: true, withDate: true, withBigInt: true, withNullPrototype: true })),
    );
    fc.assert(
      fc.property(fc.oneof(message, fc.anything()), (data) => {
        const parsed = parseBridgeMessage(data);
        expect(["read", "invalid_request", "request_too_large"]).toContain(parsed.ok ? "read" : parsed.error.code);
      }),
      { numRuns: 10_000 },
    );
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(before);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it("reads back every JSON message", () => {
    const params = fc.dictionary(
      fc.string().filter((name) => name !== "__proto__"),
      fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__")),
    );
    fc.assert(
      fc.property(fc.integer(), params, (id, value) => {
        const data: unknown = JSON.parse(JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: value }));
        expect(parseBridgeMessage(data)).toMatchObject({ ok: true, value: { kind: "request", id } });
      }),
    );
  });
});

describe("isAllowedMessage", () => {
  const senders: readonly BridgeSender[] = ["view", "host", "proxy"];

  it("lets each side send exactly its own methods, requests as requests and notifications as notifications", () => {
    const requests = new Set(senders.flatMap((sender) => bridgeMethods[sender].requests));
    const notifications = new Set(senders.flatMap((sender) => bridgeMethods[sender].notifications));
    for (const sender of senders) {
      for (const method of [...requests, ...notifications, "tools/delete", "constructor"]) {
        const asRequest = isAllowedMessage(sender, { kind: "request", id: 1, method, params: {} });
        const asNotification = isAllowedMessage(sender, { kind: "notification", method, params: {} });
        expect(asRequest).toBe(bridgeMethods[sender].requests.includes(method));
        expect(asNotification).toBe(bridgeMethods[sender].notifications.includes(method));
      }
    }
  });

  it("V01: keeps the proxy's and the host's words from the view", () => {
    for (const method of ["ui/notifications/sandbox-proxy-ready", "ui/notifications/sandbox-resource-ready", "ui/notifications/tool-result"]) {
      expect(isAllowedMessage("view", { kind: "notification", method, params: {} })).toBe(false);
    }
    expect(isAllowedMessage("proxy", { kind: "request", id: 1, method: "tools/call", params: {} })).toBe(false);
  });

  it("takes a member that is undefined for one that is absent, as senders of the official library write it", () => {
    const sent = { jsonrpc: "2.0", id: 1, method: "resources/list", params: undefined, result: undefined };
    expect(parseBridgeMessage(sent)).toEqual({ ok: true, value: { kind: "request", id: 1, method: "resources/list", params: {} } });
    expect(parseBridgeMessage({ ...sent, params: { cursor: undefined } }).ok).toBe(true);
    expect(parseBridgeMessage({ jsonrpc: "2.0", method: "notifications/message", id: undefined })).toMatchObject({ value: { kind: "notification" } });
  });

  it("has the whole window.openai shim", () => {
    const shim = [...bridgeMethods.view.requests, ...bridgeMethods.view.notifications].filter((method) => method.startsWith("openai/"));
    expect(shim).toEqual([
      "openai/callTool",
      "openai/setWidgetState",
      "openai/sendFollowUpMessage",
      "openai/requestDisplayMode",
      "openai/openExternal",
      "openai/setOpenInAppUrl",
      "openai/requestModal",
      "openai/requestClose",
      "openai/beginUpload",
      "openai/appendUpload",
      "openai/selectFiles",
      "openai/getFileDownloadUrl",
      "openai/notifyIntrinsicHeight",
      "openai/measuredHeight",
    ]);
  });

  it("lets answers pass, because their id is what counts", () => {
    expect(isAllowedMessage("view", { kind: "response", id: 1, result: {} })).toBe(true);
    expect(isAllowedMessage("host", { kind: "error", id: 1, code: 1, message: "m", data: undefined })).toBe(true);
  });
});

describe("meterMessage", () => {
  const notification = { kind: "notification", method: "ui/notifications/size-changed", params: {} } as const;
  const request = (id: number) => ({ kind: "request", id, method: "tools/call", params: {} }) as const;

  function feed(count: number, atMs: number, from: BridgeMeter = idleMeter): BridgeMeter {
    let meter = from;
    for (let index = 0; index < count; index += 1) {
      const counted = meterMessage(meter, notification, atMs);
      if (!counted.ok) throw new Error(counted.error.detail);
      meter = counted.value;
    }
    return meter;
  }

  it("V14: accepts 50 messages within a second and refuses the 51st", () => {
    const meter = feed(maxMessagesPerSecond, 5000);
    expect(meterMessage(meter, notification, 5999)).toMatchObject({ ok: false, error: { code: "rate_limited" } });
    expect(meterMessage(meter, notification, 6000)).toMatchObject({ ok: true, value: { messages: 1, secondStartMs: 6000 } });
  });

  it("V14: accepts 8 requests in flight and the ninth only after an answer", () => {
    let meter: BridgeMeter = idleMeter;
    for (let id = 1; id <= maxInFlight; id += 1) {
      const counted = meterMessage(meter, request(id), 5000);
      if (!counted.ok) throw new Error("refused");
      meter = counted.value;
    }
    expect(meterMessage(meter, request(9), 5000)).toMatchObject({ ok: false, error: { code: "rate_limited" } });
    expect(meterMessage(meter, notification, 5000).ok).toBe(true);
    expect(meterMessage(settleMessage(meter, 3), request(9), 5000).ok).toBe(true);
    expect(meterMessage(settleMessage(meter, 99), request(9), 5000).ok).toBe(false);
  });

  it('refuses an id that is already in flight, and takes 1 and "1" for two', () => {
    const first = meterMessage(idleMeter, request(1), 0);
    if (!first.ok) throw new Error("refused");
    expect(meterMessage(first.value, request(1), 0)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
    expect(meterMessage(first.value, { ...request(1), id: "1" }, 0).ok).toBe(true);
  });
});
