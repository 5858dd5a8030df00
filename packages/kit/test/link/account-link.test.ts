import { readLinkOffer } from "@countersign/protocol/account-link";
import { member } from "@countersign/protocol/shape";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { answer } from "../../src/answer.ts";
import { createApp } from "../../src/app.ts";
import { anonymous, oauth2 } from "../../src/auth.ts";
import type { ToolContext } from "../../src/context.ts";
import { createMemoryLinkStore, type LinkStore } from "../../src/link/link-store.ts";
import { createTestClock, type TestClock } from "../stand-ins/clock.ts";
import { createDeviceIssuer, type DeviceIssuer } from "../stand-ins/device-issuer.ts";
import { createTestShop, type Era, eras, readRpc, rpcRequest, type TestShop } from "../stand-ins/shop.ts";

let clock: TestClock;
let issuer: DeviceIssuer;
let shop: TestShop;
let store: LinkStore;
let contexts: ToolContext[];
let pause: (ms: number) => Promise<void>;

beforeEach(async () => {
  clock = createTestClock();
  pause = async (ms) => clock.advance(ms);
  issuer = await createDeviceIssuer(clock);
  store = createMemoryLinkStore({ clock: clock.now });
  shop = openShop({ store });
  return () => shop.app.close();
});

function openShop(setting: { readonly store?: LinkStore; readonly clientSecret?: string }, more: { readonly stopping?: AbortSignal } = {}): TestShop {
  const made = createTestShop(issuer, clock, { accountLink: { clientId: "store", pause: (ms) => pause(ms), ...setting }, ...more });
  contexts = made.contexts;
  const input = z.object({});
  made.app.tool("count", { description: "takes arguments", input: z.object({ n: z.int() }), auth: oauth2("orders:read") }, (args, ctx) => {
    contexts.push(ctx);
    return answer({ twice: args.n * 2, subject: ctx.subject ?? null });
  });
  made.app.tool("secret_plan", { description: "for the model", input, auth: oauth2(), visibility: ["model"] }, () => answer({ plan: true }));
  return made;
}

interface Called {
  readonly result: Record<string, unknown>;
  readonly status: unknown;
  readonly code: unknown;
}

async function call(
  name: string,
  args: Record<string, unknown>,
  options: { era?: Era; token?: string; meta?: Record<string, unknown> } = {},
): Promise<Called> {
  const { era = "2026-07-28", token, meta } = options;
  const params = { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) };
  const response = await shop.app.fetch(rpcRequest(era, "tools/call", params, token === undefined ? {} : { authorization: `Bearer ${token}` }));
  const { result } = await readRpc(response);
  if (result === undefined) throw new TypeError("no result");
  const structured = result["structuredContent"];
  return { result, status: member(structured, "status"), code: member(member(structured, "error"), "code") };
}

async function begin(tool = "orders", more: Record<string, unknown> = {}, options: Parameters<typeof call>[2] = {}): Promise<string> {
  const { result } = await call("link_account", { tool, ...more }, options);
  const offer = readLinkOffer(result["_meta"]);
  if (offer === undefined) throw new TypeError(`no offer in ${JSON.stringify(result)}`);
  return offer.handle;
}

async function linked(tool = "orders", subject = "usr_1"): Promise<string> {
  const handle = await begin(tool);
  issuer.approve(subject);
  expect((await call("await_link", { handle })).status).toBe("linked");
  return handle;
}

const steps = (): unknown[] => shop.events.flatMap((each) => (each.event === "account_link" ? [each.step] : []));
const stranger = `lnk_${"A".repeat(43)}`;

describe.each(eras)("a view that links an account, %s", (era) => {
  test("calls a protected tool for the user who approved elsewhere", async () => {
    const begun = await call("link_account", { tool: "orders" }, { era });
    const offer = readLinkOffer(begun.result["_meta"]);
    expect(begun.result).toMatchObject({ structuredContent: { status: "pending" } });
    expect(offer).toMatchObject({ link: "https://wallet.test/device?user_code=WDJB-MJHT", code: "WDJB-MJHT", expiresAt: clock.now() + 600_000 });
    const { _meta, ...forModel } = begun.result;
    for (const hidden of [offer?.handle ?? "none", "WDJB", "device-code"]) expect(JSON.stringify(forModel)).not.toContain(hidden);

    const handle = offer?.handle;
    expect((await call("await_link", { handle }, { era })).status).toBe("pending");
    expect((await call("call_linked", { handle, tool: "orders" }, { era })).code).toBe("authorization_required");
    issuer.approve();
    expect((await call("await_link", { handle }, { era })).status).toBe("linked");
    const ran = await call("call_linked", { handle, tool: "orders", arguments: { query: "a" } }, { era });
    expect(ran.result).toMatchObject({ structuredContent: { tool: "orders", subject: "usr_1" } });
    expect(shop.ran).toEqual(["orders"]);
    expect(shop.events).toContainEqual({ event: "linked_call", rung: "link", tool: "orders", outcome: "ran" });
    expect(steps()).toEqual(["begun", "linked"]);
    expect(JSON.stringify([ran.result, shop.events])).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|refresh-|device-code|lnk_/);
  });
});

describe("the tools of account links", () => {
  test("are listed as anonymous and for views only, and only in an app that turns them on", async () => {
    const namesIn = async (from: TestShop): Promise<unknown[]> => {
      const tools = (await readRpc(await from.app.fetch(rpcRequest("2026-07-28", "tools/list")))).result?.["tools"];
      return Array.isArray(tools) ? tools : [];
    };
    const listed = (await namesIn(shop)).filter((each) => /link/.test(String(member(each, "name"))));
    expect(listed.map((each) => member(each, "name"))).toEqual(["link_account", "await_link", "call_linked", "unlink_account"]);
    for (const each of listed) expect(each).toMatchObject({ securitySchemes: [{ type: "noauth" }], _meta: { ui: { visibility: ["app"] } } });
    const plain = createTestShop(issuer, clock);
    expect((await namesIn(plain)).some((each) => /link/.test(String(member(each, "name"))))).toBe(false);
    await plain.app.close();
  });

  test("M08 V15: run no tool that the view may not call itself, and start no link for one that knows no users", async () => {
    const handle = await linked();
    expect((await call("call_linked", { handle, tool: "orders" })).result).not.toHaveProperty("isError");
    for (const [tool, code] of [
      ["secret_plan", "tool_not_visible"],
      ["ORDERS", "unknown_tool"],
      ["orders ", "unknown_tool"],
      ["call_linked", "unknown_tool"],
      ["news", "invalid_request"],
    ]) {
      expect((await call("call_linked", { handle, tool })).code).toBe(code);
      expect((await call("link_account", { tool })).code).toBe(code);
    }
    expect(shop.ran).toEqual(["orders"]);
    expect(issuer.grants.size).toBe(1);
  });

  test("M03: know nothing of a link without its handle", async () => {
    const handle = await linked();
    const near = `${handle.slice(0, -2)}${handle.endsWith("AA") ? "BB" : "AA"}`;
    for (const other of [stranger, near, handle.toUpperCase(), `${handle} `, "", "lnk_"]) {
      expect((await call("await_link", { handle: other })).code).toBe("not_found");
      expect((await call("call_linked", { handle: other, tool: "orders" })).code).toBe("not_found");
      expect((await call("link_account", { handle: other, tool: "orders" })).code).toBe("not_found");
      expect((await call("unlink_account", { handle: other })).status).toBe("ended");
    }
    expect(shop.ran).toEqual([]);
    expect((await call("call_linked", { handle, tool: "orders" })).result).not.toHaveProperty("isError");
    expect(shop.events).toContainEqual({ event: "linked_call", rung: "link", tool: "orders", outcome: "not_found" });
  });

  test("M03: let a caller with a token use a link of the same user only", async () => {
    const handle = await linked();
    const [own, other] = [await issuer.token({ scope: "" }), await issuer.token({ sub: "usr_2" })];
    expect((await call("call_linked", { handle, tool: "orders" }, { token: own })).result).toMatchObject({ structuredContent: { subject: "usr_1" } });
    expect((await call("call_linked", { handle, tool: "orders" }, { token: other })).code).toBe("not_found");
    expect((await call("await_link", { handle }, { token: other })).code).toBe("not_found");
    expect((await call("unlink_account", { handle }, { token: other })).status).toBe("ended");
    expect((await call("call_linked", { handle, tool: "orders" })).result).not.toHaveProperty("isError");
    expect(shop.ran).toEqual(["orders", "orders"]);
  });

  test("M19: take no approval by another user than the one who asked, and give that user's tokens back", async () => {
    const token = await issuer.token({ scope: "" });
    const handle = await begin("orders", {}, { token });
    issuer.approve("usr_2");
    expect((await call("await_link", { handle }, { token })).status).toBe("failed");
    expect((await call("call_linked", { handle, tool: "orders" }, { token })).code).toBe("authorization_required");
    expect(issuer.revoked).toHaveLength(1);
    expect(issuer.refresh.size).toBe(0);
    const again = await begin("orders", {}, { token });
    issuer.approve("usr_1");
    expect((await call("await_link", { handle: again }, { token })).status).toBe("linked");
    expect(steps()).toEqual(["begun", "failed", "begun", "linked"]);
  });

  test("pass arguments, hints and the idempotency key on, and judge the arguments", async () => {
    const handle = await linked("count");
    const meta = { "countersign/idempotencyKey": "key-1", "openai/session": "s1", "openai/widgetSessionId": "w1" };
    const ran = await call("call_linked", { handle, tool: "count", arguments: { n: 21 } }, { meta });
    expect(ran.result).toMatchObject({ structuredContent: { twice: 42, subject: "usr_1" } });
    expect(contexts.at(-1)).toMatchObject({ idempotencyKey: "key-1", hints: { session: "s1", widgetSession: "w1" }, tool: "count" });
    expect((await call("call_linked", { handle, tool: "count", arguments: { n: "21" } })).code).toBe("invalid_arguments");
  });

  test("end a link here and at the issuer", async () => {
    const handle = await linked();
    const [refreshToken] = issuer.refresh.keys();
    expect((await call("unlink_account", { handle })).status).toBe("ended");
    expect(issuer.revoked).toEqual([refreshToken]);
    expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("not_found");
    expect((await call("await_link", { handle })).code).toBe("not_found");
    expect(steps()).toEqual(["begun", "linked", "ended"]);
  });

  test("start five links for one view at once and twenty for all, then go by the minute", async () => {
    const meta = (widget: number): Record<string, unknown> => ({ "openai/widgetSessionId": `w${widget}` });
    const start = async (widget: number): Promise<unknown> => (await call("link_account", { tool: "orders" }, { meta: meta(widget) })).code;
    for (let nth = 0; nth < 5; nth += 1) expect(await start(1)).toBeUndefined();
    expect(await start(1)).toBe("rate_limited");
    for (let nth = 0; nth < 15; nth += 1) expect(await start(2 + (nth % 3))).toBeUndefined();
    expect(await start(9)).toBe("rate_limited");
    expect(issuer.grants.size).toBe(20);
    clock.advance(3_000);
    expect(await start(9)).toBeUndefined();
  });

  test("D09: refuse where the issuer has no device grant", async () => {
    issuer.metadata = { ...issuer.metadata, device_authorization_endpoint: undefined };
    expect((await call("link_account", { tool: "orders" })).code).toBe("device_grant_unsupported");
    expect(steps()).toEqual([]);
  });

  test("say that the issuer cannot be reached, and keep nothing", async () => {
    issuer.down = true;
    const refused = await call("link_account", { tool: "orders" });
    expect(refused.code).toBe("authorization_server_unreachable");
    expect(refused.result).not.toHaveProperty("_meta.countersign/link");
  });

  test("are asked for in the app's name, which the issuer may show to the user", async () => {
    await linked();
    expect(issuer.agents).toEqual(["store"]);
  });

  test("prove who the app is with its secret", async () => {
    await shop.app.close();
    shop = openShop({ clientSecret: "a-secret-of-the-store" });
    await linked();
    expect(issuer.authorizations).toEqual([`Basic ${Buffer.from("store:a%2Dsecret%2Dof%2Dthe%2Dstore").toString("base64")}`]);
  });
});

describe("a pending link", () => {
  test("L08 D04: is redeemed once, however many wait for it", async () => {
    // Time stands still while the others wait for the one that asks.
    pause = () => new Promise((resolve) => setImmediate(resolve));
    const handle = await begin();
    issuer.approve();
    const states = await Promise.all(Array.from({ length: 50 }, () => call("await_link", { handle })));
    expect(states.map((each) => each.status)).toEqual(Array.from({ length: 50 }, () => "linked"));
    expect(issuer.tokenRequests).toHaveLength(1);
    expect(steps()).toEqual(["begun", "linked"]);
  });

  test("X09: leaves room for others, however often one view waits for it", async () => {
    const open: (() => void)[] = [];
    pause = () => new Promise((resolve) => open.push(resolve));
    const [mine, other] = [await begin(), await begin()];
    const codes: unknown[] = [];
    const waits = Array.from({ length: 300 }, () => call("await_link", { handle: mine }).then(({ code }) => codes.push(code)));
    await vi.waitFor(() => expect(codes.filter((code) => code === "rate_limited")).toHaveLength(300 - 128), 15_000);
    const theirs = [call("await_link", { handle: other }), call("await_link", { handle: other })];
    expect((await call("await_link", { handle: other })).code).toBe("rate_limited");
    issuer.approve();
    clock.advance(25_000);
    pause = async (ms) => clock.advance(ms);
    for (const go of open.splice(0)) go();
    expect((await Promise.all(theirs)).map(({ code }) => code)).toEqual([undefined, undefined]);
    await Promise.all(waits);
    expect((await call("await_link", { handle: mine })).code).toBeUndefined();
  });

  test("D03: is asked about at the issuer's pace, slower when told to, and again after the server was away", async () => {
    const handle = await begin();
    issuer.answers.push("authorization_pending", "slow_down", "authorization_pending");
    expect((await call("await_link", { handle })).status).toBe("pending");
    const since = issuer.polledAt.map((at) => (at - (issuer.polledAt[0] ?? 0)) / 1000);
    expect(since).toEqual([0, 5, 15]);
    issuer.down = true;
    expect((await call("await_link", { handle })).status).toBe("pending");
    issuer.down = false;
    issuer.approve();
    // Twice unreachable: the next question waits 40 s.
    expect((await call("await_link", { handle })).status).toBe("pending");
    expect((await call("await_link", { handle })).status).toBe("linked");
  });

  test("is answered at once when the server begins to stop, and goes on at the next one", async () => {
    const stopping = new AbortController();
    await shop.app.close();
    shop = openShop({ store }, { stopping: stopping.signal });
    const handle = await begin();
    pause = async () => stopping.abort();
    expect((await call("await_link", { handle })).status).toBe("pending");
    expect(issuer.polledAt).toHaveLength(1);
    await shop.app.close();
    shop = openShop({ store });
    pause = async (ms) => clock.advance(ms);
    issuer.approve();
    expect((await call("await_link", { handle })).status).toBe("linked");
  });

  test.each([
    ["denied", () => issuer.deny(), "denied"],
    ["over at the issuer", () => issuer.answers.push("expired_token"), "expired"],
    ["refused", () => issuer.answers.push("invalid_grant"), "failed"],
    ["over here", () => clock.advance(600_000), "expired"],
  ])("that is %s says so for ten minutes and can be used for nothing", async (_what, happen, state) => {
    const handle = await begin();
    happen();
    expect((await call("await_link", { handle })).status).toBe(state);
    expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("authorization_required");
    expect((await call("link_account", { handle, tool: "orders" })).code).toBe("not_found");
    issuer.approve();
    expect((await call("await_link", { handle })).status).toBe(state);
    clock.advance(600_000);
    expect((await call("await_link", { handle })).code).toBe("not_found");
    expect(steps()).toEqual(["begun", state]);
  });

  test.each<[string, Record<string, unknown>]>([
    ["O23 for another audience", { aud: "https://other.test/mcp" }],
    ["O23 for two audiences", { aud: ["https://store.test/mcp", "https://other.test/mcp"] }],
    ["O22 of another issuer", { iss: "https://evil.test" }],
    ["without a user", { sub: undefined }],
  ])("takes no token that a request could not present: %s", async (_what, claims) => {
    const handle = await begin();
    issuer.approve("usr_1", claims);
    expect((await call("await_link", { handle })).status).toBe("failed");
    expect(issuer.revoked).toHaveLength(1);
    expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("authorization_required");
    expect(shop.ran).toEqual([]);
  });
});

test("an answer of the issuer is followed nowhere, and read up to 64 KB", async () => {
  const plain = issuer.handlers.get("/token");
  const redirects: string[] = [];
  issuer.handlers.set("/token", async (request) => {
    redirects.push(request.redirect);
    const given: unknown = await (await plain?.(request))?.json();
    return Response.json({ ...Object(given), padding: "x".repeat(70_000) });
  });
  const handle = await begin();
  issuer.approve();
  expect((await call("await_link", { handle })).status).not.toBe("linked");
  expect(redirects[0]).toBe("error");
});

test("a token that is bound to a key is not kept: this app could not present it", async () => {
  const plain = issuer.handlers.get("/token");
  issuer.handlers.set("/token", async (request) => {
    const given: unknown = await (await plain?.(request))?.json();
    return Response.json({ ...Object(given), token_type: "DPoP" });
  });
  const handle = await begin();
  issuer.approve();
  expect((await call("await_link", { handle })).status).toBe("failed");
  expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("authorization_required");
});

describe("a linked account", () => {
  test("asks for more scope by a new link of the same user, which ends the old one", async () => {
    const first = await linked();
    expect((await call("call_linked", { handle: first, tool: "refund" })).code).toBe("insufficient_scope");
    expect(shop.events).toContainEqual({ event: "linked_call", rung: "link", tool: "refund", outcome: "insufficient_scope" });
    const wider = await begin("refund", { handle: first });
    expect([...issuer.grants.values()].at(-1)?.scope).toBe("orders:read orders:write");
    expect((await call("call_linked", { handle: first, tool: "orders" })).result).not.toHaveProperty("isError");
    issuer.approve("usr_1");
    expect((await call("await_link", { handle: wider })).status).toBe("linked");
    expect((await call("call_linked", { handle: wider, tool: "refund" })).result).toMatchObject({ structuredContent: { subject: "usr_1" } });
    expect((await call("call_linked", { handle: first, tool: "orders" })).code).toBe("not_found");
    expect(shop.ran).toEqual(["orders", "refund"]);
    expect(issuer.revoked).toHaveLength(1);
  });

  test("asks for what a running tool demanded, and says nothing to the host's own sign-in", async () => {
    const handle = await linked("step");
    const stopped = await call("call_linked", { handle, tool: "step" });
    expect(stopped.code).toBe("insufficient_scope");
    expect(JSON.stringify(stopped.result)).not.toContain("www_authenticate");
    const wider = await begin("step", { handle });
    expect([...issuer.grants.values()].at(-1)?.scope).toBe("payment:pr_1 profile");
    issuer.approve();
    await call("await_link", { handle: wider });
    expect((await call("call_linked", { handle: wider, tool: "step" })).result).toMatchObject({ structuredContent: { done: true } });
  });

  test("M19: stays as it was when somebody else approves more scope", async () => {
    const first = await linked();
    const wider = await begin("refund", { handle: first });
    issuer.approve("usr_2");
    expect((await call("await_link", { handle: wider })).status).toBe("failed");
    expect((await call("call_linked", { handle: first, tool: "orders" })).result).toMatchObject({ structuredContent: { subject: "usr_1" } });
    expect(issuer.revoked).toHaveLength(1);
  });

  test("renews its token once for all that call, and keeps its handle", async () => {
    const handle = await linked();
    clock.advance(280_000);
    const calls = await Promise.all(Array.from({ length: 10 }, () => call("call_linked", { handle, tool: "orders" })));
    for (const each of calls) expect(each.result).toMatchObject({ structuredContent: { subject: "usr_1" } });
    expect(issuer.tokenRequests.map((each) => each.get("grant_type"))).toEqual(["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]);
    clock.advance(280_000);
    expect((await call("call_linked", { handle, tool: "orders" })).result).not.toHaveProperty("isError");
    expect(steps()).toEqual(["begun", "linked", "renewed", "renewed"]);
    for (const each of issuer.tokenRequests) expect(each.get("resource")).toBe("https://store.test/mcp");
  });

  test("is renewed by nobody else while somebody does: a refresh token is shown once", async () => {
    const handle = await linked();
    clock.advance(280_000);
    pause = () => new Promise((resolve) => setImmediate(resolve));
    let beside: Promise<Called> | undefined;
    issuer.beforeToken = async () => {
      if (beside !== undefined) return;
      beside = call("call_linked", { handle, tool: "orders" });
      for (let turn = 0; turn < 50; turn += 1) await pause(0);
    };
    const first = await call("call_linked", { handle, tool: "orders" });
    for (const each of [first, await beside]) expect(each?.result).toMatchObject({ structuredContent: { subject: "usr_1" } });
    expect(issuer.tokenRequests.filter((each) => each.get("grant_type") === "refresh_token")).toHaveLength(1);
  });

  test("ends when its token is not taken any more before its time", async () => {
    const handle = await begin();
    issuer.approve("usr_1", { exp: Math.floor(clock.now() / 1000) + 100 });
    expect((await call("await_link", { handle })).status).toBe("linked");
    clock.advance(200_000);
    expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("authorization_required");
    expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("not_found");
    expect(issuer.revoked).toHaveLength(1);
    expect(steps()).toEqual(["begun", "linked", "ended"]);
  });

  test("X11: ends when the user took the app's access back at the issuer", async () => {
    const handle = await linked();
    issuer.refresh.clear();
    clock.advance(280_000);
    expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("authorization_required");
    expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("not_found");
    expect(shop.ran).toEqual([]);
    expect(steps()).toEqual(["begun", "linked", "ended"]);
  });

  test("waits out an issuer that is away, without losing the link", async () => {
    const handle = await linked();
    clock.advance(280_000);
    issuer.down = true;
    const away = await call("call_linked", { handle, tool: "orders" });
    expect(away.result).toMatchObject({ isError: true, structuredContent: { error: { code: "unavailable", retryable: true } } });
    issuer.down = false;
    expect((await call("call_linked", { handle, tool: "orders" })).result).not.toHaveProperty("isError");
  });

  test("is forgotten after thirty days without a call", async () => {
    const handle = await linked();
    clock.advance(31 * 86_400_000);
    expect((await call("call_linked", { handle, tool: "orders" })).code).toBe("not_found");
  });
});

describe("what the store holds", () => {
  test("X01: opens with its own handle only, and shows no token, code or user", async () => {
    const rows = new Map<string, string>();
    const watched: LinkStore = {
      ...store,
      create: async (id, body, expiresAt) => {
        rows.set(id, body);
        return await store.create(id, body, expiresAt);
      },
      replace: async (id, version, body, expiresAt) => {
        rows.set(id, body);
        return await store.replace(id, version, body, expiresAt);
      },
    };
    await shop.app.close();
    shop = openShop({ store: watched });
    const [ada, bob] = [await linked("orders", "usr_ada"), await linked("orders", "usr_bob")];
    const dump = JSON.stringify([...rows]);
    for (const body of rows.values()) expect(Buffer.from(body, "base64url").toString("latin1")).not.toMatch(/usr_|eyJhbGciOiJFUzI1Ni|refresh-/);
    // Random text holds any four characters in the end: what is looked for is longer.
    expect(dump).not.toMatch(/refresh-|usr_ada|usr_bob|device-code/);
    for (const handle of [ada, bob]) expect(dump).not.toContain(handle.slice(4));
    const [idOfAda = "", idOfBob = ""] = rows.keys();
    const held = await store.read(idOfAda, clock.now());
    await store.replace(idOfAda, held?.version ?? 0, rows.get(idOfBob) ?? "", clock.now() + 600_000);
    expect((await call("call_linked", { handle: ada, tool: "orders" })).code).toBe("not_found");
    expect((await call("call_linked", { handle: bob, tool: "orders" })).result).toMatchObject({ structuredContent: { subject: "usr_bob" } });
  });
});

test("a programmer who turns links on without an issuer, or takes their names, is told at start", () => {
  const make = (): unknown => createApp({ name: "store", version: "1.0.0", resource: "https://store.test/mcp", accountLink: { clientId: "store" } });
  expect(make).toThrow("account links need an issuer");
  const take = (): void => shop.app.tool("await_link", { description: "mine", input: z.object({}), auth: anonymous() }, () => answer({}));
  expect(take).toThrow('"await_link" is taken');
});
