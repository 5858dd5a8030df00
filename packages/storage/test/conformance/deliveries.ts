import { describe, expect, it } from "vitest";
import type { Database, Migration } from "../../src/database.ts";
import { addDelivery, createDeliveries, deliveriesOf, type Delivery, nextSequence } from "../../src/deliveries.ts";
import { type EngineUnderTest, type NoTables, useOpener } from "./engine.ts";

const migrations: readonly Migration[] = [{ id: "0001-deliveries", up: createDeliveries }];
const later = 1_000;

export function describeDeliveries(engine: EngineUnderTest): void {
  describe(`deliveries on ${engine.name}`, () => {
    const open = useOpener(engine);

    async function add(database: Database<NoTables>, subjectId: string, sequence: number, at = 1, targetId = "store"): Promise<void> {
      const about = { event_id: `evt_${subjectId}_${sequence}`, target_id: targetId, subject_id: subjectId, sequence, status: "approved" };
      await database.transaction((tx) => addDelivery(tx, { ...about, event_at: at }));
    }
    const idsOf = (due: readonly Delivery[]): readonly string[] => due.map((delivery) => delivery.event_id);

    it("are due at once, to their target alone, and over when they ended", async () => {
      const database = await open({ migrations });
      const rows = deliveriesOf(database);
      await add(database, "a", 1);
      await add(database, "b", 1, 1, "rival");
      expect((await rows.readDueTargets(1)).toSorted()).toEqual(["rival", "store"]);
      expect(await rows.readDueTargets(0)).toEqual([]);
      const whole = {
        event_id: "evt_a_1",
        target_id: "store",
        subject_id: "a",
        sequence: 1,
        status: "approved",
        event_at: 1,
        attempts: 0,
        next_at: 1,
      };
      expect(await rows.readDue("store", 1, 10)).toEqual([whole]);
      await rows.end("evt_a_1");
      expect(await rows.readDue("store", later, 10)).toEqual([]);
      expect(idsOf(await rows.readDue("rival", later, 10))).toEqual(["evt_b_1"]);
    });

    it("come in order for each subject, the longest due first, and no subject waits for another", async () => {
      const database = await open({ migrations });
      const rows = deliveriesOf(database);
      await add(database, "a", 2, 1);
      await add(database, "a", 1, 5);
      await add(database, "b", 1, 3);
      expect(idsOf(await rows.readDue("store", 4, 10))).toEqual(["evt_b_1"]);
      expect(idsOf(await rows.readDue("store", 5, 10))).toEqual(["evt_b_1", "evt_a_1"]);
      expect(idsOf(await rows.readDue("store", 5, 1))).toEqual(["evt_b_1"]);
      await rows.end("evt_a_1");
      expect(idsOf(await rows.readDue("store", 5, 10))).toEqual(["evt_a_2", "evt_b_1"]);
    });

    it("are claimed by one of many that read them, and are due again when nobody ended them", async () => {
      const url = await engine.newUrl();
      const database = await open({ url, migrations });
      const other = engine.isShared ? await open({ url, migrations }) : database;
      await add(database, "a", 1);
      const claimers = [deliveriesOf(database), deliveriesOf(other)].flatMap((rows) => [rows, rows, rows, rows, rows]);
      const [read] = await deliveriesOf(database).readDue("store", 1, 10);
      if (read === undefined) throw new Error("nothing is due");
      const claimed = await Promise.all(claimers.map((rows) => rows.claim(read, later)));
      expect(claimed.filter(Boolean)).toHaveLength(1);
      expect(await deliveriesOf(other).readDue("store", later - 1, 10)).toEqual([]);
      expect(await deliveriesOf(other).readDue("store", later, 10)).toMatchObject([{ event_id: "evt_a_1", attempts: 1, next_at: later }]);
      await deliveriesOf(other).postpone("evt_a_1", 2 * later);
      expect(await deliveriesOf(database).readDue("store", later, 10)).toEqual([]);
      expect(idsOf(await deliveriesOf(database).readDue("store", 2 * later, 10))).toEqual(["evt_a_1"]);
    });

    it("are added with the change they tell of, or not at all, and one number of a subject tells of one change", async () => {
      const database = await open({ migrations });
      const about = { target_id: "store", subject_id: "a", sequence: 1, status: "approved", event_at: 1 };
      const failing = database.transaction(async (tx) => {
        await addDelivery(tx, { ...about, event_id: "evt_lost" });
        throw new Error("rolled back");
      });
      await expect(failing).rejects.toThrow("rolled back");
      expect(await deliveriesOf(database).readDue("store", later, 10)).toEqual([]);
      await add(database, "a", 1);
      await expect(addDelivery(database, { ...about, event_id: "evt_other" })).rejects.toThrow();
      expect(idsOf(await deliveriesOf(database).readDue("store", later, 10))).toEqual(["evt_a_1"]);
    });

    it("give the number after those that nobody has taken, to each subject its own", async () => {
      const database = await open({ migrations });
      expect(await nextSequence(database, "a")).toBe(1);
      await add(database, "a", 1);
      await add(database, "a", 7);
      await add(database, "b", 9);
      expect(await database.transaction((tx) => nextSequence(tx, "a"))).toBe(8);
      await deliveriesOf(database).end("evt_a_7");
      expect(await nextSequence(database, "a")).toBe(2);
    });

    it("wake who listens", async () => {
      const database = await open({ migrations });
      const woken = Promise.withResolvers<void>();
      const stop = await deliveriesOf(database).subscribe(woken.resolve);
      await add(database, "a", 1);
      await woken.promise;
      stop();
    });
  });
}
