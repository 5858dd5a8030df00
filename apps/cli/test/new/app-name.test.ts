import { describe, expect, test } from "vitest";
import { judgeAppName } from "../../src/new/app-name.ts";

describe("an app's name", () => {
  test.each([
    ["notes", "Notes"],
    ["my-app", "My app"],
    ["a", "A"],
    ["app-2", "App 2"],
    ["x".repeat(32), `X${"x".repeat(31)}`],
  ])("%s is shown as %s", (name, title) => {
    expect(judgeAppName(name)).toEqual({ ok: true, value: { name, title } });
  });

  test.each([
    "",
    "x".repeat(33),
    "My-App",
    "2apps",
    "my app",
    "my_app",
    "-app",
    "app-",
    "my--app",
    "app.",
    "äpp",
    "a/b",
    "..",
    "node_modules",
    "store",
    "kit",
  ])("%j is refused", (name) => {
    expect(judgeAppName(name)).toMatchObject({ ok: false });
  });
});
