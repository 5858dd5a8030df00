import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BearerChallenge } from "../src/challenge.ts";
import {
  challengeFromError,
  challengeFromHttp,
  challengeFromResult,
  formatWwwAuthenticate,
  parseWwwAuthenticate,
  resultChallengeMeta,
} from "../src/challenge.ts";

const metadata = "https://store.example/.well-known/oauth-protected-resource/mcp";
const full = `Bearer realm="store", error="insufficient_scope", error_description="More is needed", scope="orders:read payment:pr_1", resource_metadata="${metadata}"`;
const fullChallenge = {
  realm: "store",
  error: "insufficient_scope",
  errorDescription: "More is needed",
  scope: new Set(["orders:read", "payment:pr_1"]),
  resourceMetadata: metadata,
};
const empty = new Set<string>();

describe("parseWwwAuthenticate", () => {
  it.each([
    ["no header", [], undefined],
    ["another scheme only", ['Basic realm="x"'], undefined],
    ["a bare scheme", ["bearer"], { scope: empty }],
    ["all parameters", [full], fullChallenge],
    ["the first Bearer of one header", ['Basic realm="x", Bearer scope="a", Bearer scope="b"'], { scope: new Set(["a"]) }],
    ["the first Bearer of several headers", ["Negotiate", 'Bearer scope="a"', 'Bearer scope="b"'], { scope: new Set(["a"]) }],
    ["a token68 of another scheme beside it", ['Negotiate oYG2MIGzoAMKAQCh==, Bearer scope="a"'], { scope: new Set(["a"]) }],
    ["several schemes over several headers", ['Basic realm="x"', 'Digest qop="auth", Bearer scope=a'], { scope: new Set(["a"]) }],
    ["neither scope nor metadata", ['Bearer error="invalid_token"'], { scope: empty, error: "invalid_token" }],
    ["an error without its text", ['Bearer error="insufficient_scope", scope="a"'], { scope: new Set(["a"]), error: "insufficient_scope" }],
    ["empty list elements and blanks", [' , ,Bearer   scope = "a" , realm= x , '], { scope: new Set(["a"]), realm: "x" }],
    ["an empty scope", ['Bearer scope=""'], { scope: empty }],
    [
      "DPoP beside Bearer",
      ['DPoP algs="ES256 PS256", error="use_dpop_nonce", Bearer scope="a"'],
      { scope: new Set(["a"]), dpop: { algs: ["ES256", "PS256"], error: "use_dpop_nonce" } },
    ],
    ["DPoP after Bearer in a header of its own", ['Bearer scope="a"', "DPoP"], { scope: new Set(["a"]), dpop: { algs: [] } }],
    [
      "DPoP alone",
      ['DPoP error="invalid_token", scope="a", algs="ES256 b@d"'],
      { scope: new Set(["a"]), error: "invalid_token", dpop: { algs: ["ES256"], error: "invalid_token", alone: true } },
    ],
    ["unknown parameters", ['Bearer max_age="5", scope=a'], { scope: new Set(["a"]) }],
  ])("reads %s", (_, values, expected) => {
    expect(parseWwwAuthenticate(values)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ["100 KB", [`Bearer realm="${"a".repeat(100_000)}"`], "invalid_challenge"],
    ["16385 characters over two headers", ["a".repeat(16_000), "b".repeat(385)], "invalid_challenge"],
    ["50 challenges", [Array.from({ length: 50 }, () => "Basic").join(", ")], "invalid_challenge"],
    ["21 challenges over many headers", Array.from({ length: 21 }, () => "Basic"), "invalid_challenge"],
    ["a parameter without a value", ["Bearer realm="], "invalid_challenge"],
    ["nested quotes", ['Bearer realm="a"b"'], "invalid_challenge"],
    ["a broken challenge after a good one", ['Bearer scope="a"', 'Bearer "'], "invalid_challenge"],
    ["a scope outside the grammar", ['Bearer scope="caf\u00e9"'], "invalid_challenge"],
    ["an error outside the grammar", ['Bearer error="a\\"b"'], "invalid_challenge"],
    ["an empty error", ['Bearer error=""'], "invalid_challenge"],
    ["a token68", ["Bearer abc=="], "invalid_challenge"],
    ["a repeated parameter", ['Bearer scope="a", scope="b"'], "invalid_challenge"],
    ["a javascript address", ['Bearer resource_metadata="javascript:alert(1)"'], "unsafe_url"],
    ["a relative address", ['Bearer resource_metadata="/x"'], "unsafe_url"],
    ["a command line flag as address", ['Bearer resource_metadata="--flag"'], "unsafe_url"],
  ])("M21: refuses %s", (_, values, code) => {
    expect(parseWwwAuthenticate([full]).ok).toBe(true);
    expect(parseWwwAuthenticate(values)).toMatchObject({ ok: false, error: { code } });
  });

  it("accepts exactly 16384 characters and exactly 20 challenges", () => {
    expect(parseWwwAuthenticate(["a".repeat(16_384)]).ok).toBe(true);
    expect(parseWwwAuthenticate(Array.from({ length: 20 }, () => "Basic")).ok).toBe(true);
  });

  it("cuts a long description and a long realm", () => {
    const parsed = parseWwwAuthenticate([`Bearer error_description="${"d".repeat(2000)}", realm="${"r".repeat(300)}"`]);
    expect(parsed.ok && parsed.value?.errorDescription).toHaveLength(1000);
    expect(parsed.ok && parsed.value?.realm).toHaveLength(200);
  });

  it("reads back every challenge that formatWwwAuthenticate writes", () => {
    const text = fc.stringMatching(/^[\x20-\x7e]{0,60}$/);
    const challenge: fc.Arbitrary<BearerChallenge> = fc.record(
      {
        scope: fc.uniqueArray(fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,12}$/), { maxLength: 5 }).map((tokens) => new Set(tokens)),
        realm: text,
        error: fc.constantFrom("invalid_token", "insufficient_scope", "invalid_request"),
        errorDescription: text,
        resourceMetadata: fc.constantFrom(metadata, "http://127.0.0.1:4300/.well-known/oauth-protected-resource"),
        dpop: fc.constantFrom({ algs: [] }, { algs: ["ES256", "EdDSA"] }, { algs: ["ES256"], error: "use_dpop_nonce" }),
      },
      { requiredKeys: ["scope"] },
    );
    fc.assert(
      fc.property(challenge, (value) => {
        expect(parseWwwAuthenticate([formatWwwAuthenticate(value)])).toEqual({ ok: true, value });
      }),
    );
  });
});

describe("formatWwwAuthenticate", () => {
  it("puts DPoP after Bearer, or in its place with all that there is to say", () => {
    const challenge = { scope: new Set(["a"]), error: "use_dpop_nonce", resourceMetadata: metadata };
    const dpop = { algs: ["ES256", "EdDSA"], error: "use_dpop_nonce" };
    expect(formatWwwAuthenticate({ scope: empty, dpop: { algs: ["ES256"] } })).toBe('Bearer, DPoP algs="ES256"');
    const alone: BearerChallenge = { ...challenge, dpop: { ...dpop, alone: true } };
    expect(formatWwwAuthenticate(alone)).toBe(`DPoP algs="ES256 EdDSA", error="use_dpop_nonce", scope="a", resource_metadata="${metadata}"`);
    expect(parseWwwAuthenticate([formatWwwAuthenticate(alone)])).toEqual({ ok: true, value: alone });
  });

  it("writes a bare scheme when there is nothing to say", () => {
    expect(formatWwwAuthenticate({ scope: empty })).toBe("Bearer");
  });

  it("quotes, sorts the scope and keeps one order of parameters", () => {
    expect(formatWwwAuthenticate({ ...fullChallenge, realm: 'a"b\\' })).toBe(full.replace('"store"', '"a\\"b\\\\"'));
  });

  it("lets no text break out of the header", () => {
    expect(formatWwwAuthenticate({ scope: empty, realm: 'x\r\nSet-Cookie: a="b"\u2028' })).toBe('Bearer realm="x??Set-Cookie: a=\\"b\\"?"');
  });
});

describe("challengeFromHttp", () => {
  const scoped = 'Bearer scope="a"';
  it.each([
    [401, [], { form: "http", status: 401, scope: empty }],
    [401, ["Basic"], { form: "http", status: 401, scope: empty }],
    [401, [full], { form: "http", status: 401, ...fullChallenge }],
    [403, [full], { form: "http", status: 403, ...fullChallenge }],
    [403, ['Bearer error="insufficient_scope"'], { form: "http", status: 403, error: "insufficient_scope", scope: empty }],
    [403, [scoped], { form: "http", status: 403, scope: new Set(["a"]) }],
    [403, [], undefined],
    [403, ['Bearer error="invalid_token"'], undefined],
    [200, [full], undefined],
    [400, [full], undefined],
    [500, ['"'], undefined],
  ])("maps %i with %j", (status, values, expected) => {
    expect(challengeFromHttp(status, values)).toEqual({ ok: true, value: expected });
  });

  it.each([401, 403])("M21: refuses a %i whose header cannot be read", (status) => {
    expect(challengeFromHttp(status, ['"'])).toMatchObject({ ok: false, error: { code: "invalid_challenge" } });
  });
});

describe("challengeFromResult", () => {
  const meta = (value: unknown): unknown => ({ isError: true, content: [], _meta: { "mcp/www_authenticate": value } });

  it.each([
    ["a string", meta(full), { form: "result", ...fullChallenge }],
    ["a list", meta(["Basic", full]), { form: "result", ...fullChallenge }],
    ["what resultChallengeMeta makes", { isError: true, _meta: resultChallengeMeta(fullChallenge) }, { form: "result", ...fullChallenge }],
    ["a successful result", { _meta: { "mcp/www_authenticate": full } }, undefined],
    ["an empty list", meta([]), undefined],
    ["a list whose Bearer comes last", meta(["Basic", "Negotiate", full]), { form: "result", ...fullChallenge }],
    ["a challenge without scope and metadata", meta("Bearer"), { form: "result", scope: empty }],
    ["an ordinary error", { isError: true, content: [] }, undefined],
    ["no object", "text", undefined],
    ["nothing", null, undefined],
    ["an inherited member", Object.create(meta(full) as object), undefined],
  ])("maps the result form: %s", (_, result, expected) => {
    expect(challengeFromResult(result)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ["a number", 5, "invalid_challenge"],
    ["null", null, "invalid_challenge"],
    ["a list of others", [5], "invalid_challenge"],
    ["21 entries", Array.from({ length: 21 }, () => "Basic"), "invalid_challenge"],
    ["no Bearer", "Basic", "invalid_challenge"],
    ["a broken header", 'Bearer "', "invalid_challenge"],
    ["a javascript address", 'Bearer resource_metadata="javascript:x"', "unsafe_url"],
  ])("M21: refuses the result form with %s", (_, value, code) => {
    expect(challengeFromResult(meta(full)).ok).toBe(true);
    expect(challengeFromResult(meta(value))).toMatchObject({ ok: false, error: { code } });
  });

  const structured = (value: object): unknown => ({ structuredContent: { requires_authorization: true, ...value } });

  it.each([
    ["with a message", structured({ authorization_endpoint: "https://pay.example/a", message: "Pay here" }), "Pay here"],
    ["without a message", structured({ authorization_endpoint: "https://pay.example/a" }), "This app asks you to continue in your browser."],
    ["with an overlong message", structured({ authorization_endpoint: "https://pay.example/a", message: "m".repeat(3000) }), "m".repeat(2000)],
    ["with hidden characters", structured({ authorization_endpoint: "https://pay.example/a", message: "Pay\u202e \u200bhere" }), "Pay here"],
  ])("maps the structured form %s", (_, result, message) => {
    expect(challengeFromResult(result)).toEqual({ ok: true, value: { form: "structured", url: "https://pay.example/a", message } });
  });

  it.each([
    ["false", { structuredContent: { requires_authorization: false, authorization_endpoint: "https://pay.example/a" } }],
    ["truthy text", { structuredContent: { requires_authorization: "true", authorization_endpoint: "https://pay.example/a" } }],
  ])("takes requires_authorization: %s for an ordinary result", (_, result) => {
    expect(challengeFromResult(result)).toEqual({ ok: true, value: undefined });
  });

  it.each([["javascript:alert(1)"], ["data:text/html,x"], ["file:///x"], [`https://a.example/${"x".repeat(100_000)}`], [undefined], [5]])(
    "M10: refuses the structured form with the address %.40s",
    (authorization_endpoint) => {
      expect(challengeFromResult(structured({ authorization_endpoint }))).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
    },
  );
});

describe("URL challenges", () => {
  const url = "https://bank.example/link";
  const request = (params: object): object => ({ method: "elicitation/create", params: { mode: "url", url, message: "Link", ...params } });
  const inputRequired = (inputRequests: unknown, rest: object = {}): unknown => ({ resultType: "input_required", inputRequests, ...rest });
  const question = { kind: "url", id: "a", url, message: "Link" };
  const form = {
    method: "elicitation/create",
    params: { message: "Who?", requestedSchema: { type: "object", properties: { nick: { type: "string" } } } },
  };
  const formQuestion = { kind: "form", id: "b", message: "Who?", fields: [{ kind: "text", name: "nick", label: "Nick", required: false }] };

  it.each([
    ["one request", inputRequired({ a: request({}) }), { questions: [question] }],
    ["a state", inputRequired({ a: request({}) }, { requestState: "s" }), { questions: [question], requestState: "s" }],
    ["an address and a form", inputRequired({ a: request({}), b: form }), { questions: [question, formQuestion] }],
    ["a state and no requests", inputRequired(undefined, { requestState: "s" }), { questions: [], requestState: "s" }],
    ["a state and an empty object", inputRequired({}, { requestState: "" }), { questions: [], requestState: "" }],
    [
      "two requests",
      inputRequired({ a: request({}), b: request({ message: undefined }) }),
      { questions: [question, { kind: "url", id: "b", url, message: "This app asks you to continue in your browser." }] },
    ],
  ])("map input_required of 2026-07-28 with %s", (_, result, expected) => {
    expect(challengeFromResult(result)).toEqual({ ok: true, value: { form: "input", ...expected } });
  });

  it.each([
    ["neither requests nor a state", inputRequired(undefined), "invalid_challenge"],
    ["requests that are a list", inputRequired([request({})]), "invalid_challenge"],
    ["a request of sampling", inputRequired({ a: request({}), b: { method: "sampling/createMessage", params: {} } }), "protocol_error"],
    ["a request of roots", inputRequired({ a: { method: "roots/list" } }), "protocol_error"],
    ["another mode", inputRequired({ a: request({ mode: "voice" }) }), "protocol_error"],
    ["a form without a schema", inputRequired({ a: request({ mode: "form" }) }), "protocol_error"],
    [
      "a form that asks for a password",
      inputRequired({ a: { ...form, params: { requestedSchema: { type: "object", properties: { password: { type: "string" } } } } } }),
      "secret_requested",
    ],
    ["11 requests", inputRequired(Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`k${index}`, request({})]))), "invalid_challenge"],
    ["an overlong key", inputRequired({ ["k".repeat(201)]: request({}) }), "invalid_challenge"],
    ["a state that is no text", inputRequired({ a: request({}) }, { requestState: 5 }), "invalid_challenge"],
    ["an overlong state", inputRequired({ a: request({}) }, { requestState: "s".repeat(65_537) }), "invalid_challenge"],
    ["a javascript address", inputRequired({ a: request({ url: "javascript:x" }) }), "unsafe_url"],
    ["no address", inputRequired({ a: request({ url: 5 }) }), "unsafe_url"],
  ])("M10: refuse input_required with %s", (_, result, code) => {
    expect(challengeFromResult(result)).toMatchObject({ ok: false, error: { code } });
  });

  const elicitation = { mode: "url", elicitationId: "a", url, message: "Link" };
  const error = (...elicitations: unknown[]): unknown => ({ code: -32042, message: "m", data: { elicitations } });

  it("map error -32042 of 2025-11-25, also as an Error object", () => {
    const expected = { ok: true, value: { form: "url", questions: [question] } };
    expect(challengeFromError(error(elicitation))).toEqual(expected);
    expect(challengeFromError(error({ ...elicitation, mode: undefined }))).toEqual(expected);
    expect(challengeFromError(error(elicitation, { ...elicitation, elicitationId: "b", url: "https://tax.example/" }))).toMatchObject({
      ok: true,
      value: { questions: [{ id: "a" }, { id: "b", url: "https://tax.example/" }] },
    });
    expect(challengeFromError(Object.assign(new Error("m"), { code: -32042, data: { elicitations: [elicitation] } }))).toEqual(expected);
  });

  it.each([
    ["another code", { code: -32602, data: { elicitations: [elicitation] } }],
    ["a text", "no"],
    ["nothing", undefined],
  ])("leave %s to others", (_, value) => {
    expect(challengeFromError(value)).toEqual({ ok: true, value: undefined });
  });

  it.each([
    ["no list", { code: -32042 }, "invalid_challenge"],
    ["an empty list", error(), "invalid_challenge"],
    ["11 elicitations", error(...Array.from({ length: 11 }, () => elicitation)), "invalid_challenge"],
    ["another mode", error({ ...elicitation, mode: "form" }), "invalid_challenge"],
    ["one id twice", error(elicitation, elicitation), "invalid_challenge"],
    ["a host written in letters beyond ASCII", error({ ...elicitation, url: "https://b\u0430nk.example/" }), "unsafe_url"],
    ["no id", error({ ...elicitation, elicitationId: undefined }), "invalid_challenge"],
    ["a data address", error({ ...elicitation, url: "data:text/html,x" }), "unsafe_url"],
    ["no address", error({ ...elicitation, url: undefined }), "unsafe_url"],
  ])("M10: refuse error -32042 with %s", (_, value, code) => {
    expect(challengeFromError(value)).toMatchObject({ ok: false, error: { code } });
  });
});
