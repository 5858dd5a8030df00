import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../src/open.ts";
import { findLost, outputOf, spawnProgram, startWriter } from "./crash.ts";

let folder: string;
let url: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-sqlite-"));
  url = pathToFileURL(join(folder, "wallet.sqlite")).href;
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("an SQLite file shared by processes", () => {
  it("gives each of 60 codes to exactly one of four processes", async () => {
    const database = await openDatabase<object>({ url, schema: "wallet", migrations: [] });
    await database.transaction(async (tx) => {
      for (let each = 0; each < 60; each += 1) await tx.records({ name: "codes", parse: (json) => json }).create(`code-${each}`, each);
    });
    await database.close();
    const children = [1, 2, 3, 4].map(() => spawnProgram("consume-all.ts", [url, "60"]));
    const outputs = children.map((child) => createInterface({ input: outputOf(child) })[Symbol.asyncIterator]());
    for (const output of outputs) expect((await output.next()).value).toBe("ready");
    for (const child of children) child.stdin?.write("go\n");
    const won = await Promise.all(outputs.map(async (output) => JSON.parse(String((await output.next()).value))));
    const winners: unknown[] = won.flat();
    expect(winners).toHaveLength(60);
    expect(new Set(winners).size).toBe(60);
  });

  it("waits for another process without stopping its own event loop", async () => {
    const database = await openDatabase<object>({ url, schema: "wallet", migrations: [] });
    const other = await openDatabase<object>({ url, schema: "wallet", migrations: [] });
    const kind = { name: "codes", parse: (json: unknown): unknown => json };
    // Both handles are in this process: if waiting for the lock blocked the event loop, the holder could never let go of it.
    const order: string[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const holding = database.transaction(async (tx) => {
      await tx.records(kind).create("a", 1);
      await held;
      order.push("first");
    });
    const waiting = other
      .records(kind)
      .create("b", 2)
      .then(() => order.push("second"));
    setImmediate(release);
    await Promise.all([holding, waiting]);
    expect(order).toEqual(["first", "second"]);
    await Promise.all([database.close(), other.close()]);
  });

  it("loses no acknowledged write when the writer is killed in the middle (I2)", async () => {
    const acknowledged: string[] = [];
    for (const round of [1, 2, 3]) {
      const writer = startWriter(url, `round-${round}`);
      await writer.untilAcknowledged(round * 70);
      writer.kill();
      await writer.untilGone();
      acknowledged.push(...writer.acknowledged);
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(420);
    expect(await findLost(url, acknowledged)).toEqual([]);
    expect(await findLost(url, ["round-1-999999"])).toEqual(["round-1-999999"]);
  });
});
