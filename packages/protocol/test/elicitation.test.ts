import { describe, expect, it } from "vitest";
import { hostShown, isInternationalHost, judgeAnswer, readQuestion } from "../src/elicitation.ts";

const schema = { type: "object", properties: { nick: { type: "string", default: "Sam" } } };

describe("readQuestion", () => {
  it("takes an elicitation without a mode for a form, as 2025-06-18 has it", () => {
    expect(readQuestion("k", { message: "Who?", requestedSchema: schema })).toMatchObject({ ok: true, value: { kind: "form", message: "Who?" } });
  });

  it("gives a question without a text one of its own", () => {
    expect(readQuestion("k", { mode: "url", url: "https://a.example/" })).toMatchObject({
      ok: true,
      value: { message: "This app asks you to continue in your browser." },
    });
    expect(readQuestion("k", { requestedSchema: schema })).toMatchObject({ ok: true, value: { message: "This app asks you for some details." } });
  });

  it.each([
    ["javascript:alert(1)"],
    ["data:text/html,x"],
    ["file:///etc/passwd"],
    ["//a.example/"],
    ["https://user:pw@a.example/"],
    [5],
    [undefined],
  ])("M10 refuses to lead anybody to %s", (url) => {
    expect(readQuestion("k", { mode: "url", url: "https://a.example/" }).ok).toBe(true);
    expect(readQuestion("k", { mode: "url", url })).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
  });

  it("M17 refuses a form whose message asks for a secret to be typed", () => {
    const params = { message: "Enter your password", requestedSchema: { type: "object", properties: { value: { type: "string" } } } };
    expect(readQuestion("k", { ...params, message: "Enter your name" }).ok).toBe(true);
    expect(readQuestion("k", params)).toMatchObject({ ok: false, error: { code: "secret_requested" } });
    const choice = { type: "object", properties: { value: { type: "boolean" } } };
    expect(readQuestion("k", { ...params, requestedSchema: choice }).ok).toBe(true);
  });
});

describe("judgeAnswer", () => {
  const form = readQuestion("k", { requestedSchema: schema });
  const visit = readQuestion("k", { mode: "url", url: "https://a.example/" });
  if (!form.ok || !visit.ok) throw new Error("not read");

  it.each([
    ["an accepted form, with its defaults", form.value, { action: "accept" }, { action: "accept", content: { nick: "Sam" } }],
    ["a filled-in form", form.value, { action: "accept", content: { nick: "Kim" } }, { action: "accept", content: { nick: "Kim" } }],
    ["an accepted visit, without content", visit.value, { action: "accept", content: { a: 1 } }, { action: "accept" }],
    ["a declined form, without content", form.value, { action: "decline", content: { nick: "Kim" } }, { action: "decline" }],
    ["a cancelled one", form.value, { action: "cancel" }, { action: "cancel" }],
  ])("takes %s", (_, question, given, expected) => {
    expect(judgeAnswer(question, given)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ["nothing", undefined],
    ["another action", { action: "yes" }],
    ["content that is a list", { action: "accept", content: [] }],
    ["a wrong field", { action: "accept", content: { nick: 5 } }],
  ])("refuses %s", (_, given) => {
    expect(judgeAnswer(form.value, given)).toMatchObject({ ok: false, error: { code: "invalid_arguments" } });
  });
});

describe("hostShown", () => {
  it.each([
    ["https://pay.example/x", "pay.example", false],
    ["https://pay.example:8443/x", "pay.example:8443", false],
    ["https://xn--pypal-4ve.example/", "xn--pypal-4ve.example", true],
    ["https://p\u0430ypal.example/", "xn--pypal-4ve.example", true],
    ["https://PAY.example/", "pay.example", false],
    ["http://[::1]:3000/", "[::1]:3000", false],
  ])("M18 shows %s as %s", (url, host, international) => {
    expect(hostShown(url)).toBe(host);
    expect(isInternationalHost(host)).toBe(international);
  });
});
