import { describe, expect, it } from "vitest";
import { runAuthorization } from "../conformance/authorization.ts";
import { runClient } from "../conformance/client.ts";
import { isUnexpected } from "../conformance/outcome.ts";
import { runServer } from "../conformance/server.ts";

describe("the official MCP conformance suite", () => {
  it("passes against the store and a fixture behind protect, in both eras, but for what is listed with its reason", {
    timeout: 600_000,
  }, async () => {
    const outcomes = await runServer(() => {});
    expect(outcomes.filter(isUnexpected)).toEqual([]);
    expect(outcomes).toHaveLength(100);
    expect(outcomes.filter((each) => each.passed).length).toBeGreaterThanOrEqual(91);
  });

  it("passes against the host as a client, in both eras, but for what is listed with its reason", { timeout: 600_000 }, async () => {
    const outcomes = await runClient(() => {});
    expect(outcomes.filter(isUnexpected)).toEqual([]);
    expect(outcomes).toHaveLength(50);
    expect(outcomes.filter((each) => each.passed).length).toBeGreaterThanOrEqual(46);
  });

  it("passes against the wallet as an authorization server, in both eras, without a warning", {
    timeout: 180_000,
  }, async () => {
    const outcomes = await runAuthorization(() => {});
    expect(outcomes.filter((each) => !each.passed)).toEqual([]);
    expect(outcomes).toHaveLength(2);
  });
});
