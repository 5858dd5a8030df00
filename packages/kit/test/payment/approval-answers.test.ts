import { readApprovalAnswer } from "@countersign/protocol/approval-answer";
import { member } from "@countersign/protocol/shape";
import { beforeEach, describe, expect, test } from "vitest";
import type { SignedCheckout } from "../../src/payment/payee.ts";
import { createTestClock, type TestClock } from "../stand-ins/clock.ts";
import { callAs, createPayShop, type PayShop, type Presented } from "../stand-ins/pay-shop.ts";
import { eras, readRpc, rpcRequest } from "../stand-ins/shop.ts";
import { createTestWallet, terms, type TestWallet } from "../stand-ins/wallet.ts";

let clock: TestClock;
let wallet: TestWallet;
let checkout: SignedCheckout;
let shop: PayShop;

beforeEach(async () => {
  clock = createTestClock();
  wallet = await createTestWallet(clock);
  checkout = await wallet.payee.signCheckout(terms);
  shop = createPayShop(wallet, clock, checkout);
  return () => shop.app.close();
});

const link = "https://wallet.test/approve/pr_1";
const accepted = { approval: { action: "accept" } };
const elicits = { elicitsUrls: true } as const;

async function stateFrom(client: Presented): Promise<unknown> {
  return member((await callAs(shop, "pay", client)).result, "requestState");
}

const codeOf = (reply: { readonly result?: unknown }): unknown => member(member(member(reply.result, "structuredContent"), "error"), "code");

describe("a client of 2026-07-28 that shows addresses", () => {
  test("L05 L30 is asked for input, and the same call with the answer gives the result once the user has approved", async () => {
    const asked = await callAs(shop, "pay", elicits);
    expect(asked.result).toMatchObject({
      resultType: "input_required",
      inputRequests: { approval: { method: "elicitation/create", params: { mode: "url", url: link, message: expect.any(String) } } },
      requestState: expect.any(String),
    });
    expect(shop.events).toEqual([{ event: "approval_asked", tool: "pay", form: "elicitation", request: "pr_1" }]);
    await wallet.approve("pr_1");
    const paid = await callAs(shop, "pay", { ...elicits, state: member(asked.result, "requestState"), answers: accepted });
    expect(paid.result).toMatchObject({ resultType: "complete", structuredContent: { paid: 2600 } });
    expect(wallet.waits).toEqual(["20"]);
    expect(JSON.stringify([asked, paid])).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|mandate/);
  });

  test("comes back without asking the user again while nobody has decided, and shows the address again each fourth time", async () => {
    let state = await stateFrom(elicits);
    const shown: boolean[] = [];
    for (let round = 1; round <= 8; round += 1) {
      const { result } = await callAs(shop, "pay", { ...elicits, state, ...(round % 4 === 1 ? { answers: accepted } : {}) });
      shown.push(member(result, "inputRequests") !== undefined);
      state = member(result, "requestState");
    }
    expect(shown).toEqual([false, false, false, true, false, false, false, true]);
    expect(wallet.requests.size).toBe(1);
  });

  test.each(["decline", "cancel"])("whose user answers %s gets no payment and no second question", async (action) => {
    const state = await stateFrom(elicits);
    const reply = await callAs(shop, "pay", { ...elicits, state, answers: { approval: { action } } });
    expect(codeOf(reply)).toBe("cancelled");
    expect(shop.ran).toEqual(["pay"]);
  });

  test.each([
    ["denied", "payment_denied"],
    ["expired", "payment_request_expired"],
    ["revoked", "payment_denied"],
    ["canceled", "payment_request_expired"],
  ] as const)("P16 learns that the request is %s, and the request is not replaced behind its back", async (status, code) => {
    const state = await stateFrom(elicits);
    wallet.decide("pr_1", status);
    expect(codeOf(await callAs(shop, "pay", { ...elicits, state, answers: accepted }))).toBe(code);
    expect(wallet.requests.size).toBe(1);
  });
});

describe("M04 a requestState", () => {
  const flip = (state: unknown, at: number): string => {
    const text = String(state);
    const index = Math.floor(text.length * at);
    return text.slice(0, index) + (text[index] === "A" ? "B" : "A") + text.slice(index + 1);
  };
  const rows: readonly [what: string, reason: string, change: (state: unknown) => Promise<Presented>][] = [
    ["with a flipped byte at its start", "unreadable", async (state) => ({ state: flip(state, 0) })],
    ["with a flipped byte in its middle", "unreadable", async (state) => ({ state: flip(state, 0.5) })],
    ["that is another text", "unreadable", async () => ({ state: "AAAA" })],
    ["that is empty", "unreadable", async () => ({ state: "" })],
    ["beyond its bound", "unreadable", async (state) => ({ state: String(state).repeat(9) })],
    ["in the hands of a signed-in user", "other_principal", async (state) => ({ state, token: await wallet.issuer.token() })],
    ["with another argument", "other_arguments", async (state) => ({ state, args: { checkout_id: "co_2" } })],
    ["with one argument more", "other_arguments", async (state) => ({ state, args: { checkout_id: "co_1", note: "x" } })],
  ];
  test.each(rows)("%s is refused, nothing runs, and the right call goes on", async (_what, reason, change) => {
    const state = await stateFrom(elicits);
    await wallet.approve("pr_1");
    shop.events.length = 0;
    const reply = await callAs(shop, "pay", { ...elicits, ...(await change(state)), answers: accepted });
    expect(codeOf(reply)).toBe("answer_refused");
    expect(shop.events).toEqual([{ event: "approval_refused", tool: "pay", reason }]);
    expect(shop.ran).toEqual(["pay"]);
    expect(JSON.stringify(reply)).not.toMatch(/(?<![\w-])2600(?![\w-])/);
    expect((await callAs(shop, "pay", { ...elicits, state, answers: accepted })).result).toMatchObject({ structuredContent: { paid: 2600 } });
  });

  test("of one user is refused to another one and to a guest", async () => {
    const token = await wallet.issuer.token();
    const state = await stateFrom({ ...elicits, token });
    for (const other of [await wallet.issuer.token({ sub: "usr_2" }), undefined]) {
      const reply = await callAs(shop, "pay", { ...elicits, state, answers: accepted, ...(other === undefined ? {} : { token: other }) });
      expect(codeOf(reply)).toBe("answer_refused");
    }
    await wallet.approve("pr_1");
    expect((await callAs(shop, "pay", { ...elicits, state, token, answers: accepted })).result).toMatchObject({ structuredContent: { paid: 2600 } });
  });

  test("serves one tool only", async () => {
    const token = await wallet.issuer.token({ scope: "orders:write" });
    const state = await stateFrom({ ...elicits, token });
    expect(codeOf(await callAs(shop, "buy", { ...elicits, state, token, answers: accepted }))).toBe("answer_refused");
    expect(shop.events.at(-1)).toEqual({ event: "approval_refused", tool: "buy", reason: "other_tool" });
  });

  test("expires a minute after nobody can approve any more", async () => {
    const [early, late] = [await stateFrom(elicits), await stateFrom(elicits)];
    clock.advance(959_999);
    expect(codeOf(await callAs(shop, "pay", { ...elicits, state: early, answers: accepted }))).not.toBe("answer_refused");
    clock.advance(1);
    expect(codeOf(await callAs(shop, "pay", { ...elicits, state: late, answers: accepted }))).toBe("answer_refused");
    expect(shop.events.at(-1)).toMatchObject({ reason: "expired" });
  });

  test("serves once, also for 20 at the same time", async () => {
    const state = await stateFrom(elicits);
    await wallet.approve("pr_1");
    const replies = await Promise.all(Array.from({ length: 20 }, () => callAs(shop, "pay", { ...elicits, state, answers: accepted })));
    expect(replies.filter((each) => codeOf(each) === undefined)).toHaveLength(1);
    expect(replies.filter((each) => codeOf(each) === "answer_refused")).toHaveLength(19);
  });

  test("does not depend on the order of the arguments, and tells an empty list from an empty object", async () => {
    const ask = (args: Record<string, unknown>) => ({ ...elicits, args });
    const state = await stateFrom(ask({ checkout_id: "co_1", note: "x" }));
    await wallet.approve("pr_1");
    const reply = await callAs(shop, "pay", { ...ask({ note: "x", checkout_id: "co_1" }), state, answers: accepted });
    expect(reply.result).toMatchObject({ structuredContent: { paid: 2600 } });
  });

  test("of another app is refused, and a handle is no state", async () => {
    const other = createPayShop(await createTestWallet(clock), clock, checkout);
    const foreign = member((await callAs(other, "pay", elicits)).result, "requestState");
    const handle = await handleFrom({ userAgent: "claude-user/1.0" });
    for (const state of [foreign, handle]) {
      expect(codeOf(await callAs(shop, "pay", { ...elicits, state, answers: accepted }))).toBe("answer_refused");
    }
    await other.app.close();
  });
});

describe("a client of 2025-11-25 that shows addresses", () => {
  const legacy = { era: "2025-11-25", ...elicits } as const;

  test("L30 gets error -32042 with the address for a signed-in user, whose same call gives the result once they have approved", async () => {
    const token = await wallet.issuer.token();
    const asked = await callAs(shop, "pay", { ...legacy, token });
    const elicitations = [{ mode: "url", url: link, elicitationId: expect.any(String), message: expect.any(String) }];
    expect(asked.error).toMatchObject({ code: -32042, data: { elicitations } });
    await wallet.approve("pr_1");
    expect((await callAs(shop, "pay", { ...legacy, token })).result).toMatchObject({ structuredContent: { paid: 2600 } });
  });

  test("is told to sign in for a guest, whose same call would prove nothing; with another issuer's tokens it gets a link", async () => {
    expect(await callAs(shop, "pay", legacy)).toEqual({ status: 401 });
    const other = createPayShop(wallet, clock, checkout, { issuer: "https://login.test" });
    expect((await callAs(other, "pay", legacy)).result).toMatchObject({ isError: true, _meta: { "countersign/approval": { link } } });
    await other.app.close();
  });

  test("that declares nothing gets it where the app's owner says so", async () => {
    const fixed = createPayShop(wallet, clock, checkout, { approvalForm: "elicitation" });
    const asked = await callAs(fixed, "pay", { era: "2025-11-25", token: await wallet.issuer.token() });
    expect(asked.error).toMatchObject({ code: -32042 });
    await fixed.app.close();
  });
});

async function handleFrom(client: Presented): Promise<string> {
  const read = readApprovalAnswer((await callAs(shop, "pay", client)).result?.["_meta"], clock.now());
  if (!read.ok || read.value === undefined) throw new TypeError("no approval in the answer");
  return read.value.handle;
}

const waitFor = (handle: unknown, client: Presented = {}) => callAs(shop, "await_approval", { ...client, args: { handle } });

describe.each(eras)("a client of %s that acts on no challenge", (era) => {
  const claude = { era, userAgent: "claude-user/1.0" } as const;

  test("L05 L30 gets a link for the user and a handle for the view, which waits and gets the result of the call", async () => {
    const asked = await callAs(shop, "pay", claude);
    expect(asked.status).toBe(200);
    expect(asked.result).toMatchObject({ isError: true, structuredContent: { error: { code: "payment_pending", retryable: true } } });
    const read = readApprovalAnswer(asked.result?.["_meta"], clock.now());
    expect(read).toMatchObject({ ok: true, value: { link, expiresAt: clock.now() + 900_000, awaitTool: "await_approval" } });
    const { handle } = read.ok && read.value !== undefined ? read.value : { handle: "" };
    const { content, structuredContent } = asked.result ?? {};
    expect(JSON.stringify(content)).toContain(link);
    expect(JSON.stringify({ content, structuredContent })).not.toContain(handle);
    expect(shop.events).toEqual([{ event: "approval_asked", tool: "pay", form: "link", request: "pr_1" }]);

    expect((await waitFor(handle, claude)).result).toMatchObject({ structuredContent: { state: "pending" } });
    await wallet.approve("pr_1");
    const paid = await waitFor(handle, claude);
    expect(paid.result).toMatchObject({ structuredContent: { state: "approved", paid: 2600 }, _meta: { receipt: "r_1" } });
    expect((await waitFor(handle, claude)).result).toMatchObject({ structuredContent: { state: "approved", paid: 2600 } });
    expect(JSON.stringify(paid)).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|mandate/);
    expect(wallet.waits).toContain("20");
  });

  test.each([
    ["denied", "denied"],
    ["revoked", "denied"],
    ["canceled", "denied"],
    ["expired", "expired"],
  ] as const)("P16 learns that the request is %s", async (status, state) => {
    const handle = await handleFrom(claude);
    wallet.decide("pr_1", status);
    expect((await waitFor(handle, claude)).result).toMatchObject({ structuredContent: { state } });
    expect(shop.ran).toEqual(["pay"]);
    expect(wallet.requests.size).toBe(1);
  });

  test("X09 waits for one payment in half of the room at most, by however many handles", async () => {
    const handle = await handleFrom(claude);
    const handles = await Promise.all(Array.from({ length: 250 }, () => handleFrom(claude)));
    const all = await Promise.all(handles.map((each) => waitFor(each, claude)));
    const refused = all.filter((each) => codeOf(each) === "rate_limited");
    expect(refused.length).toBeGreaterThan(50);
    expect(all.length - refused.length).toBeGreaterThanOrEqual(128);
    expect((await waitFor(handle, claude)).result).toMatchObject({ structuredContent: { state: "pending" } });
  });

  test("M03 cannot wait by the link, the request's id, a changed handle or a state, and the wallet is not asked", async () => {
    const handle = await handleFrom(claude);
    const state = await stateFrom(elicits);
    await wallet.approve("pr_1");
    const before = wallet.waits.length;
    for (const wrong of [link, "pr_1", `${handle.slice(0, -8)}AAAAAAAA`, handle.slice(1), state, "A".repeat(43), ""]) {
      expect(codeOf(await waitFor(wrong, claude))).toBe("not_found");
    }
    expect(wallet.waits).toHaveLength(before);
    expect(shop.events.at(-1)).toEqual({ event: "approval_refused", tool: "await_approval", reason: "unreadable" });
    expect((await waitFor(handle, claude)).result).toMatchObject({ structuredContent: { state: "approved" } });
  });
});

describe("a handle", () => {
  const claude = { userAgent: "claude-user/1.0" } as const;

  test("M19 of a signed-in user's call gives nothing to whoever else approved", async () => {
    const handle = await handleFrom({ ...claude, token: await wallet.issuer.token({ sub: "usr_2" }) });
    await wallet.approve("pr_1");
    const { result } = await waitFor(handle);
    expect(result).toMatchObject({ structuredContent: { state: "approved" } });
    expect(JSON.stringify(result)).not.toMatch(/(?<![\w-])2600(?![\w-])/);
  });

  test("M03 is not for a guest who knows the checkout that a user pays, also while it waits", async () => {
    const token = await wallet.issuer.token();
    const theirs = readApprovalAnswer((await callAs(shop, "pay", { ...claude, token })).result?.["_meta"], clock.now());
    expect(await callAs(shop, "pay", claude)).toEqual({ status: 401 });
    expect(await callAs(shop, "pay", elicits)).toEqual({ status: 401 });
    expect(shop.events.at(-1)).toMatchObject({ event: "challenged", scope: "payment:pr_1" });
    const inResult = await callAs(shop, "pay", { era: "2025-11-25", userAgent: "openai-mcp/1.0.0" });
    expect(readApprovalAnswer(inResult.result?.["_meta"], clock.now())).toEqual({ ok: true, value: undefined });
    await wallet.approve("pr_1");
    expect((await waitFor(theirs.ok ? theirs.value?.handle : "")).result).toMatchObject({ structuredContent: { paid: 2600 } });
  });

  test("M08 runs no tool that demands a token", async () => {
    const token = await wallet.issuer.token({ scope: "orders:write" });
    const read = readApprovalAnswer((await callAs(shop, "buy", { ...claude, token })).result?.["_meta"], clock.now());
    await wallet.approve("pr_1");
    const { result } = await waitFor(read.ok ? read.value?.handle : undefined);
    expect(member(result, "structuredContent")).toEqual({ state: "approved" });
    expect(shop.ran).toEqual(["buy"]);
    expect((await callAs(shop, "buy", { ...claude, token })).result).toMatchObject({ structuredContent: { paid: 2600 } });
  });

  test("of a call with long arguments tells the state alone", async () => {
    const handle = await handleFrom({ ...claude, args: { checkout_id: "co_1", note: "x".repeat(1_000) } });
    expect(handle.length).toBeLessThan(2048);
    await wallet.approve("pr_1");
    expect(member((await waitFor(handle)).result, "structuredContent")).toEqual({ state: "approved" });
  });

  test("of a call whose arguments are long only when they are written tells the state alone", async () => {
    const handle = await handleFrom({ ...claude, args: { checkout_id: "co_1", note: "\u6f22".repeat(900) } });
    expect(handle.length).toBeLessThanOrEqual(2048);
    await wallet.approve("pr_1");
    expect(member((await waitFor(handle)).result, "structuredContent")).toEqual({ state: "approved" });
  });

  test("waits no longer when the server stops: nobody has decided", async () => {
    const stopping = new AbortController();
    const leaving = createPayShop(wallet, clock, checkout, { stopping: stopping.signal });
    const read = readApprovalAnswer((await callAs(leaving, "pay", claude)).result?.["_meta"], clock.now());
    const arrived = Promise.withResolvers<void>();
    wallet.hold = () => {
      arrived.resolve();
      return new Promise(() => undefined);
    };
    const waiting = callAs(leaving, "await_approval", { args: { handle: read.ok ? read.value?.handle : "" } });
    await arrived.promise;
    stopping.abort();
    expect(member((await waiting).result, "structuredContent")).toEqual({ state: "pending" });
    await leaving.app.close();
  });

  test("is over when a mandate would be", async () => {
    const handle = await handleFrom(claude);
    clock.advance(1_800_000);
    expect(codeOf(await waitFor(handle))).toBe("not_found");
    expect(shop.events.at(-1)).toMatchObject({ event: "approval_refused", reason: "expired" });
  });

  test("is for views: the tool that takes it is anonymous and hidden from the model", async () => {
    const { result } = await readRpc(await shop.app.fetch(rpcRequest("2026-07-28", "tools/list")));
    const tools = member(result, "tools");
    const tool: unknown = Array.isArray(tools) ? tools.find((each) => member(each, "name") === "await_approval") : undefined;
    expect(tool).toMatchObject({ securitySchemes: [{ type: "noauth" }], _meta: { ui: { visibility: ["app"] } } });
  });
});

describe("a client that takes challenges in results", () => {
  test("L05 gets the challenge and what a view waits by in one answer", async () => {
    const chatgpt = { era: "2025-11-25", userAgent: "openai-mcp/1.0.0" } as const;
    const { result } = await callAs(shop, "pay", chatgpt);
    const challenges = member(result?.["_meta"], "mcp/www_authenticate");
    expect(challenges).toEqual([expect.stringContaining('scope="payment:pr_1"')]);
    const handle = readApprovalAnswer(result?.["_meta"], clock.now());
    await wallet.approve("pr_1");
    expect((await waitFor(handle.ok ? handle.value?.handle : "", chatgpt)).result).toMatchObject({ structuredContent: { paid: 2600 } });
    const token = await wallet.issuer.token({ scope: "payment:pr_1" });
    expect((await callAs(shop, "pay", { ...chatgpt, token })).result).toMatchObject({ structuredContent: { paid: 2600 } });
  });
});

describe("a payment that somebody approved", () => {
  const claude = { userAgent: "claude-user/1.0" } as const;

  test("asks a guest to sign in, without the scope of a payment that no wallet shows any more, and is then the approver's", async () => {
    await callAs(shop, "pay", claude);
    await wallet.approve("pr_1");
    expect(await callAs(shop, "pay", claude)).toEqual({ status: 401 });
    expect(shop.events.at(-1)).toEqual({ event: "challenged", tool: "pay", scope: "", form: "http", status: 401 });
    expect((await callAs(shop, "pay", { ...claude, token: await wallet.issuer.token() })).result).toMatchObject({
      structuredContent: { paid: 2600 },
    });
  });

  test("M03 tells another user that it is not theirs, and asks them for nothing", async () => {
    await callAs(shop, "pay", claude);
    await wallet.approve("pr_1");
    const token = await wallet.issuer.token({ sub: "usr_2" });
    for (const userAgent of ["claude-user/1.0", "openai-mcp/1.0.0", "Visual Studio Code/1.110"]) {
      expect(codeOf(await callAs(shop, "pay", { userAgent, token }))).toBe("claimed_elsewhere");
    }
  });
});

describe("L32 M03 M19 whoever comes back in another one's place", () => {
  const forms: readonly [form: string, client: Presented][] = [
    ["a challenge by HTTP", {}],
    ["a challenge in the result", { era: "2025-11-25", userAgent: "openai-mcp/1.0.0" }],
    ["a link", { userAgent: "claude-user/1.0" }],
    ["a question with an address", elicits],
    ["error -32042", { era: "2025-11-25", ...elicits }],
  ];
  test.each(forms)("to %s has no payment, whatever they bring, and its user has it", async (_form, client) => {
    const token = await wallet.issuer.token();
    const asked = await callAs(shop, "pay", { ...client, token });
    const state = member(asked.result, "requestState");
    const back = { ...client, ...(state === undefined ? {} : { state, answers: accepted }) };
    await wallet.approve("pr_1");
    // The wallet gives the scope of a payment to whoever approved it, so a stranger has at most that of another one.
    const stranger = await wallet.issuer.token({ sub: "usr_2", scope: "payment:pr_2 orders:write" });
    for (const other of [{ ...back, token: stranger }, { ...client, token: stranger }, back, client]) {
      const reply = await callAs(shop, "pay", other);
      expect(JSON.stringify(reply)).not.toMatch(/(?<![\w-])(2600|p?r_1)(?![\w-])|eyJ[\w-]{10,}\.[\w-]/);
      expect([undefined, "claimed_elsewhere", "answer_refused", "authorization_required"]).toContain(codeOf(reply));
    }
    expect((await callAs(shop, "pay", { ...back, token })).result).toMatchObject({ structuredContent: { paid: 2600 } });
  });
});

describe("an app whose tokens are another issuer's", () => {
  test("asks by link or address, never for a scope that its issuer does not know", async () => {
    const other = createPayShop(wallet, clock, checkout, { issuer: "https://login.test" });
    expect((await callAs(other, "pay")).result).toMatchObject({ _meta: { "countersign/approval": { link } } });
    expect((await callAs(other, "pay", elicits)).result).toMatchObject({ resultType: "input_required" });
    await other.app.close();
  });
});
