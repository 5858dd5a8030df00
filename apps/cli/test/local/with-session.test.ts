import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withSession } from "../../src/local/with-session.ts";
import { paperTerminal } from "../../testing/paper-terminal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-session-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a stop that comes while the host is started ends a command that waits for a server", async () => {
  const stopping = new AbortController();
  const config = {
    data: folder,
    port: 4110,
    walletPort: 4200,
    storePort: 4300,
    // Read when the data are this command's already.
    get clients() {
      stopping.abort();
      return {};
    },
  };
  const around = { config, terminal: paperTerminal(), env: {}, signal: stopping.signal, report: () => undefined };
  expect(await withSession(around, "link", () => new Promise(() => undefined))).toBe("interrupted");
});
