import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Authorization } from "../src/authorization.ts";
import { type App, connect } from "../src/connect.ts";
import { createFrame } from "./stand-in-frame.ts";
import { type Answer, connectApps } from "./stand-in-host.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
beforeEach(() => {
  vi.useFakeTimers({ now });
});
afterEach(() => {
  vi.useRealTimers();
});

const handle = "apr_0123456789abcdef012345";
const link = "https://wallet.example/pay/abc";
const expiresAt = now + 600_000;
const demand = { link, handle, expiresAt, awaitTool: "await_approval" };
const waits: Answer = { content: [], structuredContent: { status: "awaiting_approval" }, _meta: { "countersign/approval": demand } };
const receipt: Answer = { content: [], structuredContent: { order: "ord_1" } };
const state = (word: string, more: Record<string, unknown> = {}): Answer => ({ content: [], structuredContent: { state: word, ...more } });

function inTurn(...answers: readonly Answer[]): () => Answer {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)];
}

function watch(app: App): Authorization[] {
  const seen: Authorization[] = [];
  app.onAuthorization((authorization) => seen.push(authorization));
  return seen;
}

describe("a tool that waits for the user's approval", () => {
  test("resolves with what the waiting tool brings, after showing the link", async () => {
    const host = await connectApps({ tools: { pay: () => waits, await_approval: inTurn(state("pending"), state("approved", { order: "ord_1" })) } });
    const seen = watch(host.app);
    const call = host.app.callTool("pay", { checkout_id: "chk_1" });
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await call).structuredContent).toEqual({ state: "approved", order: "ord_1" });
    expect(host.calls).toEqual([
      { tool: "pay", args: { checkout_id: "chk_1" } },
      { tool: "await_approval", args: { handle } },
      { tool: "await_approval", args: { handle } },
    ]);
    expect(seen).toEqual([
      { state: "idle" },
      { state: "required", rung: "link", purpose: "approval", tool: "pay", link, expiresAt },
      { state: "granted", rung: "link", tool: "pay" },
    ]);
    expect(host.contexts).toEqual([{ content: [{ type: "text", text: "The user approved what pay asked for." }] }]);
  });

  test("is called once more when the waiting tool only knows that it is approved", async () => {
    const host = await connectApps({ tools: { pay: inTurn(waits, receipt), await_approval: () => state("approved") } });
    expect((await host.app.callTool("pay")).structuredContent).toEqual({ order: "ord_1" });
    expect(host.calls.map(({ tool }) => tool)).toEqual(["pay", "await_approval", "pay"]);
  });

  test("may put its demand into a refusal", async () => {
    const refused: Answer = {
      ...waits,
      isError: true,
      structuredContent: { error: { code: "payment_pending", message: "Waiting.", retryable: true } },
    };
    const host = await connectApps({ tools: { pay: inTurn(refused, receipt), await_approval: () => state("approved") } });
    expect((await host.app.callTool("pay")).structuredContent).toEqual({ order: "ord_1" });
  });

  test("whose refusal also asks for a sign-in is approved without one: no account is linked on the way", async () => {
    const refused: Answer = {
      content: [],
      isError: true,
      _meta: { "countersign/approval": demand, "mcp/www_authenticate": ['Bearer error="insufficient_scope"'] },
    };
    const host = await connectApps({ tools: { pay: inTurn(refused, receipt), await_approval: () => state("approved") } });
    expect((await host.app.callTool("pay", {}, { idempotent: true })).structuredContent).toEqual({ order: "ord_1" });
    expect(host.calls.map(({ tool }) => tool)).toEqual(["pay", "await_approval", "pay"]);
  });

  test("that demands approval for ever is stopped", async () => {
    const host = await connectApps({ tools: { pay: () => waits, await_approval: () => state("approved") } });
    await expect(host.app.callTool("pay")).rejects.toMatchObject({ code: "payment_pending" });
    expect(host.calls.filter(({ tool }) => tool === "pay")).toHaveLength(3);
  });

  test.each([
    ["denied", "payment_denied", "denied", true],
    ["expired", "payment_request_expired", "expired", false],
  ])("ends as the user decided: %s", async (word, code, shown, retryable) => {
    const host = await connectApps({ tools: { pay: () => waits, await_approval: () => state(word) } });
    const seen = watch(host.app);
    await expect(host.app.callTool("pay")).rejects.toMatchObject({ code, retryable });
    expect(seen.at(-1)).toEqual({ state: shown, rung: "link", tool: "pay" });
    expect(host.calls.filter(({ tool }) => tool === "pay")).toHaveLength(1);
    expect(host.contexts).toHaveLength(1);
  });

  test("goes through the link when the user is linked, and waits without it", async () => {
    const lnk = `lnk_${"h".repeat(43)}`;
    const challenge: Answer = { isError: true, content: [], _meta: { "mcp/www_authenticate": ["Bearer"] } };
    const offer: Answer = {
      content: [],
      structuredContent: { status: "pending" },
      _meta: { "countersign/link": { handle: lnk, link: "https://wallet.example/device", code: "BCDF", expiresAt } },
    };
    const tools = {
      pay: () => challenge,
      link_account: () => offer,
      await_link: (): Answer => ({ content: [], structuredContent: { status: "linked" } }),
      call_linked: inTurn(waits, receipt),
      await_approval: () => state("approved"),
    };
    const host = await connectApps({ tools });
    expect((await host.app.callTool("pay")).structuredContent).toEqual({ order: "ord_1" });
    expect(host.calls.map(({ tool }) => tool)).toEqual(["pay", "link_account", "await_link", "call_linked", "await_approval", "call_linked"]);
  });

  test.each([
    [{ link: "javascript:alert(1)" }, "unsafe_url"],
    [{ link: "http://wallet.example/" }, "unsafe_url"],
    [{ handle: "short" }, "protocol_error"],
    [{ awaitTool: "<b>" }, "protocol_error"],
    [{ expiresAt: now + 90_000_000 }, "protocol_error"],
  ])("is refused when its demand may not be shown: %j", async (change, code) => {
    const bad: Answer = { content: [], _meta: { "countersign/approval": { ...demand, ...change } } };
    const host = await connectApps({ tools: { pay: () => bad } });
    const seen = watch(host.app);
    await expect(host.app.callTool("pay")).rejects.toMatchObject({ code, retryable: false });
    expect(seen).toEqual([{ state: "idle" }]);
    expect(host.calls).toHaveLength(1);
  });
});

test("the link of a payment that still waits comes back when another one is decided", async () => {
  const second = { link: "https://wallet.example/pay/def", handle: "apr_other56789abcdef012345", expiresAt, awaitTool: "await_approval" };
  const more: Answer = { content: [], _meta: { "countersign/approval": second } };
  const await_approval = ({ handle: asked }: Readonly<Record<string, unknown>>): Answer =>
    asked === handle ? state("pending") : state("approved", { order: "ord_2" });
  const host = await connectApps({ tools: { pay: ({ id }) => (id === 1 ? waits : more), await_approval } });
  const seen = watch(host.app);
  void host.app.callTool("pay", { id: 1 }).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  await host.app.callTool("pay", { id: 2 });
  expect(seen.map((each) => [each.state, each.link])).toEqual([
    ["idle", undefined],
    ["required", link],
    ["required", second.link],
    ["granted", undefined],
    ["required", link],
  ]);
});

describe("a view that is reloaded while a payment waits", () => {
  /** A host that keeps the state of the view and carries calls to scripted tools. */
  function keeper(tools: Readonly<Record<string, () => Answer>>): { open: () => Promise<App>; called: unknown[]; stored: () => unknown } {
    let stored: unknown = null;
    const called: unknown[] = [];
    const openai = {
      async callTool(name: string): Promise<unknown> {
        called.push(name);
        return tools[name]?.();
      },
      get widgetState(): unknown {
        return stored;
      },
      setWidgetState(value: unknown): void {
        stored = structuredClone(value);
      },
    };
    return { open: () => connect({ window: createFrame(openai).window, bridge: "openai" }), called, stored: () => stored };
  }

  /** Waits with a first view until it shows the link; that view then ends without another word. */
  async function leaveWaiting(host: { open: () => Promise<App> }): Promise<void> {
    const stop = new AbortController();
    const first = await host.open();
    const call = first.callTool("pay", { checkout_id: "chk_1" }, { signal: stop.signal }).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    stop.abort();
    await call;
  }

  test("goes on waiting by itself, without another call of the tool, and is told the outcome", async () => {
    const host = keeper({ pay: () => waits, await_approval: inTurn(state("pending"), state("pending"), state("approved", { order: "ord_1" })) });
    await leaveWaiting(host);
    expect(JSON.stringify(host.stored())).toContain(handle);
    expect(JSON.stringify(Reflect.get(Object(host.stored()), "modelContent"))).not.toContain(handle);
    const second = await host.open();
    const seen = watch(second);
    const told = vi.fn();
    second.onToolResult(told);
    const again = second.callTool("pay", { checkout_id: "chk_1" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await again).structuredContent).toEqual({ state: "approved", order: "ord_1" });
    expect(told).toHaveBeenCalledExactlyOnceWith({ content: [], structuredContent: { state: "approved", order: "ord_1" } });
    expect(host.called.filter((name) => name === "pay")).toHaveLength(1);
    expect(seen[0]).toEqual({ state: "required", rung: "link", purpose: "approval", tool: "pay", link, expiresAt });
    expect(JSON.stringify(host.stored())).not.toContain(handle);
  });

  test("keeps no call that is too large for a host's state, and the app's own part beside it", async () => {
    const host = keeper({ pay: () => waits, await_approval: () => state("pending") });
    const first = await host.open();
    first.state.set({ screen: "checkout" });
    void first.callTool("pay", { note: "x".repeat(2_001) }).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(JSON.stringify(host.stored())).not.toContain(handle);
    expect(JSON.stringify(host.stored())).toContain("checkout");
  });

  test("lets go of a call that is cancelled, and goes on waiting", async () => {
    const host = keeper({ pay: () => waits, await_approval: () => state("pending") });
    await leaveWaiting(host);
    const second = await host.open();
    const stop = new AbortController();
    const again = second.callTool("pay", { checkout_id: "chk_1" }, { signal: stop.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    stop.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(await Promise.race([again, Promise.resolve("hangs")])).toMatchObject({ code: "cancelled" });
    expect(JSON.stringify(host.stored())).toContain(handle);
  });

  test("calls nothing anew by itself when what it waited for is over", async () => {
    const gone: Answer = { isError: true, content: [], structuredContent: { error: { code: "not_found", message: "x", retryable: false } } };
    const host = keeper({ pay: inTurn(waits, receipt), await_approval: inTurn(state("pending"), gone) });
    await leaveWaiting(host);
    await host.open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(host.called.filter((name) => name === "pay")).toHaveLength(1);
  });

  test("makes a new call when the app asks for it while the old one turns out to be over", async () => {
    const gone: Answer = { isError: true, content: [], structuredContent: { error: { code: "not_found", message: "x", retryable: false } } };
    const host = keeper({ pay: inTurn(waits, receipt), await_approval: inTurn(state("pending"), gone) });
    await leaveWaiting(host);
    const second = await host.open();
    expect((await second.callTool("pay", { checkout_id: "chk_1" })).structuredContent).toEqual({ order: "ord_1" });
  });

  test("asks for nothing that has expired or was tampered with", async () => {
    const host = keeper({ pay: () => waits, await_approval: () => state("pending") });
    await leaveWaiting(host);
    vi.setSystemTime(expiresAt + 1);
    const asked = host.called.length;
    const second = await host.open();
    expect(watch(second)).toEqual([{ state: "idle" }]);
    expect(host.called).toHaveLength(asked);
  });
});
