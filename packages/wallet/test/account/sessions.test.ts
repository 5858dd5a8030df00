import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@countersign/storage/open";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeAgent } from "../../src/account/agent.ts";
import { listAudit } from "../../src/audit/log.ts";
import { modelKindName } from "../../src/authorize/models.ts";
import { endSessions, isEnded, sessionInfoKind } from "../../src/authorize/sessions.ts";
import { sha256 } from "../../src/digest.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { sealedKind } from "../../src/sealed-json.ts";
import { elsewhere, newMember, openAccount } from "../peers/account.ts";
import { formsOf } from "../peers/browser.ts";
import { storages } from "../peers/storages.ts";
import { authorizationRequest, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

describe("sessions", () => {
  test("each browser is listed, and this one is marked", async () => {
    const person = await newMember(world);
    const other = elsewhere(world, person);
    await other.usePasskey(await openAccount(world, other), "/login");
    const { html } = await openAccount(world, person, "/account/sessions");
    expect(html.split("Signed in").length - 1).toBe(2);
    expect(html.split("This browser").length - 1).toBe(1);
    expect(formsOf(html).filter((form) => form.action.endsWith("/end"))).toHaveLength(1);
  });

  test("an ended session is signed out everywhere at once, and its apps stay connected", async () => {
    const person = await newMember(world);
    const other = elsewhere(world, person);
    await other.usePasskey(await openAccount(world, other), "/login");
    const [form] = formsOf((await openAccount(world, person, "/account/sessions")).html).filter((each) => each.action.endsWith("/end"));
    if (form === undefined) throw new Error("there is no other session");
    await person.browser.submit(form);
    expect((await openAccount(world, other)).html).toContain("Sign in with a passkey");
    expect((await other.browser.open(authorizationRequest(world).url)).html).toContain("Sign in with a passkey");
    expect((await openAccount(world, person)).html).toContain("Hello, Ada");
    expect((await person.browser.submit(form)).status).toBe(404);
    // Signing in again at the same browser works.
    expect((await other.usePasskey(await openAccount(world, other), "/login")).html).toContain("Hello, Ada");
  });

  test("all others are ended in one press", async () => {
    const person = await newMember(world);
    const others = [elsewhere(world, person), elsewhere(world, person)];
    for (const other of others) await other.usePasskey(await openAccount(world, other), "/login");
    const form = formsOf((await openAccount(world, person, "/account/sessions")).html).find((each) => each.action.endsWith("/end-others"));
    if (form === undefined) throw new Error("there are no other sessions");
    expect((await person.browser.submit(form)).html).toContain("This browser");
    for (const other of others) expect((await openAccount(world, other)).html).toContain("Sign in with a passkey");
  });

  test("another person's session is not found", async () => {
    const victim = await newMember(world);
    const thief = await newMember(world);
    const second = elsewhere(world, thief);
    await second.usePasskey(await openAccount(world, second), "/login");
    const own = formsOf((await openAccount(world, thief, "/account/sessions")).html).find((each) => each.action.endsWith("/end"));
    const [target] = formsOf((await openAccount(world, victim, "/account/sessions")).html);
    if (own === undefined || target === undefined) throw new Error("a form is missing");
    expect((await thief.browser.submit({ ...own, action: "/account/sessions/unknown/end" })).status).toBe(403);
    expect((await openAccount(world, victim)).html).toContain("Hello, Ada");
  });
});

test("a session that a request on its way brings back after its end signs nobody in", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wallet-"));
  const databaseUrl = `file:${join(folder, "wallet.sqlite")}`;
  const own = await startWorld({ databaseUrl });
  const database = await openDatabase<unknown>({ url: databaseUrl, schema: "wallet", migrations: walletMigrations });
  try {
    const person = await newMember(own);
    const sessions = database.records(sealedKind(modelKindName("Session")));
    const [before] = await sessions.scan(undefined, 10);
    if (before === undefined) throw new Error("there is no session");
    const end = formsOf((await openAccount(own, person)).html).find((form) => form.action === "/account/sign-out");
    if (end === undefined) throw new Error("there is no way out");
    await person.browser.submit(end);
    expect(await sessions.scan(undefined, 10)).toEqual([]);
    await sessions.put(before.id, before.value, { keys: before.keys, expiresAt: before.expiresAt });
    expect((await openAccount(own, person)).html).toContain("Sign in with a passkey");
    expect((await person.browser.open(authorizationRequest(own).url)).html).toContain("Sign in with a passkey");
    // Visits keep such a session alive for longer than its end would have been known.
    for (const days of [10, 20, 30]) {
      own.clock.offsetMs = days * 86_400_000;
      await sessions.put(before.id, before.value, { keys: before.keys, expiresAt: Date.now() + (days + 14) * 86_400_000 });
      expect((await person.browser.open(authorizationRequest(own).url)).html).toContain("Sign in with a passkey");
    }
    const account = await person.usePasskey(await openAccount(own, person), "/login");
    expect(account.html).toContain("Hello, Ada");
  } finally {
    await own.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

describe.each(storages)("the end of all sessions of an account on $name", (storage) => {
  test("reaches each, however many were ended before, and none that is kept or another's", async () => {
    const opened = await storage.open();
    const { database } = opened;
    try {
      const infos = database.records(sessionInfoKind);
      const models = database.records(sealedKind(modelKindName("Session")));
      const make = async (uid: string, accountId: string, endedAt: number | null) => {
        await infos.create(uid, { accountId, agent: "A browser", startedAt: 1, seenAt: 1, endedAt }, { keys: { account: accountId } });
        await models.create(uid, { sealed: "" }, { keys: { uid, account: sha256(accountId) } });
      };
      for (let index = 0; index < 520; index += 1) await make(`a${index}`, "usr_1", 1);
      for (const uid of ["z1", "z2", "kept"]) await make(uid, "usr_1", null);
      await make("other", "usr_2", null);
      const why = { type: "session_ended", request: new Request("http://localhost/") } as const;
      expect(await database.transaction((tx) => endSessions(tx, "usr_1", why, 2, "kept"))).toBe(2);
      for (const uid of ["z1", "z2"]) expect(await isEnded(database, uid, 2)).toBe(true);
      for (const uid of ["kept", "other"]) expect(await isEnded(database, uid, 2)).toBe(false);
      expect((await models.scan(undefined, 1000)).map((each) => each.id)).toEqual(["kept", "other"]);
      expect((await listAudit(database, "usr_1", 2)).entries).toHaveLength(2);
    } finally {
      await opened.close();
    }
  });
});

test("a session that was ended stays ended", async () => {
  const database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: [] });
  await database.records(sessionInfoKind).create("s", { accountId: "usr_1", agent: "A browser", startedAt: 1, seenAt: 1, endedAt: null });
  expect(await isEnded(database, "s", 2)).toBe(false);
  expect(await isEnded(database, "unknown", 2)).toBe(false);
  await database.records(sessionInfoKind).put("s", { accountId: "usr_1", agent: "A browser", startedAt: 1, seenAt: 1, endedAt: 2 });
  expect(await isEnded(database, "s", 2)).toBe(true);
  await database.close();
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome on Mac"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Safari on iPhone",
  ],
  ["Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"],
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0 Safari/537.36", "Chrome on Linux"],
  ["<script>alert(1)</script>", "A browser"],
  [null, "A browser"],
])("%s is called %s", (userAgent, words) => {
  expect(describeAgent(userAgent)).toBe(words);
});
