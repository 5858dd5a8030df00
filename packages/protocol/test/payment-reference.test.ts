import { describe, expect, test } from "vitest";
import { parsePaymentReference, readPaymentReference } from "../src/payment-reference.ts";

const good = { type: "payment", payment_request_id: "pr_1" };

describe("a payment in authorization_details", () => {
  test("names one lodged request, and perhaps where the token will be used", () => {
    expect(readPaymentReference(JSON.stringify([good]))).toEqual({
      ok: true,
      value: { type: "payment", payment_request_id: "pr_1", location: undefined },
    });
    expect(parsePaymentReference({ ...good, locations: ["https://store.example/mcp"] })).toMatchObject({
      ok: true,
      value: { location: "https://store.example/mcp" },
    });
  });

  test.each([
    ["another type", { ...good, type: "transfer" }],
    ["an amount of its own", { ...good, amount: 1 }],
    ["no id", { type: "payment" }],
    ["an id that is a path", { ...good, payment_request_id: "../x" }],
    ["an id that is a number", { ...good, payment_request_id: 1 }],
    ["no location in its list", { ...good, locations: [] }],
    ["two locations", { ...good, locations: ["https://a.example/", "https://b.example/"] }],
    ["a location that is no address", { ...good, locations: ["store"] }],
    ["a list inside", [good]],
    ["nothing", null],
  ])("with %s is refused", (_name, value) => {
    expect(parsePaymentReference(value)).toMatchObject({ ok: false, error: { code: "invalid_authorization_details" } });
  });

  test.each(["", "{}", "[]", "[", JSON.stringify([good, good]), JSON.stringify([{ ...good, payment_request_id: "x".repeat(5_000) }])])(
    "in a text like %.40s is refused",
    (text) => {
      expect(readPaymentReference(text)).toMatchObject({ ok: false, error: { code: "invalid_authorization_details" } });
    },
  );
});
