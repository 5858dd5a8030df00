import { err, ok, type Result } from "@countersign/protocol/result";
import { describe, expect, it } from "vitest";
import type { ApiProblem } from "../src/api.ts";
import { type AppWindows, createAppWindows } from "../src/app-windows.ts";
import { createStore, type Store } from "../src/store.ts";
import type { Popup } from "../src/popup.ts";

type Back = Result<"open" | Readonly<Record<string, string>>, ApiProblem>;
const view = { id: "w", serverName: "Shop" };
const url = "https://shop.example/link";

interface Bench {
  readonly windows: AppWindows;
  readonly store: Store;
  readonly log: string[];
  readonly comeBack: (back: Back) => void;
  nowMs: number;
}

function bench({ activated = true, gives = true, refusal }: { activated?: boolean; gives?: boolean; refusal?: ApiProblem } = {}): Bench {
  const log: string[] = [];
  const waiting: ((back: Back) => void)[] = [];
  const store = createStore();
  const popup: Popup = { id: "p", url: `${url}?redirectUrl=x`, expiresAt: 600_000 };
  const self: Bench = {
    nowMs: 0,
    store,
    log,
    comeBack: (back: Back) => waiting.shift()?.(back),
    windows: createAppWindows({
      store,
      api: {
        openPopup: () => Promise.resolve(refusal === undefined ? ok(popup) : err(refusal)),
        waitForPopup: () => new Promise((resolve) => void waiting.push(resolve)),
      },
      openWindow: () => {
        log.push("open");
        return gives ? { navigate: (to) => void log.push(`to ${to}`), close: () => void log.push("close") } : undefined;
      },
      isActivated: () => activated,
      now: () => self.nowMs,
    }),
  };
  return self;
}

const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

describe("createAppWindows", () => {
  it("opens the window inside the click, sends it on once the host agreed, and ends with the parameters", async () => {
    const { windows, store, log, comeBack } = bench();
    const back = windows.open(view, url);
    expect(log).toEqual(["open"]);
    await turn();
    expect(log).toEqual(["open", `to ${url}?redirectUrl=x`]);
    expect(store.get().appWindow).toEqual({ serverName: "Shop", host: "shop.example", opened: true });
    comeBack(ok("open"));
    await turn();
    comeBack(ok({ linked: "yes" }));
    expect(await back).toEqual(ok({ linked: "yes" }));
    expect(log.at(-1)).toBe("close");
    expect(store.get().appWindow).toBeUndefined();
  });

  it("V17 opens nothing without a click, and V12 closes the window again when the host refuses the address", async () => {
    const still = bench({ activated: false });
    expect(await still.windows.open(view, url)).toMatchObject({ ok: false, error: { code: "refused" } });
    expect(still.log).toEqual([]);
    const refused = bench({ refusal: { code: "unsafe_url", message: "No.", retryable: false } });
    expect(await refused.windows.open(view, url)).toMatchObject({ error: { code: "unsafe_url" } });
    expect(refused.log).toEqual(["open", "close"]);
  });

  it("has one window at a time, which the user may give up or open again", async () => {
    const { windows, log } = bench({ gives: false });
    const back = windows.open(view, url);
    expect(await windows.open(view, url)).toMatchObject({ error: { code: "conflict" } });
    await turn();
    expect(await windows.open(view, url)).toMatchObject({ error: { code: "conflict" } });
    expect(windows.openAgain()).toBe(false);
    expect(log).toEqual(["open", "open"]);
    windows.cancel();
    expect(await back).toMatchObject({ error: { code: "cancelled", retryable: true } });
  });

  it("ends when its time is over, and when the host says that it is", async () => {
    const late = bench();
    const first = late.windows.open(view, url);
    await turn();
    late.nowMs = 600_000;
    late.comeBack(ok("open"));
    expect(await first).toMatchObject({ error: { code: "flow_expired" } });
    const gone = bench();
    const second = gone.windows.open(view, url);
    await turn();
    gone.comeBack(err({ code: "flow_expired", message: "Over.", retryable: false }));
    expect(await second).toMatchObject({ error: { code: "flow_expired" } });
  });
});
