import { expect, test } from "vitest";
import { renderErrors } from "../errors-doc.ts";
import { findThreatTests, renderThreats } from "../threats-doc.ts";

test("the error document has one row for each code, and a bar in a text does not break the table", () => {
  const entry = { status: 409, retryable: true, text: "A | B", hint: "Wait.", oauth: "slow_down" };
  const rows = renderErrors({ some_code: entry })
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  expect(rows).toEqual(["| `some_code` | A \\| B | 409 | yes | `slow_down` | Wait. |"]);
});

test("a threat's row links every test file whose titles name its id, and nothing else", () => {
  const files = [
    { path: "apps/bank/test/payments.test.ts", text: 'test("P04: spent once", () => {});\n// P05 is not tested here' },
    { path: "packages/host/test/call/broker.test.ts", text: "test.each(rows)(`P04 $name`, () => {});" },
  ];
  const document = "| id | threat | defence | tests |\n| P04 | Replay | One write | stale |\n| P05 | Race | Lock | stale |";
  expect(renderThreats(document, findThreatTests(files)).text.split("\n").slice(1)).toEqual([
    "| P04 | Replay | One write | [bank: payments](../apps/bank/test/payments.test.ts), [host: broker](../packages/host/test/call/broker.test.ts) |",
    "| P05 | Race | Lock |  |",
  ]);
});

test("an id that no row has is told, and a row that no test names", () => {
  expect(renderThreats("| P04 | Replay | One write |  |", new Map([["P99", ["a.test.ts"]]]))).toMatchObject({ unknown: ["P99"], untested: ["P04"] });
  expect(renderThreats("| L04 | Replay | One write |  |", new Map([["L04", ["a.test.ts"]]]))).toMatchObject({ unknown: [], untested: [] });
});
