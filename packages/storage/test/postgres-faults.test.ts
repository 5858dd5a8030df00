import { Secret } from "@countersign/protocol/secret";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, type Migration, openDatabase } from "../src/open.ts";
import { startPostgres, type TestPostgres } from "../testing/postgres.ts";
import { findLost, startWriter } from "./crash.ts";

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(async () => {
  await server?.stop();
});

const kind = { name: "things", parse: (json: unknown): unknown => json };
const accounts: Migration = {
  id: "accounts",
  up: async (db) => {
    await sql`create table account (id text primary key, amount bigint not null)`.execute(db);
    await sql`insert into account values ('a', 0), ('b', 0)`.execute(db);
  },
};

async function withDatabase(
  options: { url?: string; schema?: string; migrations?: readonly Migration[] },
  use: (database: Database<object>) => Promise<void>,
): Promise<void> {
  const database = await openDatabase<object>({
    url: options.url ?? server.url,
    schema: options.schema ?? "wallet",
    migrations: options.migrations ?? [],
    connectionsMax: 4,
  });
  try {
    await use(database);
  } finally {
    await database.close();
  }
}

describe("PostgreSQL", () => {
  it("keeps the parties apart in one database", async () => {
    await withDatabase({ schema: "store" }, async (store) => {
      await withDatabase({ schema: "bank" }, async (bank) => {
        await store.records(kind).create("a", "store's");
        expect(await bank.records(kind).get("a", 0)).toBeUndefined();
        expect((await bank.records(kind).create("a", "bank's")).ok).toBe(true);
        expect((await store.records(kind).get("a", 0))?.value).toBe("store's");
      });
    });
  });

  it("keeps its schema when the URL brings settings of its own", async () => {
    await withDatabase({ url: `${server.url}&options=-c%20work_mem%3D1MB`, schema: "settings" }, async (database) => {
      const { rows } = await sql`select current_schema() as schema, current_setting('work_mem') as memory`.execute(database.sql);
      expect(rows).toEqual([{ schema: "settings", memory: "1MB" }]);
    });
  });

  it("runs both of two deadlocked transactions in the end", async () => {
    await withDatabase({ schema: "deadlock", migrations: [accounts] }, async (database) => {
      const attempts = { ab: 0, ba: 0 };
      let arrived = 0;
      let bothArrived = (): void => undefined;
      const barrier = new Promise<void>((resolve) => (bothArrived = resolve));
      const move = (name: "ab" | "ba", first: string, second: string): Promise<void> =>
        database.transaction(async (tx) => {
          attempts[name] += 1;
          await sql`update account set amount = amount + 1 where id = ${first}`.execute(tx.sql);
          if (attempts[name] === 1) {
            arrived += 1;
            if (arrived === 2) bothArrived();
            await barrier;
          }
          await sql`update account set amount = amount + 1 where id = ${second}`.execute(tx.sql);
        });
      await Promise.all([move("ab", "a", "b"), move("ba", "b", "a")]);
      expect(attempts.ab + attempts.ba).toBe(3);
      expect((await sql`select amount from account order by id`.execute(database.sql)).rows).toEqual([{ amount: 2 }, { amount: 2 }]);
    });
  });

  it("says `busy` when transactions keep colliding, after a bounded number of attempts (I6)", async () => {
    await withDatabase({ schema: "colliding" }, async (database) => {
      let attempts = 0;
      const working = database.transaction(async (tx) => {
        attempts += 1;
        await sql`do $$ begin raise exception using errcode = '40001'; end $$`.execute(tx.sql);
      });
      await expect(working).rejects.toMatchObject({ name: "StorageError", code: "busy" });
      expect(attempts).toBe(5);
    });
  });

  it("says `outcome_unknown` when the connection breaks in a transaction, and goes on with another", async () => {
    await withDatabase({ schema: "broken" }, async (database) => {
      const working = database.transaction(async (tx) => {
        await tx.records(kind).create("a", 1);
        await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx.sql);
      });
      await expect(working).rejects.toMatchObject({ name: "StorageError", code: "outcome_unknown" });
      expect(await database.records(kind).get("a", 0)).toBeUndefined();
      expect((await database.records(kind).create("a", 2)).ok).toBe(true);
    });
  });

  it("says what is wrong with the address, never with the credentials in it", async () => {
    const nowhere = openDatabase({ url: "postgres://someone:canary-password@127.0.0.1:1/none", schema: "wallet", migrations: [] });
    await expect(nowhere).rejects.toMatchObject({
      name: "StorageError",
      code: "unreachable",
      message: "The PostgreSQL server at 127.0.0.1:1 does not answer.",
    });
    const missing = openDatabase({ url: new Secret(server.url.replace("/postgres?", "/canary-database?")), schema: "wallet", migrations: [] });
    await expect(missing).rejects.toMatchObject({ code: "unreachable", message: expect.stringContaining("has no such database") });
    await expect(missing).rejects.not.toThrow("canary");
  });

  it("hears signals again after its listening connection broke", async () => {
    await withDatabase({ schema: "listening" }, async (database) => {
      const heard = new Set<string>();
      let onHeard = (): void => undefined;
      await database.signals.subscribe("c", (payload) => {
        heard.add(payload);
        onHeard();
      });
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'`.execute(database.sql);
      // Signals of the time in between are lost by contract, so it is sent until it is heard.
      const again = new Promise<void>((resolve) => (onHeard = resolve));
      const sending = setInterval(() => void database.signals.notify("c", "again"), 50);
      await again;
      clearInterval(sending);
      expect([...heard]).toEqual(["again"]);
    });
  });

  it("loses no acknowledged write when the writer is killed in the middle (I2)", async () => {
    const url = await server.createDatabase();
    const acknowledged: string[] = [];
    for (const round of [1, 2]) {
      const writer = startWriter(url, `round-${round}`);
      await writer.untilAcknowledged(60);
      writer.kill();
      await writer.untilGone();
      acknowledged.push(...writer.acknowledged);
    }
    expect(await findLost(url, acknowledged)).toEqual([]);
  });

  it("loses no acknowledged write when the server's processes are killed in the middle (I2)", async () => {
    const url = await server.createDatabase();
    const acknowledged: string[] = [];
    for (const round of [1, 2]) {
      const writer = startWriter(url, `round-${round}`);
      await writer.untilAcknowledged(60);
      await server.crash();
      await writer.untilGone();
      await server.restart();
      acknowledged.push(...writer.acknowledged);
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(120);
    expect(await findLost(url, acknowledged)).toEqual([]);
  });
});
