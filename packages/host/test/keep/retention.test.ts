import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { instanceKindName } from "@countersign/storage/instances";
import { resealProgressKindName } from "@countersign/storage/reseal";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { retentionRules } from "../../src/keep/retention.ts";
import { sealedFields } from "../../src/keep/sealed-fields.ts";
import { World } from "../stand-in/world.ts";

const source = join(import.meta.dirname, "../../src");
const dayMs = 24 * 60 * 60 * 1000;

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** The names of all kinds of record that the host's code makes, and of those that storage makes for it. */
function kindsInSource(): readonly string[] {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  const names = files.flatMap((path) => {
    const text = readFileSync(join(source, path), "utf8");
    return [...text.matchAll(/RecordKind<[^;]*?name: "([^"]+)"/gs)].map((match) => match[1] ?? "");
  });
  return [...new Set([...names, instanceKindName, resealProgressKindName])].toSorted();
}

describe("retention", () => {
  it("names every kind of record that the host writes, and no other", () => {
    expect(retentionRules.map((rule) => rule.kind).toSorted()).toEqual(kindsInSource());
  });

  it("X01 lists the sealed fields of a kind exactly where a change of the key finds them", () => {
    const listed = retentionRules.flatMap(({ kind, sealed }) => sealed.map((field) => `${kind}.${field}`));
    expect(sealedFields.map(({ kind, field }) => `${kind}.${field}`).toSorted()).toEqual(listed.toSorted());
  });

  it("is told to operators in the words of the table", () => {
    const guide = readFileSync(join(import.meta.dirname, "../../../../docs/guides/operate.md"), "utf8");
    const untold = retentionRules.filter(({ kind, holds, from, endedBy }) => {
      const row = guide.split("\n").find((line) => line.startsWith(`| \`${kind}\` |`)) ?? "";
      return ![holds, from, endedBy ?? ""].every((words) => row.includes(words));
    });
    expect(retentionRules.length).toBeGreaterThan(10);
    expect(untold.map((rule) => rule.kind)).toEqual([]);
  });

  it("gives every record an end: a host that nobody uses any more holds nothing", async () => {
    world = await World.start({ tools: { browse: {}, list_orders: { demands: ["orders:read"] } } });
    const browser = world.browser();
    await browser.open();
    await browser.signInBy("list_orders");
    await browser.openWidget();
    await browser.post("/api/connectors", { url: `${world.server.url}?other` });
    await browser.parked((await browser.call("list_orders", {}, { connectorId: "store" })).id).catch(() => undefined);
    const kinds = async (): Promise<readonly string[]> => {
      const { rows } = await sql<{ kind: string }>`select distinct kind from records order by kind`.execute(world?.database.sql ?? never());
      return rows.map((row) => row.kind);
    };
    expect(await kinds()).toEqual(expect.arrayContaining(["call", "connector", "flow", "flow_grant", "flow_slot", "session", "token", "widget"]));
    const { rows } = await sql<{ kind: string }>`select kind from records where expires_at is null`.execute(world.database.sql);
    expect(rows).toEqual([]);
    world.offsetMs += 181 * dayMs;
    await world.host.sweep();
    expect(await kinds()).toEqual(["instance"]);
    const keys = await sql<{ kind: string }>`select kind from record_keys`.execute(world.database.sql);
    expect(keys.rows).toEqual([]);
  });
});

function never(): never {
  throw new Error("the world is not there");
}
