import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DataFolder, openDataFolder } from "@countersign/service/data-folder";
import { StartupProblem } from "@countersign/service/startup-problem";
import { instanceKindName } from "@countersign/storage/instances";
import { resealProgressKindName } from "@countersign/storage/reseal";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { modelKindName, modelNames } from "../../src/authorize/models.ts";
import { keptKinds } from "../../src/keep/end-restored.ts";
import { markFileOf, runCommand, sealingKeys } from "../../src/keep/commands.ts";
import { enterCode, makeRecoveryCode, newMember, openAccount, runCeremony } from "../peers/account.ts";
import { formOf, formsOf } from "../peers/browser.ts";
import { isPaymentPage, lodge, type Lodged } from "../peers/payments.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, type World } from "../peers/world.ts";

let folder: DataFolder;
let world: World;
let database: string;
let backup: string;
beforeEach(async () => {
  folder = openDataFolder(mkdtempSync(join(tmpdir(), "wallet-")));
  database = fileURLToPath(folder.databaseUrl("wallet"));
  backup = join(folder.path, "copy.sqlite");
  world = await open();
});
afterEach(async () => {
  await world.close();
  rmSync(folder.path, { recursive: true, force: true });
});

const config = () => ({ data: folder.path, databaseUrl: undefined, sealingKey: undefined, otherSealingKeys: [] });
const run = (...args: readonly string[]): Promise<number> => runCommand(args, config, () => undefined);

async function open(port?: number, markFile: string | undefined = markFileOf(folder)): Promise<World> {
  const changes = { ...(port === undefined ? {} : { port }), ...(markFile === "" ? {} : { markFile }) };
  return startWorld({ databaseUrl: folder.databaseUrl("wallet"), ...sealingKeys(config(), folder), ...changes });
}

/** Puts the backup in the place of the database, with nothing left of what was written since. */
async function restore(markFile?: string): Promise<void> {
  await world.close();
  for (const name of readdirSync(folder.path)) if (name.startsWith("wallet.sqlite")) rmSync(join(folder.path, name));
  copyFileSync(backup, database);
  world = await open(Number(new URL(world.url).port), markFile);
}

async function restart(): Promise<void> {
  await world.close();
  world = await open(Number(new URL(world.url).port));
}

/** A person who allowed the host, with its tokens and an open payment. */
async function begin(): Promise<{
  readonly person: Person;
  readonly access: string;
  readonly refresh: string;
  readonly payment: Lodged;
}> {
  const person = new Person(world);
  const request = authorizationRequest(world);
  const { body } = await redeem(world, codeFields(await person.signUp(request), request));
  const payment = await lodge(world);
  return { person, access: String(body["access_token"]), refresh: String(body["refresh_token"]), payment };
}

const refreshWith = (token: string) => redeem(world, { grant_type: "refresh_token", refresh_token: token });
const verify = (token: string) => jwtVerify(token, createRemoteJWKSet(new URL(`${world.url}/jwks`)), { issuer: world.url });

describe("a backup", () => {
  test("that was not put back changes nothing: a restart keeps tokens, session and payment", async () => {
    const { person, access, refresh, payment } = await begin();
    expect(await run("backup", backup)).toBe(0);
    await restart();
    expect((await verify(access)).payload["scope"]).toBe("orders:read");
    expect((await person.browser.open(authorizationRequest(world).url)).html).toContain("Signed in as Ada");
    expect(isPaymentPage(await person.browser.open(payment.request.url))).toBe(true);
    expect((await world.payee.call(`/payment-requests/${payment.id}`)).body["status"]).toBe("created");
    expect((await refreshWith(refresh)).status).toBe(200);
  });

  test("X11 that is put back revives no token that was revoked since: all that it holds is dead, and the person signs in again", async () => {
    const { person, access, refresh, payment } = await begin();
    expect(await run("backup", backup)).toBe(0);
    const revoked = await fetch(`${world.url}/revoke`, {
      method: "POST",
      body: new URLSearchParams({ client_id: "countersign-host", token: refresh }),
    });
    expect(revoked.status).toBe(200);
    expect((await refreshWith(refresh)).body["error"]).toBe("invalid_grant");
    await restore();
    expect((await refreshWith(refresh)).body["error"]).toBe("invalid_grant");
    await expect(verify(access)).rejects.toThrow("no applicable key");
    const page = await person.browser.open(authorizationRequest(world).url);
    expect(page.html).not.toContain("Signed in as Ada");
    expect((await world.payee.call(`/payment-requests/${payment.id}`)).body["status"]).toBe("expired");
    const again = authorizationRequest(world);
    const consent = await person.usePasskey(await person.browser.open(again.url), "/login");
    const end = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
    const tokens = await redeem(world, codeFields(end, again));
    expect(tokens.status).toBe(200);
    await restart();
    expect((await refreshWith(String(tokens.body["refresh_token"]))).status).toBe(200);
  });

  test("X11 that is put back revives no refresh token that was used since, not for anyone who kept it", async () => {
    const { refresh } = await begin();
    expect(await run("backup", backup)).toBe(0);
    const next = await refreshWith(refresh);
    expect(next.status).toBe(200);
    await restore();
    for (const token of [refresh, String(next.body["refresh_token"])]) expect((await refreshWith(token)).body["error"]).toBe("invalid_grant");
  });

  test("X11 that is put back revives no recovery code: its owner is told on every page, and makes a new one", async () => {
    const person = await newMember(world);
    const code = await makeRecoveryCode(world, person);
    const onlyCode = await newMember(world);
    const lastWay = await makeRecoveryCode(world, onlyCode);
    const [removal] = formsOf((await openAccount(world, onlyCode, "/account/passkeys")).html).filter((form) => form.action.endsWith("/remove"));
    if (removal === undefined) throw new Error("the last passkey cannot be removed");
    expect((await runCeremony(onlyCode, removal)).status).toBe(200);
    expect(await run("backup", backup)).toBe(0);
    const page = await enterCode(world, new Person(world), code);
    expect((await runCeremony(new Person(world), formOf(page.html, "/recover/passkey"))).status).toBe(200);
    await restore();
    const finder = await enterCode(world, new Person(world), code);
    expect(finder).toMatchObject({ status: 403, html: expect.stringContaining("not valid") });
    const account = await person.usePasskey(await openAccount(world, person), "/login");
    expect(account.html).toContain("restored from a backup, so your recovery code no longer works");
    expect((await openAccount(world, person, "/account/activity")).html).toContain("Your recovery code was ended");
    const young = await makeRecoveryCode(world, person);
    expect((await openAccount(world, person)).html).not.toContain("restored from a backup");
    await restart();
    expect((await enterCode(world, new Person(world), young)).status).toBe(200);
    // Where the code is the only way in, it stays.
    expect((await enterCode(world, new Person(world), lastWay)).status).toBe(200);
  });

  test("X11 put back where no mark is kept, as with a new machine, is ended by the command", async () => {
    const { person, access, refresh } = await begin();
    expect(await run("backup", backup)).toBe(0);
    await restore("");
    await verify(access);
    expect(await run("restored")).toBe(0);
    expect((await fetch(`${world.url}/readyz`)).status).toBe(200);
    await expect(verify(access)).rejects.toThrow("no applicable key");
    expect((await refreshWith(refresh)).body["error"]).toBe("invalid_grant");
    expect((await person.browser.open(authorizationRequest(world).url)).html).not.toContain("Signed in as Ada");
    expect(await run("restored")).toBe(0);
  });

  test("is readable by its owner only, whole, and never written over another file", async () => {
    await begin();
    expect(await run("backup", backup)).toBe(0);
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    const bytes = readFileSync(backup);
    expect(bytes.subarray(0, 15).toString()).toBe("SQLite format 3");
    await expect(run("backup", backup)).rejects.toThrow(StartupProblem);
    expect(readFileSync(backup)).toEqual(bytes);
  });

  test("a mark that cannot be read counts as one that has seen more", async () => {
    const { refresh } = await begin();
    writeFileSync(markFileOf(folder), "?");
    await restart();
    expect((await refreshWith(refresh)).body["error"]).toBe("invalid_grant");
    const { refresh: later } = await begin();
    await restart();
    expect((await refreshWith(later)).status).toBe(200);
  });
});

describe("what a restored backup keeps", () => {
  test("is named as it is stored", () => {
    const source = join(import.meta.dirname, "../../src");
    const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
    const text = files.map((path) => readFileSync(join(source, path), "utf8")).join("\n");
    const kinds = [...text.matchAll(/RecordKind<[^;]*?name: "([^"]+)"|sealedKind\("([^"]+)"\)/gs)].flatMap((match) => match[1] ?? match[2] ?? []);
    const others = [instanceKindName, resealProgressKindName, ...modelNames.map(modelKindName)];
    expect(keptKinds.filter((kind) => ![...kinds, ...others].includes(kind))).toEqual([]);
    for (const kind of ["session-info", "consent", "passkey-challenge", "refresh-answer"]) {
      expect(kinds).toContain(kind);
      expect(keptKinds).not.toContain(kind);
    }
  });
});
