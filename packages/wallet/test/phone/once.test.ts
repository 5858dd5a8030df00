import type { Database } from "@countersign/storage/database";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { claimLink, decidingPhone, makeTicket, nameTicketNumber, phoneTicketTtlMs, readClaim, takeTicket } from "../../src/phone/link-claim.ts";
import { storages } from "../peers/storages.ts";

const now = 1_000_000;
const fifty = Array.from({ length: 50 }, (_, at) => at);
const start = { address: "127.0.0.1", agent: "Test", startedAt: now };

describe.each(storages)("what happens once to an approval link and its ticket, on $name", (storage) => {
  let opened: { readonly database: Database<unknown>; close(): Promise<void> };

  beforeAll(async () => {
    opened = await storage.open();
  });
  afterAll(() => opened.close());

  const claim = (requestId: string, browser: string, at = now) => claimLink(opened.database, { requestId, browser, expiresAt: now + 900_000 }, at);
  const offer = async (requestId: string) => {
    await claim(requestId, "desktop");
    const made = await makeTicket(opened.database, { requestId, browser: "desktop", start }, now);
    if (!made.ok) throw new Error(made.error.code);
    return made.value;
  };
  const otherThan = (number: string): string => (number === "00" ? "01" : "00");

  test("D08 of 50 browsers one claims the link", async () => {
    const claims = await Promise.all(fifty.map((at) => claim("claim", `browser-${at}`)));
    expect(claims.filter((each) => each !== undefined)).toHaveLength(1);
  });

  test("D04 of 50 phones one opens the ticket, and it alone may come back", async () => {
    const { ticket } = await offer("take");
    const taken = await Promise.all(fifty.map((at) => takeTicket(opened.database, ticket, `phone-${at}`, now)));
    expect(taken.filter((each) => each.ok)).toHaveLength(1);
    const winner = taken.findIndex((each) => each.ok);
    const again = await Promise.all(fifty.map((at) => takeTicket(opened.database, ticket, `phone-${at}`, now)));
    expect(again.findIndex((each) => each.ok)).toBe(winner);
    expect(again.filter((each) => each.ok)).toHaveLength(1);
    const there = await readClaim(opened.database, "take", now);
    expect(there && decidingPhone(there, now)).toBe(`phone-${winner}`);
    expect(await claim("take", "desktop")).toEqual(there);
  });

  test("D07 of 50 numbers at the same time one is judged, and all hear that judgement", async () => {
    const { ticket, number } = await offer("number");
    await takeTicket(opened.database, ticket, "phone", now);
    const name = (given: string) => nameTicketNumber(opened.database, { requestId: "number", browser: "phone", given }, now);
    const verdicts = await Promise.all(fifty.map((at) => name(at === 25 ? number : otherThan(number))));
    expect(new Set(verdicts).size).toBe(1);
    expect(await name(number)).toBe(verdicts[0]);
  });

  test("D07 a wrong number burns the ticket, and nobody but the phone is judged", async () => {
    const { ticket, number } = await offer("burn");
    await takeTicket(opened.database, ticket, "phone", now);
    const name = (browser: string, given: string) => nameTicketNumber(opened.database, { requestId: "burn", browser, given }, now);
    expect(await name("desktop", number)).toBeUndefined();
    expect(await name("phone", otherThan(number))).toBe("wrong");
    expect(await name("phone", number)).toBe("wrong");
    expect((await takeTicket(opened.database, ticket, "phone", now)).ok).toBe(false);
    const there = await readClaim(opened.database, "burn", now);
    expect(there && decidingPhone(there, now)).toBeUndefined();
  });

  test("of 50 tickets made at the same time one is in force, and of two in a row the later", async () => {
    await claim("make", "desktop");
    const make = () => makeTicket(opened.database, { requestId: "make", browser: "desktop", start }, now);
    const made = (await Promise.all(fifty.map(make))).flatMap((each) => (each.ok ? [each.value.ticket] : []));
    const later = await make();
    if (!later.ok) throw new Error(later.error.code);
    for (const ticket of made) expect((await takeTicket(opened.database, ticket, "phone", now)).ok).toBe(false);
    expect(await takeTicket(opened.database, later.value.ticket, "phone", now)).toEqual({ ok: true, value: "make" });
    expect((await make()).ok).toBe(false);
  });

  test("D08 only the browser that holds the link makes a ticket", async () => {
    await claim("holder", "desktop");
    const made = await makeTicket(opened.database, { requestId: "holder", browser: "another", start }, now);
    expect(made).toMatchObject({ ok: false, error: { code: "claimed_elsewhere" } });
  });

  test("a ticket is over after three minutes, before it is opened and after", async () => {
    const unopened = await offer("late");
    const late = now + phoneTicketTtlMs;
    expect((await takeTicket(opened.database, unopened.ticket, "phone", late - 1)).ok).toBe(true);
    expect(await nameTicketNumber(opened.database, { requestId: "late", browser: "phone", given: unopened.number }, late)).toBeUndefined();
    const there = await readClaim(opened.database, "late", late);
    expect(there && decidingPhone(there, late)).toBeUndefined();
    const other = await offer("never");
    expect((await takeTicket(opened.database, other.ticket, "phone", late)).ok).toBe(false);
  });
});
