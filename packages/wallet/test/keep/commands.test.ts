import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DataFolder, openDataFolder } from "@countersign/service/data-folder";
import { StartupProblem } from "@countersign/service/startup-problem";
import { openDatabase } from "@countersign/storage/open";
import { keyIdOf } from "@countersign/storage/sealed";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCommand, sealingKeys } from "../../src/keep/commands.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { formOf } from "../peers/browser.ts";
import { lodge } from "../peers/payments.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, type World } from "../peers/world.ts";

let folder: DataFolder;
let world: World | undefined;
let printed: string[];
beforeEach(() => {
  folder = openDataFolder(mkdtempSync(join(tmpdir(), "wallet-")));
  printed = [];
});
afterEach(async () => {
  await world?.close();
  world = undefined;
  rmSync(folder.path, { recursive: true, force: true });
});

const config = () => ({ data: folder.path, databaseUrl: undefined, sealingKey: undefined, otherSealingKeys: [] });
const run = (...args: readonly string[]): Promise<number> => runCommand(args, config, (text) => printed.push(text));

/** The wallet on the data folder, started anew with the keys that are in its key file now. */
async function restart(): Promise<World> {
  const port = world === undefined ? undefined : Number(new URL(world.url).port);
  await world?.close();
  world = await startWorld({ databaseUrl: folder.databaseUrl("wallet"), ...sealingKeys(config(), folder), ...(port === undefined ? {} : { port }) });
  return world;
}

/** Ids of the sealing keys that the database names. */
async function keyIdsInUse(): Promise<readonly string[]> {
  const database = await openDatabase<unknown>({ url: folder.databaseUrl("wallet"), schema: "wallet", migrations: walletMigrations });
  const { rows } = await sql<{ value: string }>`select value from records`.execute(database.sql);
  await database.close();
  return [...new Set(rows.flatMap(({ value }) => [...value.matchAll(/"(s1\.[^"]+)"/g)].flatMap((match) => keyIdOf(match[1] ?? "") ?? [])))];
}

describe("commands of the operator", () => {
  test("X01 X02 a new sealing key takes over while the wallet runs: then the old one is not needed, and every promise is kept", async () => {
    const first = await restart();
    const person = new Person(first);
    const { id, request } = await lodge(first, { scope: "orders:read" });
    const payment = await person.register(await person.browser.open(request.url));
    const consent = await person.usePasskey(payment, "/approve");
    const end = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
    const tokens = await redeem(first, codeFields(end, request));
    const openRequest = authorizationRequest(first);
    const openPage = await person.browser.open(openRequest.url);
    const [old] = await keyIdsInUse();
    const jwks = await (await fetch(`${first.url}/jwks`)).text();

    expect(await run("add-key")).toBe(0);
    expect(await run("reseal")).toBe(1);
    expect(printed.at(-1)).toContain("1 running instances seal with another key");
    expect(await keyIdsInUse()).toEqual([old]);
    await restart();
    expect(await run("reseal")).toBe(0);
    expect(printed.at(-1)).toBe("The other keys are no longer needed.");
    const [now, ...others] = await keyIdsInUse();
    expect(now).not.toBe(old);
    expect(others).toEqual([]);

    const file = join(folder.path, "wallet.key");
    writeFileSync(file, readFileSync(file, "utf8").split("\n").slice(0, 1).join("\n"));
    const last = await restart();
    expect(await (await fetch(`${last.url}/jwks`)).text()).toBe(jwks);
    expect((await person.browser.submit(formOf(openPage.html, "/consent"))).url).toContain("code=");
    expect((await redeem(last, { grant_type: "refresh_token", refresh_token: String(tokens.body["refresh_token"]) })).status).toBe(200);
    expect((await last.payee.call(`/payment-requests/${id}`)).body["mandate"]).toMatch(/~$/);
  });

  test("a text that no key opens is named, and the old keys are to be kept", async () => {
    await restart();
    await world?.close();
    world = undefined;
    const database = await openDatabase<unknown>({ url: folder.databaseUrl("wallet"), schema: "wallet", migrations: walletMigrations });
    const lost = { sealed: `s1.gone.${"A".repeat(60)}` };
    await database.records({ name: "approval-evidence", parse: (json) => json }).create("mnd_1", lost);
    await database.close();
    expect(await run("reseal")).toBe(1);
    expect(printed).toContain("No key opens approval-evidence mnd_1.");
    expect(printed.at(-1)).toBe("Keep the other keys: they are still named in approval-evidence.");
  });

  test("a signing key is rotated and taken back beside a running wallet", async () => {
    const { url } = await restart();
    const kids = async (): Promise<readonly string[]> => {
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      return [...(await (await fetch(`${url}/jwks`)).text()).matchAll(/"kid":"([^"]+)"/g)].map((match) => match[1] ?? "");
    };
    const [only = ""] = await kids();
    expect(await run("rotate-signing-key")).toBe(0);
    const [signing, next = ""] = await kids();
    expect(signing).toBe(only);
    expect(printed.at(-1)).toContain(next);
    expect(await run("withdraw-signing-keys")).toBe(0);
    expect(await kids()).toEqual([expect.not.stringMatching(`${only}|${next}`)]);
    expect(printed.join("\n")).not.toContain('"d"');
  });

  test("what is no command is explained and changes nothing", async () => {
    expect(await run("--help")).toBe(0);
    for (const args of [["surprise"], ["reseal", "now"], ["constructor"], [""]]) expect(await run(...args)).toBe(2);
    expect(new Set(printed)).toEqual(new Set([expect.stringContaining("rotate-signing-key")]));
  });

  test("keys of the environment are not changed in the key file", async () => {
    const sealingKey = folder.key("wallet");
    await expect(
      runCommand(
        ["add-key"],
        () => ({ ...config(), sealingKey }),
        () => undefined,
      ),
    ).rejects.toThrow(StartupProblem);
    expect(folder.keys("wallet")).toHaveLength(1);
  });
});
