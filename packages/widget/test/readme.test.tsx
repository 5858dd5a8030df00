import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import { hooks, OrdersOfReadme, showOrders } from "./stand-ins/readme.tsx";

test("the README's component is drawn before the host has answered, and all that it imports is there", () => {
  expect(renderToString(<OrdersOfReadme />)).toContain("My orders");
  for (const each of [showOrders, ...hooks]) expect(each).toBeTypeOf("function");
});
