import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secret } from "@countersign/protocol/secret";
import { type Database, openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { usePostgres } from "@countersign/storage/testing/postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answerMsMax, type Claim, ClaimLost, createKeyedAnswers, type KeyedAnswers, type KeyedWrite, runMsMax } from "../src/keyed-answers.ts";

interface Engine {
  open(): Promise<Database<unknown>>;
  close(): Promise<void>;
}

async function sqlite(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-acp-"));
  let count = 0;
  return {
    open: () => openDatabase<unknown>({ url: pathToFileURL(join(folder, `${(count += 1)}.sqlite`)).href, schema: "store", migrations: [] }),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function postgres(): Promise<Engine> {
  const server = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
  return {
    open: async () => openDatabase<unknown>({ url: await server.createDatabase(), schema: "store", migrations: [] }),
    close: () => server.stop(),
  };
}

const sealer = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 7).toString("base64url")) } });
const write: KeyedWrite = { principal: "acp:first", path: "/acp/checkout_sessions", key: "key-1", body: { a: 1, b: [1, 2], c: null } };
const answer = { status: 201, body: { id: "chk_1", status: "ready_for_payment" } };

describe.each([
  ["SQLite", sqlite],
  ["PostgreSQL", postgres],
])("answers by key, on %s", (_name, start) => {
  let engine: Engine;
  let db: Database<unknown>;
  let now: number;
  let answers: KeyedAnswers;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.close());
  beforeEach(async () => {
    db = await engine.open();
    now = 1_000_000;
    answers = createKeyedAnswers(db, sealer, () => now);
  });
  afterEach(() => db.close());

  const take = async (claimed: KeyedWrite): Promise<Claim> => {
    const outcome = await answers.claim(claimed);
    if (outcome.outcome !== "mine") throw new Error(`the claim is ${outcome.outcome}`);
    return outcome.claim;
  };

  test("the first answer is given again, whatever the order of members and the form of numbers", async () => {
    await (await take(write)).keep(db, answer);
    expect(await answers.claim(write)).toEqual({ outcome: "replay", answer });
    const same: unknown = JSON.parse('{"c": null, "b": [1.0, 2], "a": 1e0}');
    expect(await answers.claim({ ...write, body: same })).toEqual({ outcome: "replay", answer });
  });

  test("P08 another body is a conflict: other values, another order of a list, null for absent, absent for empty", async () => {
    await (await take(write)).keep(db, answer);
    for (const body of [{ a: 2, b: [1, 2], c: null }, { a: 1, b: [2, 1], c: null }, { a: 1, b: [1, 2] }, {}, undefined, null]) {
      expect(await answers.claim({ ...write, body })).toEqual({ outcome: "conflict" });
    }
    const bodiless = { ...write, key: "key-2", body: undefined };
    await (await take(bodiless)).keep(db, answer);
    expect(await answers.claim(bodiless)).toEqual({ outcome: "replay", answer });
    expect(await answers.claim({ ...bodiless, body: {} })).toEqual({ outcome: "conflict" });
  });

  test("P09 a key is one agent's and one path's", async () => {
    await (await take(write)).keep(db, answer);
    for (const other of [{ principal: "acp:second" }, { path: "/acp/checkout_sessions/chk_1" }, { key: "key-2" }]) {
      expect((await answers.claim({ ...write, ...other })).outcome).toBe("mine");
    }
  });

  test("while the first runs the same is in flight and another body is a conflict", async () => {
    await take(write);
    expect(await answers.claim(write)).toEqual({ outcome: "in_flight" });
    expect(await answers.claim({ ...write, body: {} })).toEqual({ outcome: "conflict" });
  });

  test("of twenty at once one is the first", async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => answers.claim(write)));
    expect(outcomes.filter((each) => each.outcome === "mine")).toHaveLength(1);
    expect(outcomes.filter((each) => each.outcome === "in_flight")).toHaveLength(19);
  });

  test("what failed here is free again, for any body", async () => {
    await (await take(write)).release();
    expect((await answers.claim({ ...write, body: { other: true } })).outcome).toBe("mine");
  });

  test("P10 an answer is kept only if its transaction commits", async () => {
    const claim = await take(write);
    const failed = db.transaction(async (tx) => {
      await claim.keep(tx, answer);
      throw new Error("given up");
    });
    await expect(failed).rejects.toThrow("given up");
    expect(await answers.claim(write)).toEqual({ outcome: "in_flight" });
    await claim.keep(db, answer);
    expect(await answers.claim(write)).toEqual({ outcome: "replay", answer });
  });

  test("P10 a run that was left behind is taken over once, and then keeps nothing any more", async () => {
    const left = await take(write);
    now += runMsMax - 1;
    expect(await answers.claim(write)).toEqual({ outcome: "in_flight" });
    now += 1;
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => answers.claim(write)));
    const taken = outcomes.flatMap((each) => (each.outcome === "mine" ? [each.claim] : []));
    expect(taken).toHaveLength(1);
    await expect(left.keep(db, { status: 200, body: "late" })).rejects.toThrow(ClaimLost);
    await left.release();
    await taken[0]?.keep(db, answer);
    await left.release();
    expect(await answers.claim(write)).toEqual({ outcome: "replay", answer });
  });

  test("an answer is kept for 48 hours, and after that the key is new for any body", async () => {
    await (await take(write)).keep(db, answer);
    now += 24 * 3_600_000;
    expect((await answers.claim(write)).outcome).toBe("replay");
    now = 1_000_000 + answerMsMax - 1;
    expect((await answers.claim(write)).outcome).toBe("replay");
    now += 1;
    expect((await answers.claim({ ...write, body: {} })).outcome).toBe("mine");
  });

  test("a key that is over is new though there are more than one sweep takes away", async () => {
    for (let count = 0; count < 30; count += 1) {
      now += 1;
      await (await take({ ...write, key: `key-${count}` })).keep(db, answer);
    }
    now += answerMsMax;
    expect((await answers.claim({ ...write, key: "key-29", body: {} })).outcome).toBe("mine");
  });

  test("what is kept cannot be read in the database", async () => {
    await (await take(write)).keep(db, { status: 200, body: { continue_url: "https://wallet.test/approve/pr_1" } });
    const rows = JSON.stringify(await db.records({ name: "agent-answer", parse: (json) => json }).scan(undefined, 10));
    expect(rows).toContain("answered");
    expect(rows).not.toContain("approve/pr_1");
  });
});
