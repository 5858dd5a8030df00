import { hostClients } from "@countersign/protocol/host-profile-client";
import { hostNames, readProfile } from "@countersign/protocol/host-profile";
import { hostSignIns } from "@countersign/protocol/host-profile-sign-in";
import { describe, expect, test } from "vitest";
import { chooseForm } from "../../src/policy/choose-form.ts";

describe("the form of a challenge", () => {
  const rows: readonly [setting: "auto" | "http" | "result", name: string | undefined, agent: string | null, expected: string][] = [
    ["auto", undefined, null, "http"],
    ["auto", "claude-ai", "claude-user", "http"],
    ["auto", "openai-mcp", null, "result"],
    ["auto", undefined, "openai-mcp/1.0.0", "result"],
    ["auto", undefined, "openai-mcp/1.0.0 (ChatGPT)", "result"],
    ["auto", undefined, "openai-mcp", "result"],
    ["auto", "OpenAI-MCP", null, "http"],
    ["auto", undefined, "openai-mcpx/1.0.0", "http"],
    ["auto", undefined, "Mozilla/5.0 openai-mcp/1.0.0", "http"],
    ["http", "openai-mcp", "openai-mcp/1.0.0", "http"],
    ["result", undefined, null, "result"],
  ];
  test.each(rows)("%s with client %s and agent %s is %s", (setting, name, agent, expected) => {
    expect(chooseForm(setting, [name], agent)).toBe(expected);
  });

  test("one message of a body is enough to know the client", () => {
    expect(chooseForm("auto", [undefined, "openai-mcp"], null)).toBe("result");
  });

  test("is one that the client acts on, at every known host that acts on any", () => {
    const profiles = Object.keys(hostNames).flatMap((name) => readProfile(name) ?? []);
    const acting = profiles.filter((profile) => hostSignIns[profile].opensOn.model.value.length > 0);
    expect(acting).toEqual(["countersign", "chatgpt", "claude", "vscode", "generic"]);
    const formOf = { http: "http_401", result: "result" } as const;
    const missed = acting.filter((profile) => {
      const { clientInfo, userAgent } = hostClients[profile];
      const form = chooseForm("auto", [clientInfo.value.name], userAgent.value);
      return !hostSignIns[profile].opensOn.model.value.includes(formOf[form]);
    });
    expect(missed).toEqual([]);
  });
});
