import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { answer, refused, type ToolAnswer } from "../src/answer.ts";
import { anonymous, either } from "../src/auth.ts";
import { createMemoryLinkStore, type LinkStore } from "../src/link/link-store.ts";
import { answerTtlMs } from "../src/run-once.ts";
import { createTestClock, type TestClock } from "./stand-ins/clock.ts";
import { createTestIssuer, type TestIssuer } from "./stand-ins/issuer.ts";
import { callTool, createTestShop, eras, readRpc, rpcRequest, type TestShop } from "./stand-ins/shop.ts";

const guestKey = "k".repeat(22);

let clock: TestClock;
let issuer: TestIssuer;
let shop: TestShop;
let store: LinkStore;
/** What the handler does next; by default it counts. */
let act: () => ToolAnswer | Promise<ToolAnswer>;
let runs: number;

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock);
  shop = createTestShop(issuer, clock);
  store = createMemoryLinkStore({ clock: clock.now });
  runs = 0;
  act = () => answer({ run: runs }, `run ${runs}`, { handle: "h" });
  const input = z.object({ title: z.string().max(100).optional() });
  shop.app.tool("create", { description: "once a key", input, auth: either(), idempotency: store }, () => {
    runs += 1;
    return act();
  });
  shop.app.tool("other", { description: "another tool", input, auth: anonymous(), idempotency: store }, () => answer({ other: true }));
  return () => shop.app.close();
});

interface Sent {
  readonly key?: string;
  readonly token?: string;
  readonly args?: Record<string, unknown>;
  readonly tool?: string;
}

describe.each(eras)("in revision %s", (era) => {
  const send = async ({ key = guestKey, token, args = {}, tool = "create" }: Sent = {}): Promise<Record<string, unknown>> => {
    const params = { name: tool, arguments: args, _meta: { "countersign/idempotencyKey": key } };
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await readRpc(await shop.app.fetch(rpcRequest(era, "tools/call", params, headers)))).result ?? {};
  };
  const refusedWith = (code: string) => ({ isError: true, structuredContent: { error: { code } } });

  test("a call that is sent again under its key gets the first answer, whole, and runs nothing", async () => {
    const first = await send();
    expect(first).toMatchObject({ structuredContent: { run: 1 }, content: [{ type: "text", text: "run 1" }], _meta: { handle: "h" } });
    expect(await send()).toEqual(first);
    expect(runs).toBe(1);
    await send({ key: `${guestKey}2` });
    await callTool(shop.app, era, "create");
    await callTool(shop.app, era, "create");
    expect(runs).toBe(4);
    clock.advance(answerTtlMs);
    expect(await send()).toMatchObject({ structuredContent: { run: 5 } });
  });

  test("fifty at once under one key run once; the others hear that it goes on, and then its answer", async () => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    act = async () => {
      await ended;
      return answer({ run: runs });
    };
    const early: unknown[] = [];
    const all = Array.from({ length: 50 }, async () => {
      const result = await send();
      early.push(result);
      return result;
    });
    await expect.poll(() => early.length).toBe(49);
    for (const each of early) expect(each).toMatchObject(refusedWith("idempotency_in_flight"));
    end();
    const results = await Promise.all(all);
    expect(results.filter((each) => each["isError"] !== true)).toHaveLength(1);
    expect(await send()).toMatchObject({ structuredContent: { run: 1 } });
    expect(runs).toBe(1);
  });

  test("P08 the same key with other arguments is refused, and the first answer stays", async () => {
    const first = await send({ args: { title: "one" } });
    expect(await send({ args: { title: "two" } })).toMatchObject(refusedWith("idempotency_conflict"));
    expect(await send({ args: { title: "one" } })).toEqual(first);
    expect(runs).toBe(1);
  });

  test("P09 a key is of one user, one client and one tool: another's is a new one", async () => {
    const mine = await issuer.token();
    const others = await issuer.token({ sub: "usr_2" });
    expect(await send({ key: "1", token: mine })).toMatchObject({ structuredContent: { run: 1 } });
    expect(await send({ key: "1", token: others })).toMatchObject({ structuredContent: { run: 2 } });
    expect(await send({ key: "1", token: mine })).toMatchObject({ structuredContent: { run: 1 } });
    expect(await send({ key: "1", token: await issuer.token({ client_id: "another" }) })).toMatchObject({ structuredContent: { run: 3 } });
    expect(await send({ tool: "other" })).toMatchObject({ structuredContent: { other: true } });
    expect(await send()).toMatchObject({ structuredContent: { run: 4 } });
  });

  test("P09 a caller without a token has no key that others could guess", async () => {
    expect(await send({ key: "k".repeat(21) })).toMatchObject(refusedWith("invalid_arguments"));
    expect(runs).toBe(0);
    expect(await send()).toMatchObject({ structuredContent: { run: 1 } });
  });

  test("a demand for authorization, a refusal that may be retried and a handler that threw leave the key free", async () => {
    act = () => ({ kind: "challenge", scope: new Set(["orders:read"]) });
    expect(
      (await shop.app.fetch(rpcRequest(era, "tools/call", { name: "create", arguments: {}, _meta: { "countersign/idempotencyKey": guestKey } })))
        .status,
    ).toBe(401);
    act = () => refused({ code: "unavailable" });
    expect(await send()).toMatchObject(refusedWith("unavailable"));
    act = () => {
      throw new Error("broken");
    };
    expect(await send()).toMatchObject(refusedWith("internal_error"));
    act = () => answer({ run: runs });
    expect(await send()).toMatchObject({ structuredContent: { run: 4 } });
    expect(await send()).toMatchObject({ structuredContent: { run: 4 } });
  });

  test("a refusal that stands is an answer", async () => {
    act = () => refused({ code: "not_found" });
    expect(await send()).toMatchObject(refusedWith("not_found"));
    act = () => answer({ run: runs });
    expect(await send()).toMatchObject(refusedWith("not_found"));
    expect(runs).toBe(1);
  });

  test("P10 a run that died is not begun again: first it goes on, then nobody knows", async () => {
    act = () => answer({ run: runs });
    store.replace = async () => {
      throw new Error("the process ends here");
    };
    expect(await send()).toMatchObject(refusedWith("internal_error"));
    expect(await send()).toMatchObject(refusedWith("idempotency_in_flight"));
    clock.advance(600_000);
    expect(await send()).toMatchObject(refusedWith("outcome_unknown"));
    expect(runs).toBe(1);
  });

  test("an answer too large to keep is given once, and said to be unknown after that", async () => {
    act = () => answer({ text: "x".repeat(40_000) });
    expect(await send()).toMatchObject({ structuredContent: { text: expect.stringMatching(/^x+$/) } });
    expect(await send()).toMatchObject(refusedWith("outcome_unknown"));
    expect(runs).toBe(1);
  });

  test("X09 without room nothing runs, and an answer is kept for 48 hours", async () => {
    shop = createTestShop(issuer, clock);
    const small = createMemoryLinkStore({ clock: clock.now, countMax: 1 });
    shop.app.tool("create", { description: "once a key", input: z.object({}), auth: either(), idempotency: small }, () => {
      runs += 1;
      return answer({ run: runs });
    });
    expect(await send()).toMatchObject({ structuredContent: { run: 1 } });
    expect(await send({ key: `${guestKey}2` })).toMatchObject(refusedWith("unavailable"));
    clock.advance(answerTtlMs - 1);
    expect(await send()).toMatchObject({ structuredContent: { run: 1 } });
    clock.advance(1);
    expect(await send()).toMatchObject({ structuredContent: { run: 2 } });
    clock.advance(answerTtlMs);
    expect(await send({ key: `${guestKey}2` })).toMatchObject({ structuredContent: { run: 3 } });
  });

  test("the listing says that a call may be sent again", async () => {
    const { result } = await readRpc(await shop.app.fetch(rpcRequest(era, "tools/list")));
    const declared = (Array.isArray(result?.["tools"]) ? result["tools"] : []).filter((tool) => tool._meta["countersign/idempotency"] === true);
    expect(declared.map((tool) => tool.name)).toEqual(["create", "other"]);
  });
});
