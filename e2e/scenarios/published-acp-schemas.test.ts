import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runAcp } from "../conformance/acp.ts";
import { isUnexpected } from "../conformance/outcome.ts";
import { UnfitFolder } from "../conformance/schema-folder.ts";

// Definitions of this test's own, under the names that ACP has.
const session = {
  type: "object",
  required: ["id", "status", "currency"],
  properties: { status: { type: "string" }, expires_at: { type: "string", format: "date-time" }, continue_url: { type: "string", format: "uri" } },
};
const small: Readonly<Record<string, unknown>> = {
  CheckoutSession: session,
  CheckoutSessionWithOrder: { allOf: [{ $ref: "#/$defs/CheckoutSession" }, { required: ["order"] }] },
  Error: { type: "object", required: ["type", "code", "message"], not: { required: ["status"] } },
  DiscoveryResponse: { type: "object", required: ["protocol", "api_base_url"] },
  CheckoutSessionCreateRequest: { type: "object", required: ["line_items", "currency", "capabilities"] },
  CheckoutSessionUpdateRequest: { type: "object", minProperties: 1 },
  CheckoutSessionCompleteRequest: { type: "object", required: ["payment_data"] },
  CancelSessionRequest: { type: "object" },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-acp-schemas-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(definitions: unknown): void {
  writeFileSync(join(folder, "schema.agentic_checkout.json"), JSON.stringify({ $id: "https://elsewhere.test/bundle.json", $defs: definitions }));
}

const run = (say: (line: string) => void = () => {}): ReturnType<typeof runAcp> => runAcp(say, ["--schemas", folder]);

describe("the shop's answers to agents of ACP", () => {
  it("pass definitions that fit them, in every state of a session and for every error", async () => {
    write(small);
    const said: string[] = [];
    expect((await run((line) => said.push(line))).filter(isUnexpected)).toEqual([]);
    const last = said.at(-1) ?? "";
    for (const status of "canceled complete_in_progress completed expired not_ready_for_payment ready_for_payment requires_escalation".split(" ")) {
      expect(last).toContain(status);
    }
    for (const status of [400, 401, 404, 405, 409, 413, 422, 503]) expect(last).toMatch(new RegExp(`errors: .*\\b${status} `));
  });

  it("fail a definition that forbids a member, and say in which answer and where", async () => {
    write({ ...small, CheckoutSession: { ...session, properties: { ...session.properties, continue_url: false } } });
    const failed = (await run()).filter(isUnexpected);
    expect(failed.length).toBeGreaterThan(5);
    for (const { name, output } of failed) expect([name.endsWith(": answer 200"), output.startsWith("/continue_url: ")]).toEqual([true, true]);
  });

  it("fail for a request that does not fit, for an error and for the discovery document alike", async () => {
    write({ ...small, CancelSessionRequest: false, Error: { required: ["nothing"] }, DiscoveryResponse: { required: ["nothing"] } });
    const failed = (await run()).filter(isUnexpected).map(({ name }) => name);
    expect(failed).toContain("the discovery document");
    expect(failed.filter((name) => name.endsWith(": request")).every((name) => name.includes(": cancel: "))).toBe(true);
    expect(failed.filter((name) => name.endsWith(": request")).length).toBeGreaterThan(0);
    expect(failed.filter((name) => /: answer [45]\d\d$/.test(name)).length).toBeGreaterThan(30);
    expect(failed.some((name) => /: answer 2\d\d$/.test(name))).toBe(false);
  });
});

describe("the folder of ACP's schemas", () => {
  it.each<[string, Readonly<Record<string, unknown>> | undefined, RegExp]>([
    ["has no schema", undefined, /has no schema\.agentic_checkout\.json: ACP 2026-04-17 publishes .*folder spec\/2026-04-17\/json-schema\.$/],
    ["lacks a definition", { DiscoveryResponse: true }, /^The schemas have no schema\.agentic_checkout\.json#\/\$defs\/CheckoutSession/],
  ])("that %s is said in one sentence", async (_name, definitions, message) => {
    if (definitions !== undefined) write(definitions);
    await expect(run()).rejects.toThrow(message);
    await expect(run()).rejects.toBeInstanceOf(UnfitFolder);
  });

  it("that is not there ends the command with 2, and a failing answer with 1", () => {
    const command = join(import.meta.dirname, "../conformance/main.ts");
    const start = (path: string): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [command, "acp", "--schemas", path], { encoding: "utf8" });
    const missing = start(join(folder, "none"));
    expect([missing.status, String(missing.stderr).trim().split("\n").length]).toEqual([2, 1]);
    expect(missing.stderr).toContain("https://github.com/agentic-commerce-protocol/agentic-commerce-protocol");
    write({ ...small, DiscoveryResponse: false });
    expect(start(folder).status).toBe(1);
    write(small);
    expect(start(folder).status).toBe(0);
  });
});
