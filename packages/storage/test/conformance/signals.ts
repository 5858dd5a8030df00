import { describe, expect, it, vi } from "vitest";
import type { Signals } from "../../src/signals.ts";
import { anything, type EngineUnderTest, useOpener } from "./engine.ts";

/** Everything heard on a channel, and a promise for the next thing. */
async function listen(signals: Signals, channel: string): Promise<{ heard: string[]; until(payload: string): Promise<void>; stop(): void }> {
  const heard: string[] = [];
  const waiting: { payload: string; resolve(): void }[] = [];
  const stop = await signals.subscribe(channel, (payload) => {
    heard.push(payload);
    for (const each of waiting) if (each.payload === payload) each.resolve();
  });
  const until = (payload: string): Promise<void> =>
    heard.includes(payload) ? Promise.resolve() : new Promise((resolve) => waiting.push({ payload, resolve }));
  return { heard, until, stop };
}

export function describeSignals(engine: EngineUnderTest): void {
  describe(`signals on ${engine.name}`, () => {
    const open = useOpener(engine);

    it("reach every listener of their channel, the sender's too, in order", async () => {
      const url = await engine.newUrl();
      const database = await open({ url });
      const other = engine.isShared ? await open({ url }) : database;
      const own = await listen(database.signals, "calls");
      const foreign = await listen(other.signals, "calls");
      const elsewhere = await listen(other.signals, "flows");
      await database.signals.notify("calls", "1 ü 'quoted'");
      await other.signals.notify("calls", "2");
      await Promise.all([own.until("2"), foreign.until("2")]);
      await database.signals.notify("flows", "last");
      await elsewhere.until("last");
      expect(own.heard).toEqual(["1 ü 'quoted'", "2"]);
      expect(foreign.heard).toEqual(["1 ü 'quoted'", "2"]);
      expect(elsewhere.heard).toEqual(["last"]);
    });

    it("stop when the subscription ends", async () => {
      const { signals } = await open();
      const first = await listen(signals, "c");
      const second = await listen(signals, "c");
      first.stop();
      await signals.notify("c", "x");
      await second.until("x");
      expect(first.heard).toEqual([]);
    });

    it("do not reach a listener inside notify, and survive one that throws", async () => {
      const { signals } = await open();
      const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
      let inside = true;
      const heardInside: boolean[] = [];
      await signals.subscribe("c", () => {
        throw new Error("listener's own trouble");
      });
      await signals.subscribe("c", () => void heardInside.push(inside));
      const listener = await listen(signals, "c");
      const sending = signals.notify("c", "x");
      inside = false;
      await sending;
      await listener.until("x");
      expect(heardInside).toEqual([false]);
      expect(warn).toHaveBeenCalledWith("a signal listener threw; the signal is dropped", { code: "SIGNAL_LISTENER", detail: "Error" });
    });

    it("of a transaction are sent only when it commits", async () => {
      const database = await open();
      const listener = await listen(database.signals, "c");
      const failing = database.transaction(async (tx) => {
        await tx.signals.notify("c", "rolled back");
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      let committed = false;
      let sawCommit = false;
      await database.signals.subscribe("c", () => void (sawCommit = committed));
      await database.transaction(async (tx) => {
        await tx.signals.notify("c", "committed");
        await tx.records(anything).create("r", 1);
        committed = true;
      });
      await listener.until("committed");
      expect(listener.heard).toEqual(["committed"]);
      expect(sawCommit).toBe(true);
    });

    it("that an engine could not carry are refused on all", async () => {
      const { signals } = await open();
      await expect(signals.notify("c", "x".repeat(4001))).rejects.toThrow(TypeError);
      await expect(signals.notify("c", "ü".repeat(2001))).rejects.toThrow(TypeError);
      await expect(signals.notify("c", "a\0b")).rejects.toThrow(TypeError);
      await expect(signals.notify("c", "\ud800")).rejects.toThrow(TypeError);
      await expect(signals.notify("", "x")).rejects.toThrow(TypeError);
      const listener = await listen(signals, "c".repeat(200));
      await signals.notify("c".repeat(200), '\n"'.repeat(2000));
      await listener.until('\n"'.repeat(2000));
    });
  });
}
