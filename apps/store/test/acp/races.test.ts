import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secret } from "@countersign/protocol/secret";
import { createSealer, type Sealer } from "@countersign/storage/sealed";
import { usePostgres } from "@countersign/storage/testing/postgres";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTown, type Town } from "../stand-ins/town.ts";
import { type AgentAnswer, agents, create, open, payment, send } from "./agent.ts";

interface Engine {
  newDatabase(): Promise<string>;
  close(): Promise<void>;
}

async function sqlite(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-acp-"));
  let count = 0;
  return {
    newDatabase: async () => pathToFileURL(join(folder, `${(count += 1)}.sqlite`)).href,
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function postgres(): Promise<Engine> {
  const server = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
  return { newDatabase: () => server.createDatabase(), close: () => server.stop() };
}

/** Cannot seal the next answer that is kept; everything else it can. */
function failingSealer(): Sealer & { failNext: boolean } {
  const inner = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 7).toString("base64url")) } });
  const sealer = {
    keyId: inner.keyId,
    failNext: false,
    open: (sealed: string, aad: string) => inner.open(sealed, aad),
    seal(plaintext: string, aad: string): string {
      if (sealer.failNext && aad.startsWith("store:agent-answer:")) {
        sealer.failNext = false;
        throw new Error("cannot seal");
      }
      return inner.seal(plaintext, aad);
    },
  };
  return sealer;
}

const sessions = "/checkout_sessions";
const isFirst = (each: AgentAnswer): boolean => each.status < 300 && each.headers.get("idempotent-replayed") === null;

describe.each([
  ["SQLite", sqlite],
  ["PostgreSQL", postgres],
])("writes of agents, on %s", (_name, start) => {
  let engine: Engine;
  let town: Town | undefined;

  beforeAll(async () => {
    engine = await start();
  });
  afterEach(async () => {
    await town?.close();
    town = undefined;
  });
  afterAll(() => engine.close());

  const openTown = async (sealer?: Sealer): Promise<Town> => {
    town = await createTown({ agents, ...(sealer && { sealer }) }, await engine.newDatabase());
    return town;
  };
  const rows = async ({ db }: Town): Promise<number> => (await db.sql.selectFrom("checkouts").select("id").execute()).length;

  test("P10 many at once under one key have one effect and one answer", async () => {
    const here = await openTown();
    const made = await Promise.all(Array.from({ length: 12 }, () => send(here, sessions, { body: create, key: "k1" })));
    expect(made.filter(isFirst)).toHaveLength(1);
    expect(new Set(made.map((each) => each.status))).toEqual(new Set([201, 409]));
    expect(await rows(here)).toBe(1);
    const id = await open(here);
    const body = { line_items: [{ id: "stoneware-mug", quantity: 3 }] };
    const changed = await Promise.all(Array.from({ length: 12 }, () => send(here, `${sessions}/${id}`, { body, key: "k1" })));
    expect(changed.filter(isFirst)).toHaveLength(1);
    const [row] = await here.db.sql.selectFrom("checkouts").select("revision").where("id", "=", id).execute();
    expect(row?.revision).toBe(2);
  });

  test("P05 many completions at once under keys of their own ask the buyer once and charge once", async () => {
    const here = await openTown();
    const id = await open(here);
    const asked = await Promise.all(Array.from({ length: 8 }, () => send(here, `${sessions}/${id}/complete`, { body: payment(id) })));
    const links = new Set(asked.flatMap((each) => (each.status === 200 ? [each.body["continue_url"]] : [])));
    expect(links.size).toBe(1);
    expect([...here.wallet.requests.values()].filter((each) => each.status === "created")).toHaveLength(1);
    await here.wallet.approve(
      String([...links][0])
        .split("/")
        .at(-1) ?? "",
      "usr_1",
    );
    const paid = await Promise.all(Array.from({ length: 8 }, () => send(here, `${sessions}/${id}/complete`, { body: payment(id) })));
    expect(paid.filter((each) => each.body["status"] === "completed").length).toBeGreaterThan(0);
    expect(here.bank.captured).toHaveLength(1);
  });

  test("changes at once under keys of their own are all made, one after another", async () => {
    const here = await openTown();
    const id = await open(here);
    const wanted = [1, 2, 3].map((quantity) => ({ line_items: [{ id: "stoneware-mug", quantity }] }));
    const changed = await Promise.all(wanted.map((body) => send(here, `${sessions}/${id}`, { body })));
    expect(changed.map((each) => each.status)).toEqual([200, 200, 200]);
    expect(changed.map((each) => each.body["line_items"])).toMatchObject([[{ quantity: 1 }], [{ quantity: 2 }], [{ quantity: 3 }]]);
    const [row] = await here.db.sql.selectFrom("checkouts").select("revision").where("id", "=", id).execute();
    expect(row?.revision).toBe(4);
  });

  test("P10 what cannot keep its answer has not happened, and happens once when it is sent again", async () => {
    const sealer = failingSealer();
    const here = await openTown(sealer);
    const again = async (path: string, body: unknown, unchanged: () => Promise<unknown>): Promise<AgentAnswer> => {
      const before = await unchanged();
      sealer.failNext = true;
      const failed = await send(here, path, { body, key: "k1" });
      expect(failed).toMatchObject({ status: 500, body: { type: "processing_error", code: "internal_error" } });
      expect(await unchanged()).toEqual(before);
      const done = await send(here, path, { body, key: "k1" });
      expect(done.headers.get("idempotent-replayed")).toBeNull();
      return done;
    };
    const made = await again(sessions, create, () => rows(here));
    expect(await rows(here)).toBe(1);
    const path = `${sessions}/${String(made.body["id"])}`;
    const shown = async (): Promise<unknown> => (await send(here, path, { method: "GET" })).body;
    const changed = await again(path, { line_items: [{ id: "stoneware-mug", quantity: 2 }] }, shown);
    expect(changed.body["line_items"]).toMatchObject([{ quantity: 2 }]);
    expect((await again(`${path}/cancel`, {}, shown)).body["status"]).toBe("canceled");
  });
});
