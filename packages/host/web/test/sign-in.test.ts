import { describe, expect, it } from "vitest";
import { createSignIn, type SignIn, type SignInWindow, startUrlOf } from "../src/sign-in.ts";
import { openFlows } from "../src/state.ts";
import { createStore, type Store } from "../src/store.ts";
import type { CallDecision } from "@countersign/protocol/security";
import { err, ok } from "@countersign/protocol/result";
import type { ApiProblem } from "../src/api.ts";
import { aCall, aDevice, aFlow } from "./fixtures.ts";

const origin = "http://127.0.0.1:4100";
const authorize: CallDecision = { action: "authorize", scope: new Set(), reason: "" };

interface Bench {
  readonly store: Store;
  readonly signIn: SignIn;
  readonly log: string[];
  activated: boolean;
  blocked: boolean;
  nowMs: number;
  refuse: ApiProblem | undefined;
}

function bench(): Bench {
  const store = createStore();
  const log: string[] = [];
  let count = 0;
  const openWindow = (): SignInWindow | undefined => {
    if (self.blocked) return undefined;
    count += 1;
    const name = `w${count}`;
    log.push(`${name} open`);
    return { navigate: (url) => void log.push(`${name} ${url.replace(origin, "")}`), close: () => void log.push(`${name} close`) };
  };
  const signIn = createSignIn({
    store,
    openWindow,
    isActivated: () => self.activated,
    now: () => self.nowMs,
    startDevice: (id) => {
      log.push(`device ${id}`);
      return Promise.resolve(self.refuse === undefined ? ok(aFlow({ state: "opened", device: aDevice() })) : err(self.refuse));
    },
    beginConnectorFlow: (id) => {
      log.push(`begin ${id}`);
      return Promise.resolve(self.refuse === undefined ? ok(aFlow()) : err(self.refuse));
    },
    cancelFlow: (id) => Promise.resolve(log.push(`cancel ${id}`)),
    origin,
  });
  const self: Bench = { store, signIn, log, activated: true, blocked: false, nowMs: 0, refuse: undefined };
  store.subscribe(signIn.settle);
  return self;
}

const start = ({ store }: Bench, id = "call_1", fields = {}): void =>
  store.dispatch({ type: "call_started", call: aCall({ id, ...fields }), arguments: {} });
const challenge = ({ store }: Bench, id = "call_1", flow = aFlow()): void =>
  store.dispatch({ type: "call", call: aCall({ id, state: "authorizing", flow }) });

describe("signing in to a connector itself", () => {
  it("opens the window in the click, sends it to the flow, and shows a card although no call waits", async () => {
    const page = bench();
    const begun = page.signIn.signInConnector("store");
    expect(page.log).toEqual(["w1 open", "begin store"]);
    expect(await begun).toBeUndefined();
    expect(page.log.at(-1)).toBe("w1 /flows/flow_1/start");
    expect(openFlows(page.store.get())).toMatchObject([{ flow: { id: "flow_1" }, window: "opened", calls: [] }]);
    page.store.dispatch({ type: "flow", flow: aFlow({ state: "granted" }) });
    expect(openFlows(page.store.get())).toEqual([]);
    expect(page.log.at(-1)).toBe("w1 close");
  });

  it("leaves a card to continue from when the browser gives no window", async () => {
    const page = bench();
    page.blocked = true;
    await page.signIn.signInConnector("store");
    expect(openFlows(page.store.get())).toMatchObject([{ window: "needed" }]);
  });

  it("closes the window and tells why when there is no flow", async () => {
    const page = bench();
    page.refuse = { code: "registration_unavailable", message: "No.", retryable: false };
    expect(await page.signIn.signInConnector("store")).toMatchObject({ code: "registration_unavailable" });
    expect(page.log).toEqual(["w1 open", "begin store", "w1 close"]);
  });
});

describe("sign-in windows", () => {
  it("sends the window reserved in the click to the flow, and closes it when the flow ends", () => {
    const page = bench();
    const window = page.signIn.reserve(authorize, "store");
    page.activated = false;
    if (window !== undefined) page.signIn.attach("call_1", window);
    start(page);
    challenge(page);
    expect(page.log).toEqual(["w1 open", "w1 /flows/flow_1/start"]);
    expect(page.store.get().windows["flow_1"]).toBe("opened");
    page.store.dispatch({ type: "flow", flow: aFlow({ state: "granted" }) });
    expect(page.log.at(-1)).toBe("w1 close");
  });

  it("closes the window of a flow once the last call that waits for it is over, and shows no card for it", () => {
    const page = bench();
    for (const id of ["call_1", "call_2"]) {
      start(page, id);
      challenge(page, id);
    }
    expect(page.log).toEqual(["w1 open", "w1 /flows/flow_1/start"]);
    const end = (id: string): void =>
      page.store.dispatch({ type: "call", call: aCall({ id, state: "failed", error: { code: "cancelled", message: "No.", retryable: true } }) });
    end("call_1");
    expect(page.log.at(-1)).toBe("w1 /flows/flow_1/start");
    end("call_2");
    expect(page.log.at(-1)).toBe("w1 close");
    expect(openFlows(page.store.get())).toEqual([]);
  });

  it("closes a reserved window when the call ends without a flow", () => {
    const page = bench();
    const window = page.signIn.reserve(authorize, "store");
    if (window !== undefined) page.signIn.attach("call_1", window);
    start(page, "call_1", { state: "failed" });
    expect(page.log).toEqual(["w1 open", "w1 close"]);
  });

  it("opens a window at an unexpected challenge while the click is fresh", () => {
    const page = bench();
    start(page);
    challenge(page);
    expect(page.log).toEqual(["w1 open", "w1 /flows/flow_1/start"]);
  });

  it("shows the Continue card when the challenge comes after the click has worn off", () => {
    const page = bench();
    start(page);
    page.activated = false;
    challenge(page);
    expect(page.log).toEqual([]);
    expect(page.store.get().windows["flow_1"]).toBe("needed");
  });

  it("shows the Continue card when the browser gives no window", () => {
    const page = bench();
    page.blocked = true;
    start(page);
    challenge(page);
    expect(page.store.get().windows["flow_1"]).toBe("needed");
    expect(page.signIn.openAgain("flow_1")).toBe(false);
    page.blocked = false;
    expect(page.signIn.openAgain("flow_1")).toBe(true);
    expect(page.store.get().windows["flow_1"]).toBe("opened");
  });

  it("does not open a window for an old challenge when the user clicks something else later", () => {
    const page = bench();
    page.activated = false;
    start(page);
    challenge(page);
    page.activated = true;
    page.store.dispatch({ type: "link", link: "live" });
    expect(page.log).toEqual([]);
  });

  it("M20 opens one window for many calls of one flow", () => {
    const page = bench();
    for (let index = 0; index < 50; index += 1) {
      start(page, `call_${index}`);
      challenge(page, `call_${index}`);
    }
    expect(page.log.filter((line) => line.endsWith("open")).length).toBe(1);
  });

  it("M20 opens no window by itself for a minute after a cancel, and then again", () => {
    const page = bench();
    start(page);
    challenge(page);
    page.signIn.cancel("flow_1");
    expect(page.log.slice(-2)).toEqual(["w1 close", "cancel flow_1"]);
    page.store.dispatch({ type: "flow", flow: aFlow({ state: "cancelled" }) });
    page.nowMs = 59_999;
    expect(page.signIn.reserve(authorize, "store")).toBeUndefined();
    start(page, "call_2");
    challenge(page, "call_2", aFlow({ id: "flow_2", startUrl: "/flows/flow_2/start" }));
    expect(page.store.get().windows["flow_2"]).toBe("needed");
    page.nowMs = 60_000;
    page.store.dispatch({ type: "flow", flow: aFlow({ id: "flow_2", state: "expired" }) });
    expect(page.signIn.reserve(authorize, "store")).toBeDefined();
  });

  it("reserves no second window right after one of the same connector was opened", () => {
    const page = bench();
    start(page);
    challenge(page);
    page.nowMs = 2999;
    expect(page.signIn.reserve(authorize, "store")).toBeUndefined();
    expect(page.signIn.reserve(authorize, "other")).toBeDefined();
  });

  it("opens a window again for a new click some seconds later: the first may have been closed", () => {
    const page = bench();
    start(page);
    challenge(page);
    page.nowMs = 3000;
    start(page, "call_2");
    challenge(page, "call_2");
    expect(page.log).toEqual(["w1 open", "w1 /flows/flow_1/start", "w2 open", "w1 close", "w2 /flows/flow_1/start"]);
  });

  it("leaves an open flow alone when a call joins it without a click", () => {
    const page = bench();
    start(page);
    challenge(page);
    page.nowMs = 30_000;
    page.activated = false;
    start(page, "call_2");
    challenge(page, "call_2");
    expect(page.store.get().windows["flow_1"]).toBe("opened");
    expect(page.log.length).toBe(2);
  });

  const second = aFlow({ id: "flow_2", startUrl: "/flows/flow_2/start" });

  it("a flow has its own window, although the page has not heard yet that the one before has ended", () => {
    const page = bench();
    start(page);
    challenge(page);
    page.nowMs = 1000;
    start(page, "call_2");
    challenge(page, "call_2", second);
    expect(page.log.slice(2)).toEqual(["w2 open", "w2 /flows/flow_2/start"]);
  });

  it("a flow without a window shows the Continue card, whatever other flows of the connector have", () => {
    const page = bench();
    start(page);
    challenge(page);
    page.nowMs = 30_000;
    page.activated = false;
    start(page, "call_2");
    challenge(page, "call_2", second);
    expect(page.store.get().windows["flow_2"]).toBe("needed");
  });

  it("a flow that waited for another call's reserved window shows the Continue card when that call ends without it", () => {
    const page = bench();
    const window = page.signIn.reserve(authorize, "store");
    if (window !== undefined) page.signIn.attach("call_1", window);
    start(page);
    start(page, "call_2");
    challenge(page, "call_2");
    expect(page.log).toEqual(["w1 open"]);
    page.store.dispatch({ type: "call", call: aCall({ id: "call_1", state: "failed" }) });
    expect(page.log).toEqual(["w1 open", "w1 close"]);
    expect(page.store.get().windows["flow_1"]).toBe("needed");
  });

  it("M20 ignores flows of calls that this page did not start", () => {
    const page = bench();
    page.store.dispatch({ type: "call", call: aCall({ id: "foreign", state: "authorizing", flow: aFlow() }) });
    expect(page.log).toEqual([]);
  });
});

describe("another device", () => {
  it("D09 is asked for by the user only, closes the flow's window, and shows the code", async () => {
    const page = bench();
    const window = page.signIn.reserve(authorize, "store");
    if (window !== undefined) page.signIn.attach("call_1", window);
    start(page);
    challenge(page);
    expect(page.log).toEqual(["w1 open", "w1 /flows/flow_1/start"]);
    expect(await page.signIn.useDevice("flow_1")).toBeUndefined();
    expect(page.log.slice(2)).toEqual(["device flow_1", "w1 close"]);
    expect(page.store.get().windows["flow_1"]).toBe("device");
    expect(page.store.get().flows["flow_1"]?.device?.userCode).toBe("WDJB-MJHT");
    page.signIn.leaveDevice("flow_1");
    expect(page.store.get().windows["flow_1"]).toBe("needed");
    expect(page.store.get().flows["flow_1"]?.device?.state).toBe("waiting");
  });

  it("leaves everything as it was when the server does not let the user", async () => {
    const page = bench();
    start(page);
    challenge(page);
    const before = page.store.get();
    page.refuse = { code: "device_grant_unsupported", message: "no", retryable: false };
    expect(await page.signIn.useDevice("flow_1")).toMatchObject({ code: "device_grant_unsupported" });
    expect(page.store.get()).toBe(before);
    expect(page.log.at(-1)).toBe("device flow_1");
  });
});

describe("startUrlOf", () => {
  it("gives the absolute address of a flow of this origin", () => {
    expect(startUrlOf(aFlow(), origin)).toBe(`${origin}/flows/flow_1/start`);
    expect(startUrlOf(aFlow({ startUrl: undefined }), origin)).toBe(`${origin}/flows/flow_1/start`);
  });
  it.each([
    "javascript:alert(1)",
    "https://evil.example/flows/x",
    "//evil.example/flows/x",
    "/\\evil.example/flows/x",
    "/callback/x",
    "data:text/html,x",
    "/flows/../callback/x",
  ])("M10 refuses %s", (startUrl) => {
    expect(startUrlOf(aFlow({ startUrl }), origin)).toBeUndefined();
  });
});
