import { describe, expect, it } from "vitest";
import {
  choice,
  describeConfig,
  flag,
  httpUrl,
  integer,
  json,
  list,
  optional,
  port,
  readConfig,
  requireConfig,
  secret,
  text,
} from "../src/config.ts";

const schema = {
  port: port({ env: "COUNTERSIGN_TEST_PORT", doc: "Where it listens.", fallback: "4200" }),
  url: httpUrl({ env: "COUNTERSIGN_TEST_URL", doc: "Its public address." }),
  key: secret({ env: "COUNTERSIGN_TEST_KEY", doc: "What it seals with." }),
  mode: choice({ env: "COUNTERSIGN_TEST_MODE", doc: "How it runs.", words: ["development", "production"], fallback: "development" }),
  name: optional(text({ env: "COUNTERSIGN_TEST_NAME", doc: "What it is called." })),
  hosts: list(text({ env: "COUNTERSIGN_TEST_HOSTS", doc: "Hosts it answers to.", fallback: "" })),
};

describe("a configuration", () => {
  it("is typed, with defaults for what is unset or empty", () => {
    const config = readConfig(schema, { COUNTERSIGN_TEST_URL: "https://wallet.example/", COUNTERSIGN_TEST_KEY: "k", COUNTERSIGN_TEST_PORT: " " });
    expect(config).toMatchObject({ ok: true, value: { port: 4200, url: "https://wallet.example", mode: "development", name: undefined } });
    const mode: "development" | "production" | undefined = config.ok ? config.value.mode : undefined;
    expect(mode).toBe("development");
    expect(config.ok && config.value.key.reveal()).toBe("k");
  });

  it("reports every problem at once and repeats no value (X03)", () => {
    const config = readConfig(schema, { COUNTERSIGN_TEST_PORT: "canary", COUNTERSIGN_TEST_URL: "ftp://canary", COUNTERSIGN_TEST_MODE: "canary" });
    expect(config).toEqual({
      ok: false,
      error: [
        { env: "COUNTERSIGN_TEST_PORT", problem: "must be a whole number from 0 to 65535" },
        { env: "COUNTERSIGN_TEST_URL", problem: "must be an http(s) URL without credentials, query and fragment" },
        { env: "COUNTERSIGN_TEST_KEY", problem: "is required" },
        { env: "COUNTERSIGN_TEST_MODE", problem: "must be one of development, production" },
      ],
    });
    expect(JSON.stringify(config)).not.toContain("canary");
  });

  it("that is not valid stops the start with one sentence", () => {
    expect(() => requireConfig(schema, { COUNTERSIGN_TEST_URL: "https://wallet.example" })).toThrow(
      expect.objectContaining({ name: "StartupProblem", sentence: "The configuration is not valid: COUNTERSIGN_TEST_KEY is required." }),
    );
    expect(requireConfig(schema, { COUNTERSIGN_TEST_URL: "https://wallet.example", COUNTERSIGN_TEST_KEY: "k" }).port).toBe(4200);
  });

  it("is described without its secrets (X03)", () => {
    const lines = describeConfig(schema, { COUNTERSIGN_TEST_KEY: "canary", COUNTERSIGN_TEST_PORT: "1" });
    expect(lines.find((line) => line.env === "COUNTERSIGN_TEST_PORT")).toEqual({
      env: "COUNTERSIGN_TEST_PORT",
      doc: "Where it listens.",
      type: "port",
      required: false,
      fallback: "4200",
      value: "1",
      source: "environment",
    });
    expect(lines.find((line) => line.env === "COUNTERSIGN_TEST_KEY")).toMatchObject({ required: true, value: "[redacted]", source: "environment" });
    expect(lines.find((line) => line.env === "COUNTERSIGN_TEST_NAME")).toMatchObject({ required: false, value: undefined, source: "unset" });
    expect(JSON.stringify(lines)).not.toContain("canary");
  });

  it("masks what is set, and shows a default as it is", () => {
    const clients = {
      clients: { ...json({ env: "COUNTERSIGN_TEST_CLIENTS", doc: "Clients.", fallback: "[]", parse: (value) => value }), secret: true },
    };
    expect(describeConfig(clients, {})).toMatchObject([{ fallback: "[]", value: "[]", source: "default" }]);
    expect(describeConfig(clients, { COUNTERSIGN_TEST_CLIENTS: "[1]" })).toMatchObject([
      { fallback: "[]", value: "[redacted]", source: "environment" },
    ]);
  });
});

describe("a variable", () => {
  const base = { env: "COUNTERSIGN_X", doc: "" };
  const shape = (value: unknown): { a: number } => {
    if (typeof value !== "object" || value === null || !("a" in value) || typeof value.a !== "number") throw new TypeError("shape");
    return { a: value.a };
  };

  it.each([
    ["integer", integer({ ...base, min: -5, max: 5 }), ["0", "5", "-5", "003"], ["6", "-6", "1.0", "1e0", "0x1", "", " 1", "NaN", "9".repeat(20)]],
    ["flag", flag(base), ["true", "false"], ["1", "yes", "TRUE", ""]],
    ["choice", choice({ ...base, words: ["a", "b"] }), ["a", "b"], ["c", "A", "", "a,b"]],
    [
      "httpUrl",
      httpUrl(base),
      ["https://a.example", "http://127.0.0.1:4200", "http://localhost:1", "http://x.localhost", "http://[::1]:1", "https://a.example/path/"],
      [
        "http://a.example",
        "javascript:alert(1)",
        "https://u:p@a.example",
        "https://a.example?x",
        "https://a.example#x",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "",
      ],
    ],
    ["list", list(integer({ ...base, min: 0, max: 9 })), ["", "1", "1,2", " 1 , 2 ,"], ["1,x", "1;2"]],
    ["json", json({ ...base, parse: shape }), ['{"a":1}'], ["{", '{"a":"1"}', "null", ""]],
  ])("of kind %s takes what it says and nothing else", (_kind, variable, good, bad) => {
    expect(good.filter((value) => !variable.parse(value).ok)).toEqual([]);
    expect(bad.filter((value) => variable.parse(value).ok)).toEqual([]);
  });

  it("longer than 64 KiB is refused", () => {
    expect(readConfig({ x: text(base) }, { COUNTERSIGN_X: "x".repeat(65_537) })).toEqual({
      ok: false,
      error: [{ env: "COUNTERSIGN_X", problem: "is too long" }],
    });
  });
});
