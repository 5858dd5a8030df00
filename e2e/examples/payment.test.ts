import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApp } from "../../examples/payment/app.ts";
import description from "../../examples/payment/countersign.json" with { type: "json" };
import { ClientUser, runExample, type RunningExample } from "../stack/run-example.ts";

describe("the example of a payment", () => {
  let example: RunningExample;
  beforeAll(async () => {
    example = await runExample(description, makeApp);
  });
  afterAll(async () => {
    await example?.stop();
  });

  it("sells one ticket for one approval, to whoever approved", async () => {
    const user = await ClientUser.connect(example);
    const reserved = await user.call("reserve_seat", { show: "Twelfth Night" });
    const { reservation_id } = reserved.structuredContent as { reservation_id: string };
    expect(user.asked).toEqual([]);

    const paid = await user.callAndAgree("approve", "pay_reservation", { reservation_id });
    expect(paid.structuredContent).toEqual({ ticket: { id: reservation_id, show: "Twelfth Night" } });
    expect(user.asked).toEqual([expect.stringMatching(/^payment:/)]);
    const again = await user.call("pay_reservation", { reservation_id });
    expect(again.structuredContent).toEqual(paid.structuredContent);

    const tickets = await user.callAndAgree("allow", "my_tickets");
    expect(tickets.structuredContent).toEqual({ tickets: [{ id: reservation_id, show: "Twelfth Night" }] });
    await user.client.close();
  });

  it("completes a sale whose call nobody sends again", async () => {
    const user = await ClientUser.connect(example);
    const reserved = await user.call("reserve_seat", { show: "Macbeth" });
    const { reservation_id } = reserved.structuredContent as { reservation_id: string };
    await user.agree("approve", "pay_reservation", { reservation_id });
    await user.callAndAgree("allow", "my_tickets");
    await expect.poll(async () => (await user.call("my_tickets")).structuredContent).toEqual({ tickets: [{ id: reservation_id, show: "Macbeth" }] });
    await user.client.close();
  });

  it("sells nothing without an approval", async () => {
    const user = await ClientUser.connect(example);
    const reserved = await user.call("reserve_seat", { show: "Hamlet" });
    const { reservation_id } = reserved.structuredContent as { reservation_id: string };
    await expect(user.call("pay_reservation", { reservation_id })).rejects.toThrow();
    expect(user.asked).toHaveLength(1);
    expect(await user.call("pay_reservation", { reservation_id: crypto.randomUUID() })).toMatchObject({
      isError: true,
      structuredContent: { error: { code: "not_found" } },
    });
    await user.client.close();
  });
});
