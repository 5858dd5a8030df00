import { beforeEach, describe, expect, test } from "vitest";
import { ProgressLine } from "../../src/call/progress-line.ts";

let told: string[];
let now: number;
beforeEach(() => {
  told = [];
  now = 5000;
});
const lineOn = (more: { readonly columns?: number; readonly attended?: boolean } = {}): ProgressLine =>
  new ProgressLine({ tell: (text) => void told.push(text), columns: more.columns, attended: more.attended ?? false }, "Shop", () => now);

describe("how far a server says that it is", () => {
  test("is a line of its own where nothing can be replaced: of what is new, once a second", () => {
    const line = lineOn();
    line.show({ progress: 1, total: 4, message: "Packing" });
    line.clear();
    line.show({ progress: 2, total: 4 });
    now += 999;
    line.show({ progress: 3, total: 4 });
    now += 1;
    line.show({ progress: 3, total: 4 });
    now += 5000;
    line.show({ progress: 3, total: 4 });
    expect(told).toEqual(["Shop: 25 %, Packing\n", "Shop: 75 %\n"]);
  });

  test("is one line that is replaced in place on a terminal, never wider than that", () => {
    const line = lineOn({ columns: 20, attended: true });
    line.show({ progress: 1, total: 4, message: "a very long message" });
    line.show({ progress: 12 });
    line.clear();
    line.clear();
    expect(told).toEqual(["Shop: 25 %, a very ", "\r\u001b[2K", "Shop: 12", "\r\u001b[2K"]);
  });

  test("is what a server says and nothing that a terminal obeys", () => {
    const line = new ProgressLine({ tell: (text) => void told.push(text), columns: undefined, attended: false }, "Sh\u001bop", () => now);
    line.show({ progress: 1, message: "\u001b[2Jgone\u202e" });
    expect(told).toEqual(["Shop: 1, [2Jgone\n"]);
  });
});

describe("a server that says nothing", () => {
  test("is said to work every ten seconds, to a person alone", () => {
    for (const attended of [true, false]) {
      const line = lineOn({ attended });
      for (const later of [0, 9999, 1, 9999, 1]) {
        now += later;
        line.show(undefined);
      }
    }
    expect(told).toEqual(["Shop works on it (10 s)\n", "Shop works on it (20 s)\n"]);
  });
});
