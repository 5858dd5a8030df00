import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll } from "vitest";
import { describeStorage } from "./conformance.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-sqlite-"));
let files = 0;

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describeStorage({
  name: "an SQLite file",
  isShared: true,
  newUrl: async () => {
    files += 1;
    return pathToFileURL(join(folder, `db ü ${files}.sqlite`)).href;
  },
});

describeStorage({ name: "SQLite in memory", isShared: false, newUrl: async () => "memory:" });
