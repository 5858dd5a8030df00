import { describe, expect, it } from "vitest";
import { type EventStream, linkEvents } from "../src/event-link.ts";

interface FakeStream extends EventStream {
  readonly fire: (type: string, data?: unknown) => void;
  closed: boolean;
}

function fakeStream(): FakeStream {
  const listeners = new Map<string, (event: { data?: unknown }) => void>();
  const stream: FakeStream = {
    closed: false,
    addEventListener: (type, listener) => void listeners.set(type, listener),
    close: () => void (stream.closed = true),
    fire: (type, data) => listeners.get(type)?.({ data }),
  };
  return stream;
}

function bench(): { streams: FakeStream[]; log: string[]; delays: number[]; next: () => void; stop: () => void } {
  const streams: FakeStream[] = [];
  const log: string[] = [];
  const delays: number[] = [];
  let due: (() => void) | undefined;
  const link = linkEvents({
    open: () => {
      const stream = fakeStream();
      streams.push(stream);
      return stream;
    },
    onEvent: (name, json) => void log.push(`${name} ${JSON.stringify(json)}`),
    onLive: () => void log.push("live"),
    onLost: () => void log.push("lost"),
    schedule: (run, delayMs) => {
      delays.push(delayMs);
      due = run;
      return () => void (due = undefined);
    },
  });
  return { streams, log, delays, next: () => due?.(), stop: link.stop };
}

describe("linkEvents", () => {
  it("passes events on as JSON, by name", () => {
    const { streams, log } = bench();
    streams[0]?.fire("open");
    streams[0]?.fire("call", '{"id":"c"}');
    streams[0]?.fire("flow", "not json");
    streams[0]?.fire("other", "{}");
    expect(log).toEqual(["live", 'call {"id":"c"}', "flow undefined"]);
  });

  it("opens a new stream after each loss, with growing delays, and starts small again once live", () => {
    const { streams, log, delays, next } = bench();
    for (let count = 0; count < 7; count += 1) {
      streams.at(-1)?.fire("error");
      next();
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(streams.slice(0, -1).every((stream) => stream.closed)).toBe(true);
    streams.at(-1)?.fire("open");
    streams.at(-1)?.fire("error");
    expect([delays.at(-1), log.at(-2), log.at(-1)]).toEqual([500, "live", "lost"]);
  });

  it("counts each loss once and ignores what a replaced stream still says", () => {
    const { streams, delays, next } = bench();
    streams[0]?.fire("error");
    streams[0]?.fire("error");
    next();
    streams[0]?.fire("error");
    expect([delays.length, streams.length]).toEqual([1, 2]);
  });

  it("opens nothing after it was stopped", () => {
    const { streams, next, stop } = bench();
    streams[0]?.fire("error");
    stop();
    next();
    expect(streams.length).toBe(1);
  });
});
