import { createHash } from "node:crypto";
import { describeConfig, readConfig } from "@countersign/service/config";
import { describe, expect, test } from "vitest";
import { findAgent, readAgents } from "../../src/acp/agents.ts";
import { storeConfig } from "../../src/config.ts";

const key = "k".repeat(43);
const key_sha256 = createHash("sha256").update(key).digest("base64url");
const agent = { id: "my-agent", key_sha256 };
const webhook = { url: "https://platform.example/events", secret: "s".repeat(32) };

describe("the agents of the configuration", () => {
  test("are none unless they are named, and what is named is never printed", () => {
    expect(readConfig({ agents: storeConfig.agents }, {})).toEqual({ ok: true, value: { agents: [] } });
    const env = { COUNTERSIGN_STORE_AGENTS: JSON.stringify([{ ...agent, webhook }]) };
    const read = readConfig({ agents: storeConfig.agents }, env);
    expect(read.ok && read.value.agents).toMatchObject([{ id: "my-agent", keySha256: key_sha256, webhook: { url: webhook.url } }]);
    expect(JSON.stringify([describeConfig({ agents: storeConfig.agents }, env), read])).not.toContain(webhook.secret);
  });

  test.each([
    ["a key instead of its digest", [{ id: "my-agent", key_sha256: key.slice(1) }]],
    ["an id that is no name", [{ ...agent, id: "My agent" }]],
    ["two agents of one name", [agent, { ...agent, key_sha256: "A".repeat(43) }]],
    ["two agents of one key", [agent, { ...agent, id: "other" }]],
    ["a member that nobody knows", [{ ...agent, key }]],
    ["a secret that can be guessed", [{ ...agent, webhook: { ...webhook, secret: "short" } }]],
    ["an address that is none", [{ ...agent, webhook: { ...webhook, url: "platform" } }]],
    ["no list", agent],
  ])("%s is refused", (_what, value) => {
    expect(readAgents([agent, { id: "other", key_sha256: "A".repeat(43), webhook }])).toHaveLength(2);
    expect(() => readAgents(value)).toThrow();
  });
});

describe("an API key", () => {
  const agents = readAgents([agent, { id: "other", key_sha256: createHash("sha256").update("o".repeat(43)).digest("base64url") }]);

  test("finds its agent, in any case of the scheme, and nobody else's", () => {
    expect(findAgent(agents, `Bearer ${key}`)?.id).toBe("my-agent");
    expect(findAgent(agents, `bearer ${"o".repeat(43)}`)?.id).toBe("other");
    for (const wrong of [null, "", key, `Bearer ${key}x`, `Bearer  ${key}`, `Bearer ${key} ${key}`, `Basic ${key}`, `Bearer ${key_sha256}`]) {
      expect(findAgent(agents, wrong)).toBeUndefined();
    }
  });

  test("that is empty finds nobody, even one whose digest is of nothing", () => {
    const odd = [{ id: "odd", keySha256: createHash("sha256").update("").digest("base64url") }];
    for (const wrong of ["Bearer ", "Bearer", "Bearer short"]) expect(findAgent(odd, wrong)).toBeUndefined();
  });
});
