import { Secret } from "@countersign/protocol/secret";
import { describe, expect, it } from "vitest";
import { createLogger, type LogFields, type Logger, type LogLevel } from "../src/log.ts";

function capture(level: LogLevel = "debug"): { logger: Logger; lines: () => Record<string, unknown>[]; text: () => string } {
  const written: string[] = [];
  const logger = createLogger("wallet", { level, destination: { write: (line: string) => void written.push(line) } });
  return { logger, lines: () => written.map((line) => JSON.parse(line)), text: () => written.join("") };
}

/** Fields that the types would not let through. */
function smuggle(fields: object): LogFields {
  return Object.assign({}, fields);
}

describe("a log line", () => {
  it("holds party, level, time, event and the fields", () => {
    const { logger, lines } = capture();
    logger.child({ requestId: "req-12345678" }).info("call.parked", { callId: "c1", durationMs: 12, status: 401 });
    expect(lines()).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        party: "wallet",
        requestId: "req-12345678",
        callId: "c1",
        durationMs: 12,
        status: 401,
        msg: "call.parked",
      },
    ]);
  });

  it("below the level is not written", () => {
    const { logger, lines } = capture("warn");
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.error("d");
    expect(lines().map((line) => line["msg"])).toEqual(["c", "d"]);
  });

  it("shows no canary, wherever one is put (X03)", () => {
    const { logger, lines, text } = capture();
    const canary = "canary-4f9c";
    const withToken: LogFields & { access_token: string; headers: object } = {
      callId: "c1",
      access_token: canary,
      headers: { authorization: canary },
    };
    logger.info("passed.along", withToken);
    logger.child(withToken).info("by.child");
    logger.info(`token ${canary}`);
    logger.info("secret.field", smuggle({ reason: new Secret(canary) }));
    logger.info("object.field", smuggle({ reason: { token: canary } }));
    logger.info("path.query", { path: `/callback?code=${canary}#${canary}`, url: `https://a.example/cb?state=${canary}` });
    logger.error("thrown", { error: new Error(`bad token ${canary}`, { cause: new TypeError(canary) }) });
    logger.error("thrown.text", { error: canary });
    logger.error("thrown.object", { error: { message: canary } });
    logger.error("thrown.frames", { error: new Error(`x\n    at ${canary} (file:///x.ts:1:1)`) });
    logger.error("thrown.named", { error: Object.assign(new Error("x"), { name: `N ${canary}`, code: `C ${canary}` }) });
    const moved = new Error("first");
    moved.message = canary;
    moved.stack = `Error: ${canary}\n    at f (file:///x.ts:1:1)`;
    logger.error("thrown.moved", { error: moved });
    expect(lines()).toHaveLength(12);
    expect(text()).not.toContain("canary");
    expect(lines()[0]).toMatchObject({ callId: "c1", msg: "passed.along" });
    expect(lines()[2]).toMatchObject({ msg: "unnamed_event" });
    expect(lines()[3]).toMatchObject({ reason: "[redacted]" });
    expect(lines()[5]).toMatchObject({ path: "/callback", url: "https://a.example/cb" });
  });

  it("describes an error by name, code, place and cause, and by its message only when its class says so", () => {
    const { logger, lines } = capture();
    const cause = Object.assign(new Error("hidden"), { code: "ECONNREFUSED" });
    class Declared extends Error {
      readonly loggable = true;
    }
    logger.error("failed", { error: new Declared("The database does not answer.", { cause }) });
    expect(lines()[0]?.["error"]).toMatchObject({
      name: "Error",
      message: "The database does not answer.",
      frames: expect.arrayContaining([expect.stringMatching(/^at .*log\.test\.ts:\d+:\d+\)?$/)]),
      cause: { name: "Error", code: "ECONNREFUSED", frames: expect.any(Array) },
    });
    expect(JSON.stringify(lines()[0])).not.toContain("hidden");
  });

  it("bounds long text and deep causes", () => {
    const { logger, lines } = capture();
    let error = new Error("0");
    for (let depth = 0; depth < 50; depth += 1) error = new Error("x", { cause: error });
    logger.error("deep", { error, reason: "r".repeat(10_000) });
    expect(JSON.stringify(lines()[0]).length).toBeLessThan(12_000);
    expect(String(lines()[0]?.["reason"])).toHaveLength(301);
  });
});
