import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Command, freePorts, runCommand, signalGroup } from "../stack/command.ts";

const up = ["tools/run.mjs", "apps/cli/src/main.ts", "up"];
const partyVariables = [
  "COUNTERSIGN_HOST_PORT",
  "COUNTERSIGN_WIDGET_PORT",
  "COUNTERSIGN_WALLET_PORT",
  "COUNTERSIGN_STORE_PORT",
  "COUNTERSIGN_BANK_PORT",
] as const;

describe("countersign up", () => {
  let folder: string;
  let env: Record<string, string>;
  let running: Command[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "countersign-up-"));
    const ports = await freePorts(partyVariables.length);
    env = { COUNTERSIGN_DATA: join(folder, "data"), ...Object.fromEntries(partyVariables.map((name, at) => [name, String(ports[at])])) };
    running = [];
  });

  afterEach(async () => {
    for (const command of running) {
      if (command.child.exitCode === null && command.child.signalCode === null) signalGroup(command, "SIGKILL");
      await command.ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (more: Readonly<Record<string, string>> = {}): Command => {
    const command = runCommand(up, { ...env, ...more });
    running.push(command);
    return command;
  };

  it("starts every party, says where to go, stops on Ctrl-C and keeps the data", async () => {
    const first = start();
    await first.printed("Stop     Ctrl-C");
    expect(first.output()).toContain(`http://127.0.0.1:${env["COUNTERSIGN_HOST_PORT"]}`);
    expect(first.output()).toContain("Browse products");
    expect(first.output()).toContain(env["COUNTERSIGN_DATA"]);
    for (const name of partyVariables) {
      for (const path of ["healthz", "readyz"]) {
        const host = name === "COUNTERSIGN_WALLET_PORT" ? "localhost" : "127.0.0.1";
        expect((await fetch(`http://${host}:${env[name]}/${path}`)).status).toBe(200);
      }
    }
    const session = await fetch(`http://127.0.0.1:${env["COUNTERSIGN_HOST_PORT"]}/api/session`);
    const cookie = session.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const user = ((await session.json()) as { user: { id: string } }).user.id;
    signalGroup(first, "SIGINT");
    expect((await first.ended).code).toBe(0);
    await expect(fetch(`http://127.0.0.1:${env["COUNTERSIGN_HOST_PORT"]}/healthz`)).rejects.toThrow("fetch failed");

    const second = start();
    await second.printed("Stop     Ctrl-C");
    const again = await fetch(`http://127.0.0.1:${env["COUNTERSIGN_HOST_PORT"]}/api/session`, { headers: { cookie } });
    expect(((await again.json()) as { user: { id: string } }).user.id).toBe(user);
    signalGroup(second, "SIGTERM");
    expect((await second.ended).code).toBe(0);
  });

  it("says in one sentence that a port is busy, and names the variable that changes it", async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(Number(env["COUNTERSIGN_STORE_PORT"]), "127.0.0.1", resolve));
    try {
      const command = start();
      expect((await command.ended).code).toBe(1);
      const lines = command.output().trim().split("\n");
      expect(lines).toEqual([expect.stringMatching(/^countersign: Port \d+ on 127\.0\.0\.1 is already in use; .*COUNTERSIGN_STORE_PORT.*\.$/)]);
    } finally {
      squatter.close();
    }
  });

  it("says in one sentence that the data folder cannot be used", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const inTheWay = start({ COUNTERSIGN_DATA: file });
    expect((await inTheWay.ended).code).toBe(1);
    expect(inTheWay.output().trim().split("\n")).toEqual([
      expect.stringMatching(/^countersign: The data folder .* cannot be made.*COUNTERSIGN_DATA.*\.$/),
    ]);

    const readOnly = join(folder, "read-only");
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o500);
    // Root may write anywhere but among the kernel's own files.
    const isRoot = process.getuid?.() === 0;
    const command = start({ COUNTERSIGN_DATA: isRoot ? "/sys/countersign" : readOnly });
    expect((await command.ended).code).toBe(1);
    expect(command.output().trim().split("\n")).toEqual([expect.stringMatching(/^countersign: The data folder .*COUNTERSIGN_DATA.*\.$/)]);
    expect(existsSync(join(readOnly, "wallet.sqlite"))).toBe(false);
  });

  it("says in one sentence which setting is wrong", async () => {
    const command = start({ COUNTERSIGN_BANK_PORT: "many" });
    expect((await command.ended).code).toBe(2);
    expect(command.output().trim().split("\n")).toEqual([
      expect.stringMatching(/^countersign: The configuration is not valid: COUNTERSIGN_BANK_PORT .*\.$/),
    ]);
  });

  it("says in one sentence that this Node is too old to set anything up", () => {
    const probe = `Object.defineProperty(process.versions, "node", { value: "18.20.0" }); await import("./tools/setup.mjs");`;
    const result = spawnSync(process.execPath, ["--input-type=module", "--eval", probe], {
      encoding: "utf8",
      cwd: join(import.meta.dirname, "../.."),
    });
    expect(result.status).toBe(1);
    expect(result.stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/^Countersign needs Node 20 or newer and this is Node 18\.20\.0: .*\.$/),
    ]);
  });

  it("answers an unknown command with the way to help", async () => {
    const command = runCommand(["tools/run.mjs", "apps/cli/src/main.ts", "fly"]);
    running.push(command);
    expect((await command.ended).code).toBe(2);
    expect(command.output()).toContain("The commands are up, ");
  });
});
