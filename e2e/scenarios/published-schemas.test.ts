import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isUnexpected } from "../conformance/outcome.ts";
import { UnfitFolder } from "../conformance/schema-folder.ts";
import { resolveAnnotations } from "../conformance/ucp-annotations.ts";
import { runUcp } from "../conformance/ucp.ts";

// Schemas of this test's own, at the paths that UCP has.
const checkout = {
  type: "object",
  required: ["id", "status", "line_items"],
  properties: {
    id: { type: "string", ucp_request: "omit" },
    status: { enum: ["requires_escalation", "ready_for_complete", "complete_in_progress", "completed", "canceled"], ucp_request: "omit" },
    line_items: { type: "array", minItems: 1, ucp_request: { complete: "omit" } },
    payment: { type: "object", ucp_request: { create: "optional", update: "optional", complete: "required" } },
    expires_at: { type: "string", format: "date-time" },
  },
};
const small: Readonly<Record<string, unknown>> = {
  "schemas/shopping/checkout.json": checkout,
  "schemas/shopping/fulfillment.json": { $defs: { "dev.ucp.shopping.checkout": { allOf: [{ $ref: "checkout.json" }] } } },
  "schemas/common/types/error_response.json": { type: "object", required: ["messages"], properties: { messages: { minItems: 1 } } },
  "discovery/profile_schema.json": { $defs: { business_profile: { type: "object", required: ["ucp"] } } },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-schemas-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Readonly<Record<string, unknown>>): void {
  for (const [name, schema] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), JSON.stringify(schema));
  }
}

const run = (options: readonly string[] = ["--schemas", folder]): ReturnType<typeof runUcp> => runUcp(() => {}, options);

describe("the shop's answers to shopping agents", () => {
  it("pass schemas that fit them, in every state of a session", async () => {
    write(small);
    const said: string[] = [];
    const outcomes = await runUcp((line) => said.push(line), ["--schemas", folder]);
    expect(outcomes.filter(isUnexpected)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(200);
    expect(said.at(-1)).toBe("statuses: canceled, complete_in_progress, completed, ready_for_complete, requires_escalation; 4 schema files");
  });

  it("fail a schema that forbids a member, and each answer says where", async () => {
    write({ ...small, "schemas/shopping/checkout.json": { ...checkout, properties: { ...checkout.properties, expires_at: false } } });
    const failed = (await run()).filter(isUnexpected);
    expect(failed.length).toBeGreaterThan(100);
    for (const { name, output } of failed) expect([name.endsWith(": answer"), output.startsWith("/expires_at: ")]).toEqual([true, true]);
  });

  it("fail where a request leaves out what its operation requires", async () => {
    const buyer = { buyer: { ucp_request: { update: "required" } } };
    write({ ...small, "schemas/shopping/checkout.json": { ...checkout, properties: { ...checkout.properties, ...buyer } } });
    const failed = (await run()).filter(isUnexpected).map(({ name }) => name);
    expect(failed.length).toBeGreaterThan(0);
    for (const name of failed) expect(name).toMatch(/ update: .*: request$/);
  });
});

describe("the folder of schemas", () => {
  it.each<[string, Readonly<Record<string, unknown>> | undefined, RegExp]>([
    ["is not there", undefined, /^There is no folder .*Universal-Commerce-Protocol\/ucp, folder source\.$/],
    ["is empty", {}, /has no schemas\/shopping\/checkout\.json: UCP 2026-08-25 publishes/],
    ["refers to what it does not have", { ...small, "schemas/shopping/checkout.json": { $ref: "types/none.json" } }, /do not fit together/],
  ])("that %s is said in one sentence", async (_name, files, message) => {
    if (files === undefined) rmSync(folder, { recursive: true });
    else write(files);
    await expect(run()).rejects.toThrow(message);
    await expect(run()).rejects.toBeInstanceOf(UnfitFolder);
  });

  it("that is not named, or is no JSON, ends the command with 2 and one sentence", () => {
    writeFileSync(join(folder, "a.json"), "{");
    const command = join(import.meta.dirname, "../conformance/main.ts");
    for (const options of [[], ["--schemas", folder]]) {
      const ended = spawnSync(process.execPath, [command, "ucp", ...options], { encoding: "utf8" });
      expect([ended.status, ended.stdout, ended.stderr.trim().split("\n").length]).toEqual([2, "", 1]);
      expect(ended.stderr).toContain("https://github.com/Universal-Commerce-Protocol/ucp");
    }
  });
});

describe("annotations", () => {
  const file = {
    type: "object",
    required: ["a", "b", "c"],
    properties: { a: { ucp_request: "omit" }, b: { ucp_request: { update: "optional" } }, c: {}, d: {} },
  };
  const resolved = (kind: Parameters<typeof resolveAnnotations>[1]): unknown => resolveAnnotations(new Map([["x.json", file]]), kind).get("x.json");

  it("make a member forbidden, required or optional for their operation alone", () => {
    expect(resolved({ direction: "response" })).toEqual(file);
    expect(resolved({ direction: "request", operation: "create" })).toMatchObject({ required: ["b", "c"], properties: { a: false } });
    expect(resolved({ direction: "request", operation: "update" })).toMatchObject({ required: ["c"], properties: { a: false } });
  });
});
