import { describe, expect, it } from "vitest";
import { createHub, type HubMessage, type HubPort } from "../src/event-hub.ts";
import type { EventStream } from "../src/event-link.ts";

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

interface FakePage extends HubPort {
  readonly heard: HubMessage[];
  readonly say: (message: unknown) => void;
}

function bench(): { readonly streams: FakeStream[]; readonly page: () => FakePage; readonly retry: () => void } {
  const streams: FakeStream[] = [];
  let due: (() => void) | undefined;
  const hub = createHub({
    open: () => {
      const stream = fakeStream();
      streams.push(stream);
      return stream;
    },
    schedule: (run) => {
      due = run;
      return () => void (due = undefined);
    },
  });
  const page = (): FakePage => {
    const heard: HubMessage[] = [];
    let listener: (event: { readonly data: unknown }) => void = () => {};
    const port: FakePage = {
      heard,
      postMessage: (message) => void heard.push(message),
      addEventListener: (_, given) => void (listener = given),
      start: () => {},
      say: (data) => listener({ data }),
    };
    hub.join(port);
    return port;
  };
  return { streams, page, retry: () => due?.() };
}

describe("the hub", () => {
  it("opens one stream for any number of pages, and tells each of them everything", () => {
    const { streams, page } = bench();
    const pages = Array.from({ length: 8 }, page);
    for (const each of pages) each.say("hello");
    streams[0]?.fire("open");
    streams[0]?.fire("call", '{"id":"c"}');
    expect(streams).toHaveLength(1);
    for (const { heard } of pages) expect(heard).toEqual([{ kind: "waiting" }, { kind: "live" }, { kind: "event", name: "call", json: { id: "c" } }]);
  });

  it("tells a page that comes later that the stream is live, so that it reads the state", () => {
    const { streams, page } = bench();
    page().say("hello");
    streams[0]?.fire("open");
    const late = page();
    late.say("hello");
    expect(late.heard).toEqual([{ kind: "live" }]);
  });

  it("says nothing to a page that left, keeps the stream for the others and closes it after the last", () => {
    const { streams, page } = bench();
    const [first, second] = [page(), page()];
    first.say("hello");
    second.say("hello");
    streams[0]?.fire("open");
    first.say("bye");
    const heard = first.heard.length;
    streams[0]?.fire("call", "{}");
    expect([first.heard.length, second.heard.at(-1)?.kind, streams[0]?.closed]).toEqual([heard, "event", false]);
    second.say("bye");
    expect(streams[0]?.closed).toBe(true);
    first.say("hello");
    expect([streams.length, first.heard.at(-1)]).toEqual([2, { kind: "waiting" }]);
  });

  it("tells all of a loss and of the new stream", () => {
    const { streams, page, retry } = bench();
    const one = page();
    one.say("hello");
    streams[0]?.fire("open");
    streams[0]?.fire("error");
    retry();
    streams[1]?.fire("open");
    expect(one.heard.map(({ kind }) => kind)).toEqual(["waiting", "live", "lost", "live"]);
  });

  it("takes no notice of what is neither hello nor bye", () => {
    const { streams, page } = bench();
    const one = page();
    one.say({ kind: "live" });
    expect([one.heard, streams]).toEqual([[], []]);
  });
});
