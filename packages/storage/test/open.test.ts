import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../src/open.ts";

let folder: string;
const open = (name: string, schema = "wallet"): ReturnType<typeof openDatabase> =>
  openDatabase({ url: pathToFileURL(join(folder, name)).href, schema, migrations: [] });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-open-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("opening a database file", () => {
  it("makes it readable for its owner only, with its side files (X01)", async () => {
    const database = await open("wallet.sqlite");
    await database.records({ name: "things", parse: (json) => json }).create("a", 1);
    for (const name of ["wallet.sqlite", "wallet.sqlite-wal", "wallet.sqlite-shm"]) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    await database.close();
  });

  it("refuses the file of another party", async () => {
    await (await open("shared.sqlite", "bank")).close();
    await expect(open("shared.sqlite", "wallet")).rejects.toMatchObject({
      code: "foreign_owner",
      message: "This database belongs to the bank, not to the wallet.",
    });
    await (await open("shared.sqlite", "bank")).close();
  });

  it("says that a file is no database, and leaves it alone", async () => {
    const path = join(folder, "letter.txt");
    writeFileSync(path, "Dear reader, this is not a database at all. ".repeat(50));
    const before = statSync(path).mtimeMs;
    await expect(open("letter.txt")).rejects.toMatchObject({ name: "StorageError", code: "damaged" });
    expect(statSync(path).mtimeMs).toBe(before);
  });

  it("says that the folder is missing or that the path is a folder", async () => {
    await expect(open("no/such/folder.sqlite")).rejects.toMatchObject({ code: "unreachable", message: expect.stringContaining("folder exist") });
    await expect(open(".")).rejects.toMatchObject({ code: "unreachable" });
  });
});
