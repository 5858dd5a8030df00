import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { authorizationRequest, codeFields, Person, redeem, startWorld, storeResource, type World } from "../peers/world.ts";

let folder: string;
let world: World;
let database: DatabaseSync;
let refreshToken: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "refresh-exchange-"));
  const path = join(folder, "wallet.sqlite");
  world = await startWorld({ databaseUrl: pathToFileURL(path).href });
  database = new DatabaseSync(path, { timeout: 10_000 });
});
afterAll(async () => {
  database.close();
  await world.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  const request = authorizationRequest(world);
  const redirect = await new Person(world).signUp(request);
  refreshToken = String((await redeem(world, codeFields(redirect, request))).body["refresh_token"]);
});

const refresh = (more: Readonly<Record<string, string>> = {}) =>
  redeem(world, { grant_type: "refresh_token", refresh_token: refreshToken, resource: storeResource, ...more });

function storedTokens(): unknown {
  return database.prepare("select id, version, consumed_at from records where kind in ('oidc-refreshtoken', 'refresh-answer') order by id").all();
}

/** Runs `work` while the database does `action` at an event. */
async function whileTrigger<T>(event: string, action: string, work: () => Promise<T>): Promise<T> {
  database.exec(`create trigger harm ${event} begin select ${action}; end`);
  try {
    return await work();
  } finally {
    database.exec("drop trigger harm");
  }
}

describe("an exchange of a refresh token", () => {
  test.each([
    ["its successor", "oidc-refreshtoken"],
    ["its answer", "refresh-answer"],
  ])("that cannot store %s spends nothing", async (_, kind) => {
    const before = storedTokens();
    const failed = await whileTrigger(`before insert on records when new.kind = '${kind}'`, "raise(abort, 'full')", refresh);
    expect(failed).toEqual({ status: 500, body: { error: "server_error", error_description: expect.any(String) } });
    expect(JSON.stringify(failed.body)).not.toContain("full");
    expect(storedTokens()).toEqual(before);
    expect((await refresh()).status).toBe(200);
  });

  test("that fails before its answer is made spends nothing", async () => {
    expect(await refresh({ resource: "https://elsewhere.test/mcp" })).toMatchObject({ status: 400, body: { error: "invalid_target" } });
    expect((await refresh()).status).toBe(200);
  });

  test("O17 whose token ended meanwhile stores and gives nothing", async () => {
    const before = storedTokens();
    const lost = await whileTrigger("before update of consumed_at on records when old.kind = 'oidc-refreshtoken'", "raise(ignore)", refresh);
    expect(lost).toEqual({ status: 400, body: { error: "invalid_grant", error_description: "grant request is invalid" } });
    expect(storedTokens()).toEqual(before);
  });

  test("O17 is one for 50 at the same time: each gets the same answer", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh()));
    expect(answers[0]?.status).toBe(200);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });
});
