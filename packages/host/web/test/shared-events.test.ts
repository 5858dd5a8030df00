import { describe, expect, it } from "vitest";
import type { PageMessage } from "../src/event-hub.ts";
import { linkSharedEvents, type PagePort, type SharedEvents } from "../src/shared-events.ts";

interface Bench {
  readonly log: string[];
  readonly said: PageMessage[];
  readonly hubSays: (data: unknown) => void;
  readonly fail: () => void;
  readonly pass: () => void;
  readonly events: SharedEvents;
}

function bench(hub: "there" | "absent" = "there"): Bench {
  const log: string[] = [];
  const said: PageMessage[] = [];
  let failed = (): void => {};
  let due: (() => void) | undefined;
  const listeners: ((event: { readonly data: unknown }) => void)[] = [];
  const port: PagePort = {
    addEventListener: (_, given) => void listeners.push(given),
    start: () => {},
    postMessage: (message) => void said.push(message),
    close: () => void log.push("port closed"),
  };
  const events = linkSharedEvents({
    connect: (onFailure) => {
      failed = onFailure;
      return hub === "there" ? port : undefined;
    },
    direct: () => {
      log.push("own stream");
      return { stop: () => void log.push("own stream stopped") };
    },
    onEvent: (name, json) => void log.push(`${name} ${JSON.stringify(json)}`),
    onLive: () => void log.push("live"),
    onLost: () => void log.push("lost"),
    schedule: (run) => {
      due = run;
      return () => void (due = undefined);
    },
  });
  return { log, said, hubSays: (data) => listeners.forEach((listen) => listen({ data })), fail: () => failed(), pass: () => due?.(), events };
}

describe("the events of a page", () => {
  it("come from the browser's hub", () => {
    const { log, said, hubSays, pass } = bench();
    hubSays({ kind: "waiting" });
    hubSays({ kind: "live" });
    hubSays({ kind: "lost" });
    hubSays({ kind: "live" });
    hubSays({ kind: "event", name: "call", json: { id: "c" } });
    pass();
    expect([said, log]).toEqual([["hello"], ["live", "lost", "live", 'call {"id":"c"}']]);
  });

  it("come from a stream of its own where there are no shared workers", () => {
    const { log } = bench("absent");
    expect(log).toEqual(["own stream"]);
  });

  it("come from a stream of its own when the hub cannot run, and from that alone", () => {
    const { log, fail, pass, hubSays } = bench();
    fail();
    pass();
    hubSays({ kind: "live" });
    expect(log).toEqual(["port closed", "own stream"]);
  });

  it("come from a stream of its own when the hub does not answer in time", () => {
    const { log, pass } = bench();
    pass();
    expect(log).toEqual(["port closed", "own stream"]);
  });

  it("stop while the page is out of sight and begin again with its state", () => {
    const { log, said, hubSays, events, pass } = bench();
    hubSays({ kind: "live" });
    events.pause();
    pass();
    events.resume();
    hubSays({ kind: "live" });
    expect([said, log]).toEqual([
      ["hello", "bye", "hello"],
      ["live", "live"],
    ]);
    const alone = bench("absent");
    alone.events.pause();
    expect(alone.log).toEqual(["own stream", "own stream stopped"]);
  });

  it("are not told by messages of another shape", () => {
    const { log, hubSays } = bench();
    for (const data of [null, "live", 1, [], { kind: "event" }, { kind: "event", name: 1 }, { kind: "other", name: "call" }]) hubSays(data);
    expect(log).toEqual([]);
  });
});
