import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "@countersign/service/config";
import { StartupProblem } from "@countersign/service/startup-problem";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ConfiguredClient, withSecrets } from "../src/client-secrets.ts";
import { walletConfig } from "../src/config.ts";

const secret = "a-secret-of-thirty-two-characters";
const client: ConfiguredClient = {
  client_id: "reports",
  client_name: "Reports",
  token_endpoint_auth_method: "client_secret_basic",
  grant_types: ["authorization_code"],
  redirect_uris: ["https://reports.example/cb"],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wallet-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the secret of a configured client", () => {
  test("comes from a variable or a file of its own, and cannot be printed", () => {
    const file = join(folder, "secret");
    writeFileSync(file, `${secret}\n`);
    const [fromEnv, fromFile] = withSecrets(
      [
        { ...client, client_secret_env: "REPORTS_SECRET" },
        { ...client, client_secret_file: file },
      ],
      { REPORTS_SECRET: secret },
    );
    for (const each of [fromEnv, fromFile]) {
      expect(each?.client_secret?.reveal()).toBe(secret);
      expect(JSON.stringify(each)).not.toContain(secret);
      expect(each).not.toHaveProperty("client_secret_env");
    }
  });

  test.each<[string, Partial<ConfiguredClient>]>([
    ["none", {}],
    ["two places", { client_secret_env: "REPORTS_SECRET", client_secret_file: "/nowhere" }],
    ["a file that is not there", { client_secret_file: "/nowhere/secret" }],
    ["a variable that is not set", { client_secret_env: "OTHER" }],
    ["one that is too short", { client_secret_env: "SHORT" }],
    ["one for a client that proves itself otherwise", { token_endpoint_auth_method: "none", client_secret_env: "REPORTS_SECRET" }],
  ])("%s stops the start with a sentence that names the client", (_, changes) => {
    const start = () => withSecrets([{ ...client, ...changes }], { REPORTS_SECRET: secret, SHORT: "too-short" });
    expect(start).toThrow(StartupProblem);
    expect(start).toThrow(/client reports/);
    expect(start).not.toThrow(/too-short/);
  });

  test("never stands in the list of clients itself", () => {
    const read = (more: object) => readConfig(walletConfig, { COUNTERSIGN_WALLET_CLIENTS: JSON.stringify([{ ...client, ...more }]) });
    expect(read({ client_secret_file: "/run/secrets/reports" }).ok).toBe(true);
    expect(read({ client_secret: secret }).ok).toBe(false);
  });
});

describe("whose metadata documents are taken", () => {
  const read = (text?: string) => {
    const config = readConfig(walletConfig, text === undefined ? {} : { COUNTERSIGN_WALLET_CLIENT_DOCUMENTS: text });
    return config.ok ? config.value.clientDocuments : "refused";
  };

  test("any host's by default, none, or those of the hosts in a list", () => {
    expect([read(), read("none"), read("claude.ai, app.example:8443")]).toEqual(["any", "none", ["claude.ai", "app.example:8443"]]);
    expect([read("https://claude.ai"), read("claude.ai/x"), read("CLAUDE.ai"), read("any, claude.ai x")]).toEqual(
      Array.from({ length: 4 }, () => "refused"),
    );
  });
});
