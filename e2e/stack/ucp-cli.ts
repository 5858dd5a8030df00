import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { runCommand } from "./command.ts";

/** A UCP client that somebody else made, as a person runs it: each call is a process of its own that learns of the business anew or from its cache. */
export interface UcpCli {
  /** Runs `ucp <words> --business <business> --format json` and gives what it prints. */
  run(...words: readonly string[]): Promise<JsonObject>;
  readonly home: string;
  leave(): void;
}

const program = join(import.meta.dirname, "../../node_modules/@shopify/ucp-cli/dist/bin.js");

export function openUcpCli(business: string): UcpCli {
  const home = mkdtempSync(join(tmpdir(), "ucp-cli-"));
  const env = { UCP_HOME: home, HOME: home, UCP_TEST_ALLOW_INSECURE_LOCALHOST: "true", UCP_STRICT_SCHEMA: "1", NO_COLOR: "1" };
  return {
    home,
    async run(...words) {
      const command = runCommand([program, ...words, "--business", business, "--format", "json"], env);
      const { code } = await command.ended;
      const printed = command.output();
      const start = printed.indexOf("{");
      let told: unknown;
      try {
        told = JSON.parse(printed.slice(start));
      } catch {
        throw new Error(`ucp ${words.join(" ")} ended with ${code} and printed ${printed}`);
      }
      if (!isJsonObject(told) || code !== 0) throw new Error(`ucp ${words.join(" ")} ended with ${code} and printed ${printed}`);
      return told;
    },
    leave: () => rmSync(home, { recursive: true, force: true }),
  };
}
