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
});
