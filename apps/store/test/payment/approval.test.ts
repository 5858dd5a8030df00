import { readApprovalAnswer } from "@countersign/protocol/approval-answer";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { record } from "../stand-ins/record.ts";
import { type CallAnswer, createTown, type Town } from "../stand-ins/town.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(async () => {
  await town.close();
});

/** A host that acts on no challenge, and one that shows addresses. */
const claude = { userAgent: "claude-user/1.0" };
const elicits = { elicitsUrls: true };

async function checkout(): Promise<string> {
  const answer = await town.call("create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 2 }] });
  return String(record(answer.structured["checkout"])["id"]);
}

interface Asked {
  readonly id: string;
  readonly request: string;
  readonly handle: string;
  readonly link: string;
}

async function askByLink(token?: string): Promise<Asked> {
  const id = await checkout();
  const answer = await town.call("pay", { checkout_id: id }, token, claude);
  const read = readApprovalAnswer(answer.meta, town.clock.now());
  if (!read.ok || read.value === undefined) throw new TypeError("the answer asks for no approval");
  const { handle, link } = read.value;
  return { id, handle, link, request: link.split("/").at(-1) ?? "" };
}

const waitFor = (handle: string): Promise<CallAnswer> => town.call("await_approval", { handle }, undefined, claude);
const handleOf = (answer: CallAnswer): string => String(record(answer.meta["store/receipt"])["handle"]);
const orderOf = (answer: CallAnswer): string => String(record(answer.structured["order"])["id"]);

describe("a guest in a host that acts on no challenge", () => {
  test("pays by a link, and the view that waits gets order and receipt", async () => {
    const { id, request, handle, link } = await askByLink();
    expect(link).toBe(`https://wallet.test/approve/${request}`);
    const waiting = waitFor(handle);
    const jti = await town.wallet.approve(request, "usr_1");
    const paid = await waiting;
    expect(paid).toMatchObject({
      status: 200,
      isError: false,
      structured: { state: "approved", order: { checkout_id: id, status: "complete" }, receipt: { payment_id: `pay_${jti}` } },
    });
    expect(town.bank.captured).toHaveLength(1);
    expect((await waitFor(handle)).structured).toEqual(paid.structured);
    expect(town.bank.captured).toHaveLength(1);
    expect(JSON.stringify([paid.raw])).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|mandate/);
  });

  test("pays although nobody waits, and the receipt is there for the handle when the view comes back", async () => {
    const { id, request, handle } = await askByLink();
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    const view = record((await town.call("get_checkout", { checkout_id: id })).structured["checkout"]);
    expect(view["status"]).toBe("completed");
    await town.restart();
    expect((await waitFor(handle)).structured).toMatchObject({ state: "approved", receipt: { human_present: true } });
  });

  test("reads the order again by the handle of its receipt, which is for one order and no list", async () => {
    const first = await askByLink();
    await town.wallet.approve(first.request, "usr_1");
    const paid = await waitFor(first.handle);
    const receipt_handle = handleOf(paid);
    expect(JSON.stringify(paid.structured)).not.toContain(receipt_handle);
    const order_id = orderOf(paid);
    expect((await town.call("get_order", { order_id, receipt_handle })).structured).toMatchObject({ order: { id: order_id } });
    await town.restart();
    expect((await town.call("get_order", { order_id, receipt_handle })).isError).toBe(false);

    const second = await askByLink();
    await town.wallet.approve(second.request, "usr_2");
    const other = orderOf(await waitFor(second.handle));
    expect(await town.call("get_order", { order_id: other, receipt_handle })).toMatchObject({ code: "not_found" });
    expect(await town.call("get_order", { order_id, receipt_handle: first.handle.slice(0, 300) })).toMatchObject({ code: "not_found" });
    expect(await town.call("get_order", { order_id, receipt_handle: `${receipt_handle.slice(0, -4)}AAAA` })).toMatchObject({ code: "not_found" });
    expect(await town.call("get_order", { order_id })).toMatchObject({ status: 401, scope: "orders:read" });
    expect(await town.call("list_orders", {})).toMatchObject({ status: 401 });
  });

  test("M03 somebody else who knows the checkout and the link learns nothing of the receipt", async () => {
    const { id, request, handle } = await askByLink();
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    expect(await town.call("pay", { checkout_id: id }, undefined, claude)).toMatchObject({ status: 401, scope: "orders:read" });
    const stranger = await town.wallet.token("usr_2", "orders:read");
    expect(await town.call("pay", { checkout_id: id }, stranger, claude)).toMatchObject({ code: "not_found" });
    expect((await waitFor(handle)).isError).toBe(false);
  });

  test("P16 learns that the user said no; the checkout can be paid again, for new terms and by a new handle", async () => {
    const { id, request, handle } = await askByLink();
    town.wallet.deny(request);
    await town.store.idle();
    expect((await waitFor(handle)).structured).toEqual({ state: "denied" });
    const again = await town.call("pay", { checkout_id: id }, undefined, claude);
    const read = readApprovalAnswer(again.meta, town.clock.now());
    expect(read.ok && read.value?.link).not.toContain(request);
    expect((await waitFor(handle)).structured).toEqual({ state: "denied" });
  });
});

describe("a signed-in user in such a host", () => {
  test("M19 is the only one who can approve, and gets the receipt by the handle", async () => {
    const token = await town.wallet.token("usr_1", "orders:read");
    const { request, handle } = await askByLink(token);
    expect(town.wallet.requests.get(request)).toMatchObject({ subject: "usr_1" });
    await town.wallet.approve(request, "usr_1");
    expect((await waitFor(handle)).structured).toMatchObject({ state: "approved", receipt: {} });
  });
});

describe("a client that shows addresses", () => {
  async function stateOf(id: string): Promise<unknown> {
    const asked = await town.call("pay", { checkout_id: id }, undefined, elicits);
    return record(record(asked.raw)["result"])["requestState"];
  }

  test("pays as a guest in one call of two rounds, across a restart of the store", async () => {
    const id = await checkout();
    const state = await stateOf(id);
    await town.restart();
    const [request] = town.wallet.requests.keys();
    await town.wallet.approve(request ?? "", "usr_1");
    const paid = await town.call("pay", { checkout_id: id }, undefined, { ...elicits, state });
    expect(paid.structured).toMatchObject({ order: { checkout_id: id }, receipt: { payee: "Harbour Goods" } });
    expect(handleOf(paid)).toMatch(/^s1\./);
    expect(town.bank.captured).toHaveLength(1);
  });

  test("M04 cannot come back twice, not even after a restart", async () => {
    const id = await checkout();
    const state = await stateOf(id);
    const [request] = town.wallet.requests.keys();
    await town.wallet.approve(request ?? "", "usr_1");
    expect((await town.call("pay", { checkout_id: id }, undefined, { ...elicits, state })).isError).toBe(false);
    await town.restart();
    expect(await town.call("pay", { checkout_id: id }, undefined, { ...elicits, state })).toMatchObject({ code: "answer_refused" });
    expect(town.bank.captured).toHaveLength(1);
  });

  test("P16 is told the user's no, and is not asked for new terms in the same call", async () => {
    const id = await checkout();
    const state = await stateOf(id);
    const [request] = town.wallet.requests.keys();
    town.wallet.deny(request ?? "");
    await town.store.idle();
    expect(await town.call("pay", { checkout_id: id }, undefined, { ...elicits, state })).toMatchObject({ code: "payment_denied" });
    expect(town.wallet.requests.size).toBe(1);
    const view = record((await town.call("get_checkout", { checkout_id: id })).structured["checkout"]);
    expect(view).toMatchObject({ status: "priced", version: 2 });
  });
});
