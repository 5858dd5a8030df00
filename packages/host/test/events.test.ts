import { afterEach, describe, expect, it, vi } from "vitest";
import { openDatabase, type Database } from "@countersign/storage/open";
import { Events, type HostEvent } from "../src/events.ts";

let database: Database<unknown>;
afterEach(async () => database.close());

async function open(): Promise<Events> {
  database = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
  return new Events(database.signals);
}

describe("events", () => {
  it("reach one user's pages in order and nobody else's", async () => {
    const events = await open();
    const heard: HostEvent[] = [];
    const stop = events.subscribe("usr_1", (event) => void heard.push(event));
    events.publish("usr_1", { type: "flow", data: 1 }, "flow_1");
    events.publish("usr_2", { type: "flow", data: 2 }, "flow_2");
    events.publish("usr_1", { type: "trace", data: 3 });
    stop();
    events.publish("usr_1", { type: "flow", data: 4 }, "flow_1");
    expect(heard.map((event) => event.data)).toEqual([1, 3]);
  });

  it("reach another instance's pages as that instance reads the row; a notice that is not ours is dropped", async () => {
    const here = await open();
    const there = new Events(database.signals);
    const asked: string[] = [];
    await there.follow(async (notice) => {
      asked.push(`${notice.type} ${notice.id}`);
      return { type: "flow", data: `read ${notice.id}` };
    });
    const { promise, resolve } = Promise.withResolvers<HostEvent>();
    there.subscribe("usr_1", resolve);
    await database.signals.notify("host_events", "not json");
    await database.signals.notify("host_events", '{"from":"x"}');
    here.publish("usr_2", { type: "flow", data: 0 }, "flow_2");
    here.publish("usr_1", { type: "flow", data: 1 }, "flow_1");
    expect((await promise).data).toBe("read flow_1");
    expect(asked).toEqual(["flow flow_1"]);
    there.close();
  });

  it("a stream ends when a change of another instance cannot be read, so that its page reads the state again", async () => {
    const here = await open();
    const there = new Events(database.signals);
    await there.follow(() => Promise.reject(new Error("the database is busy")));
    const stream = there.stream("usr_1", new AbortController().signal);
    const other = there.stream("usr_2", new AbortController().signal);
    here.publish("usr_1", { type: "flow", data: 1 }, "flow_1");
    const texts: string[] = [];
    for await (const chunk of stream ?? []) texts.push(new TextDecoder().decode(chunk));
    expect(texts).toEqual(["retry: 1000\n\n"]);
    const { done } = (await other?.getReader().read()) ?? {};
    expect(done).toBe(false);
    there.close();
  });

  it("a user has at most twenty streams, and a stream that is left frees its place", async () => {
    const events = await open();
    const abort = new AbortController();
    const streams = Array.from({ length: 20 }, () => events.stream("usr_1", abort.signal));
    expect(streams.every((stream) => stream !== undefined)).toBe(true);
    expect(events.stream("usr_1", abort.signal)).toBeUndefined();
    expect(events.stream("usr_2", abort.signal)).toBeDefined();
    await streams[0]?.cancel();
    expect(events.stream("usr_1", abort.signal)).toBeDefined();
    abort.abort();
    expect(events.stream("usr_1", new AbortController().signal)).toBeDefined();
  });

  it("a page that does not read is disconnected instead of filling the memory", async () => {
    const events = await open();
    const stream = events.stream("usr_1", new AbortController().signal);
    for (let index = 0; index < 40; index += 1) events.publish("usr_1", { type: "chat", data: `${index} ${"x".repeat(1024 * 1024)}` });
    const text = await new Response(stream ?? null).text();
    expect(text).toContain('data: "9 ');
    expect(text).not.toContain('data: "39 ');
    expect(text.length).toBeLessThan(20 * 1024 * 1024);
  });

  it("a stream whose reader is gone already when it is made takes no place", async () => {
    const events = await open();
    for (let count = 0; count < 30; count += 1) events.stream("usr_1", AbortSignal.abort());
    expect(events.stream("usr_1", new AbortController().signal)).toBeDefined();
  });

  it("X09 a stream ends after an hour, so that its page shows again who it is", async () => {
    vi.useFakeTimers();
    try {
      const events = await open();
      const text = new Response(events.stream("usr_1", new AbortController().signal) ?? null).text();
      await vi.advanceTimersByTimeAsync(60 * 60 * 1000 - 1);
      events.publish("usr_1", { type: "chat", data: "last" });
      await vi.advanceTimersByTimeAsync(1);
      events.publish("usr_1", { type: "chat", data: "late" });
      expect(await text).toContain("last");
      expect(await text).not.toContain("late");
    } finally {
      vi.useRealTimers();
    }
  });

  it("a user's streams are ended together, and only that user's", async () => {
    const events = await open();
    const signal = new AbortController().signal;
    const gone = [events.stream("usr_1", signal), events.stream("usr_1", signal)].map((stream) => new Response(stream ?? null).text());
    const other = events.stream("usr_2", signal)?.getReader();
    events.endStreams("usr_1");
    expect(await Promise.all(gone)).toEqual(["retry: 1000\n\n", "retry: 1000\n\n"]);
    expect((await other?.read())?.done).toBe(false);
    events.publish("usr_2", { type: "chat", data: 1 });
    expect((await other?.read())?.done).toBe(false);
    await other?.cancel();
  });
});
