import { expect, test } from "vitest";
import { resultText } from "../../src/call/result-text.ts";

test.each([
  [{ content: [{ type: "text", text: "one\n  two\u001b[31m" }] }, "one\n  two[31m\n"],
  [{ content: [], structuredContent: { a: 1 } }, '{\n  "a": 1\n}\n'],
  [{ structuredContent: { a: "\u202e" } }, '{\n  "a": "\\u202e"\n}\n'],
  [{ content: [{ type: "image", data: "AAAA", mimeType: "image/png" }] }, "[image: image/png, 3 bytes]\n"],
  [{ content: [{ type: "resource_link", uri: "ui://a", name: "A" }] }, "[A: ui://a]\n"],
  [{ content: [{ type: "resource", resource: { uri: "ui://a", text: "hello" } }] }, "hello\n"],
  [{ content: [{ type: "resource", resource: { uri: "ui://a", blob: "AA" } }] }, "[resource: ui://a]\n"],
  [{ content: "no list" }, "(no content)\n"],
  [{ content: [null, { type: "strange" }] }, "(no content)\n"],
])("%j reads as text", (result, text) => {
  expect(resultText(result)).toBe(text);
});
