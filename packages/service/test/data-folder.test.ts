import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDataFolder } from "../src/data-folder.ts";

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "countersign-data-"));
});

afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

/** A folder in which nobody, or in the case of root nobody at all, can write. */
function readOnlyFolder(): string {
  if (process.getuid?.() === 0) return "/sys/countersign";
  const path = join(parent, "locked");
  openDataFolder(path);
  chmodSync(path, 0o500);
  return path;
}

describe("the data folder", () => {
  it("is made for its owner only, with the folders above it, and leaves no trace of the check (X01)", () => {
    const folder = openDataFolder(join(parent, "a", "b"));
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder.path)).toEqual([]);
    expect(folder.databaseUrl("wallet")).toMatch(/^file:\/\/\/.*\/a\/b\/wallet\.sqlite$/);
    expect(() => openDataFolder(folder.path)).not.toThrow();
  });

  it("keeps a key of 32 bytes that stays the same and is readable for its owner only (X01)", () => {
    const first = openDataFolder(parent).key("wallet");
    const again = openDataFolder(parent).key("wallet");
    expect(Buffer.from(first.reveal(), "base64url")).toHaveLength(32);
    expect(again.reveal()).toBe(first.reveal());
    expect(openDataFolder(parent).key("bank").reveal()).not.toBe(first.reveal());
    expect(statSync(join(parent, "wallet.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(parent).sort()).toEqual(["bank.key", "wallet.key"]);
    expect(String(first)).toBe("[redacted]");
  });

  it("keeps several keys of a party that rotates them, the newest first, and refuses to give one of several (X02)", () => {
    const folder = openDataFolder(parent);
    const first = folder.key("host").reveal();
    folder.addKey("host");
    const [second, ...others] = folder.keys("host").map((key) => key.reveal());
    expect(others).toEqual([first]);
    expect(second).not.toBe(first);
    expect(statSync(join(parent, "host.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(parent)).toEqual(["host.key"]);
    expect(() => folder.key("host")).toThrow("holds several keys");
    folder.addKey("fresh");
    expect(folder.keys("fresh")).toHaveLength(2);
    writeFileSync(join(parent, "host.key"), `${second}\n`);
    expect(folder.key("host").reveal()).toBe(second);
  });

  it("refuses a damaged key instead of making a new one", () => {
    writeFileSync(join(parent, "wallet.key"), "canary");
    expect(() => openDataFolder(parent).key("wallet")).toThrow(
      expect.objectContaining({ name: "StartupProblem", sentence: expect.stringContaining("wallet.key is damaged") }),
    );
    expect(() => openDataFolder(parent).key("wallet")).not.toThrow("canary");
    expect(readFileSync(join(parent, "wallet.key"), "utf8")).toBe("canary");
  });

  it("that cannot be written is one clear sentence", () => {
    const path = readOnlyFolder();
    expect(() => openDataFolder(path)).toThrow(
      expect.objectContaining({
        name: "StartupProblem",
        sentence: `The data folder ${path} cannot be written; change its permissions, or set COUNTERSIGN_DATA to another folder.`,
      }),
    );
  });

  // Other systems have no folder that exists and takes nothing.
  if (process.platform === "linux")
    it("that the kernel refuses to make is one clear sentence, at once", () => {
      expect(() => openDataFolder("/proc/countersign/data")).toThrow(
        /^The data folder \/proc\/countersign\/data cannot be made there; .*COUNTERSIGN_DATA.*\.$/,
      );
    });

  it("that is a file, or below one, is one clear sentence", () => {
    const file = join(parent, "file");
    writeFileSync(file, "");
    for (const path of [file, join(file, "below")]) {
      expect(() => openDataFolder(path)).toThrow(
        expect.objectContaining({ name: "StartupProblem", sentence: expect.stringContaining("a file is in its way") }),
      );
    }
  });
});
