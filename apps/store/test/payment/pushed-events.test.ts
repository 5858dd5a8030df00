import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { record } from "../stand-ins/record.ts";
import { createTown, storeUrl, type Town } from "../stand-ins/town.ts";

let town: Town;
let checkoutId: string;
let requestId: string;
beforeEach(async () => {
  town = await createTown();
  const made = await town.call("create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 2 }] });
  checkoutId = String(record(made.structured["checkout"])["id"]);
  requestId = /payment:(\S+)/.exec((await town.call("pay", { checkout_id: checkoutId })).scope ?? "")?.[1] ?? "";
  // A store that was restarted, and whose recovery has not come round yet: nobody polls.
  await town.restart();
  await town.wallet.approve(requestId, "usr_1");
});
afterEach(async () => {
  await town.close();
});

const status = async (): Promise<unknown> => record((await town.call("get_checkout", { checkout_id: checkoutId })).structured["checkout"])["status"];

async function push(token: string, changes: RequestInit = {}): Promise<Response> {
  const headers = { "content-type": "application/secevent+jwt", host: "store.test" };
  const answer = await town.store.fetch(new Request(`${storeUrl}/webhooks/wallet`, { method: "POST", headers, body: token, ...changes }));
  await town.store.idle();
  return answer;
}

describe("an event of the wallet", () => {
  test("completes the order at once, whoever looks", async () => {
    expect(await status()).toBe("awaiting_approval");
    const answer = await push(await town.wallet.event(requestId));
    expect(answer.status).toBe(202);
    expect(await answer.text()).toBe("");
    expect(await status()).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("P18 doubled, late or out of order changes nothing more", async () => {
    const token = await town.wallet.event(requestId);
    const older = await town.wallet.event(requestId, {
      claims: { events: { "urn:countersign:event:payment-request": { status: "created", sequence: 0 } } },
    });
    await push(token);
    for (const again of [token, token, older, await town.wallet.event("pr_unknown")]) expect((await push(again)).status).toBe(202);
    expect(await status()).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("L26 P18 that says more than the wallet does is only a hint", async () => {
    town.wallet.expire(requestId);
    await push(await town.wallet.event(requestId));
    expect(await status()).toBe("expired");
    expect(town.bank.captured).toEqual([]);
  });

  test.each([
    ["of another signer", { forged: true }],
    ["of another issuer", { claims: { iss: "https://other.test" } }],
    ["for another payee", { claims: { aud: "rival" } }],
    ["for two payees", { claims: { aud: ["store", "rival"] } }],
    ["six minutes old", { claims: { iat: -360 } }],
    ["six minutes early", { claims: { iat: 360 } }],
    ["of another type", { typ: "dc+sd-jwt" }],
    ["without an id", { claims: { jti: undefined } }],
    ["about no request", { claims: { sub_id: { format: "opaque", id: "../x" } } }],
    ["of another kind", { claims: { events: { "urn:other": {} } } }],
  ])("P18 %s is refused without an effect", async (_name, change) => {
    const age = "claims" in change && "iat" in change.claims ? { claims: { iat: Math.floor(town.clock.now() / 1000) + change.claims.iat } } : change;
    const answer = await push(await town.wallet.event(requestId, age));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ err: "authentication_failed" });
    expect(await status()).toBe("awaiting_approval");
    expect(town.bank.captured).toEqual([]);
    expect(town.events.filter((event) => event === "wallet_event_refused")).toHaveLength(1);
    expect((await push(await town.wallet.event(requestId))).status).toBe(202);
    expect(await status()).toBe("completed");
  });

  test("is one token of its type and size, by POST", async () => {
    const token = await town.wallet.event(requestId);
    expect((await push(token, { headers: { "content-type": "application/json", host: "store.test" } })).status).toBe(400);
    expect((await push("x".repeat(20_000))).status).toBe(400);
    expect((await push("not a token")).status).toBe(400);
    expect((await push("", { method: "GET", body: null })).status).toBe(405);
    expect(await status()).toBe("awaiting_approval");
  });

  test("is asked for again while the wallet's keys cannot be read", async () => {
    const token = await town.wallet.event(requestId);
    await town.restart();
    town.wallet.down = true;
    const answer = await push(token);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("5");
    town.wallet.down = false;
    town.clock.advance(6_000);
    expect((await push(await town.wallet.event(requestId))).status).toBe(202);
    expect(await status()).toBe("completed");
  });
});
