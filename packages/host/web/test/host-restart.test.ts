import { describe, expect, it } from "vitest";
import { createApi } from "../src/api.ts";
import { type Console, createConsole } from "../src/console.ts";
import { createOpenViews } from "../src/open-views.ts";
import { awaitsEvents } from "../src/reread.ts";
import { createSignIn, type SignIn } from "../src/sign-in.ts";
import { openFlows } from "../src/state.ts";
import { createStore, type Store } from "../src/store.ts";
import { aConnector, aFlow, aTool } from "./fixtures.ts";

/** The host as its HTTP API shows it. What happens while the page is away has no event. */
interface HostNow {
  profile: string;
  readonly flows: Map<string, unknown>;
  readonly calls: Map<string, unknown>;
  isDown: boolean;
}

interface Bench {
  readonly host: HostNow;
  readonly page: Console;
  readonly store: Store;
  readonly signIn: SignIn;
  readonly log: string[];
}

const flowJson = (id: string, state: string): object => ({ ...aFlow({ id, state }), scope: [] });
const callJson = (fields: object): object => ({ id: "call_1", connectorId: "store", tool: "list_orders", origin: "user", version: 1, ...fields });

function bench(): Bench {
  const host: HostNow = { profile: "countersign", flows: new Map(), calls: new Map(), isDown: false };
  const log: string[] = [];
  const found = (value: unknown): Response =>
    value === undefined ? Response.json({ code: "not_found", error_description: "", retryable: false }, { status: 404 }) : Response.json(value);
  const answer = (method: string, path: string): Response => {
    const id = path.split("/")[3] ?? "";
    if (path === "/api/session") return Response.json({ user: { id: "u" }, connectors: [aConnector()], profile: host.profile });
    if (path.endsWith("/sign-in")) host.flows.set("flow_1", flowJson("flow_1", "ready"));
    if (path.endsWith("/sign-in")) return found(host.flows.get("flow_1"));
    if (path.startsWith("/api/flows/")) return found(host.flows.get(id));
    if (path.startsWith("/api/calls")) return found(host.calls.get(method === "POST" ? "call_1" : id));
    return found(undefined);
  };
  const send: typeof fetch = async (input, init) => {
    if (host.isDown) throw new TypeError("no connection");
    return answer(init?.method ?? "GET", typeof input === "string" ? input : "");
  };
  const store = createStore();
  const api = createApi(send);
  const openWindow = (): { navigate: () => void; close: () => void } => ({ navigate: () => {}, close: () => void log.push("window closed") });
  const signIn = createSignIn({
    store,
    openWindow,
    isActivated: () => true,
    now: () => 0,
    cancelFlow: api.cancelFlow,
    startDevice: api.startDevice,
    beginConnectorFlow: api.signInConnector,
    origin: "http://127.0.0.1:4100",
  });
  const storage = { getItem: () => null, setItem: () => {} };
  const conversation = { current: () => "conversation_1", renew: () => {} };
  const page = createConsole({ store, api, signIn, open: createOpenViews(), conversation, now: () => 0, newId: () => "id_1", storage });
  return { host, page, store, signIn, log };
}

const cards = ({ store }: Bench): readonly string[] => openFlows(store.get()).map(({ flow }) => flow.id);

/** The host goes away, `meanwhile` happens, it is back under another profile, and the page's stream is live again. */
async function restart({ host, page }: Bench, meanwhile: () => void): Promise<void> {
  host.isDown = true;
  await page.refresh();
  meanwhile();
  host.profile = "claude";
  host.isDown = false;
  await page.refresh();
}

describe("a sign-in card over a restart of the host", () => {
  async function signedInTo(): Promise<Bench> {
    const here = bench();
    await here.page.start();
    expect(await here.signIn.signInConnector("store")).toBeUndefined();
    expect(cards(here)).toEqual(["flow_1"]);
    return here;
  }

  it.each([
    ["granted", flowJson("flow_1", "granted")],
    ["cancelled", flowJson("flow_1", "cancelled")],
    ["forgotten", undefined],
  ])("goes, with its window, when the connector's sign-in was %s meanwhile", async (_how, flow) => {
    const here = await signedInTo();
    await restart(here, () => (flow === undefined ? here.host.flows.clear() : here.host.flows.set("flow_1", flow)));
    expect(cards(here)).toEqual([]);
    expect(here.log).toEqual(["window closed"]);
    expect(here.store.get().profile).toBe("claude");
    expect(awaitsEvents(here.store.get())).toBe(false);
  });

  it("stays while the sign-in goes on, and while the host cannot be asked", async () => {
    const here = await signedInTo();
    await restart(here, () => {});
    expect([cards(here), here.log]).toEqual([["flow_1"], []]);
    here.host.isDown = true;
    await here.page.refresh();
    expect(cards(here)).toEqual(["flow_1"]);
    // It is asked for again without any event.
    expect(awaitsEvents(here.store.get())).toBe(true);
  });

  it("follows a call to the sign-in that it waits for now, and goes with the call", async () => {
    const here = bench();
    await here.page.start();
    here.host.calls.set("call_1", callJson({ state: "authorizing", flow: flowJson("flow_1", "opened") }));
    expect(await here.page.callTool("store", aTool(), {})).toBeUndefined();
    expect(cards(here)).toEqual(["flow_1"]);
    await restart(here, () => here.host.calls.set("call_1", callJson({ state: "authorizing", version: 2, flow: flowJson("flow_2", "ready") })));
    expect(cards(here)).toEqual(["flow_2"]);
    const error = { code: "flow_expired", message: "Too late.", retryable: true };
    await restart(here, () => here.host.calls.set("call_1", callJson({ state: "failed", version: 3, error })));
    expect(cards(here)).toEqual([]);
  });
});
