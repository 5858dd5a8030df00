import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import { type Database, openDatabase } from "@countersign/storage/open";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { walletMigrations } from "../src/migrations.ts";
import { formOf } from "./peers/browser.ts";
import { lodge } from "./peers/payments.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, storeResource, type World } from "./peers/world.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-wallet-canary-"));
const sealingKey = randomBytes(32).toString("base64url");
const log: string[] = [];
const answers: string[] = [];
/** Every bearer value that a whole walk made, by what it is. */
const secrets = new Map<string, string>([["the sealing key", sealingKey]]);

let world: World;
let database: Database<unknown>;
let refreshTokens: readonly string[];

beforeAll(async () => {
  const databaseUrl = pathToFileURL(join(folder, "wallet.sqlite")).href;
  const logger = createLogger("wallet", { level: "debug", destination: { write: (line: string) => void log.push(line) } });
  world = await startWorld({ databaseUrl, sealingKey: new Secret(sealingKey), logger });
  database = await openDatabase<unknown>({ url: databaseUrl, schema: "wallet", migrations: walletMigrations });
  refreshTokens = [await walk("Ada"), await walk("Grace")];
  await failInEveryWay();
}, 120_000);

afterAll(async () => {
  await database.close();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

function keep(name: string, value: unknown): string {
  if (typeof value !== "string" || value.length < 16) throw new Error(`there is no ${name}`);
  secrets.set(`${name} ${secrets.size}`, value);
  return value;
}

/** Signs up, allows, redeems, refreshes, pays; keeps every secret on the way and gives the last refresh token. */
async function walk(name: string): Promise<string> {
  const person = new Person(world);
  const request = authorizationRequest(world);
  keep("code verifier", request.verifier);
  const consent = await person.register(await person.browser.open(request.url), name);
  keep("form token", formOf(consent.html, "/consent").fields["form_token"]);
  const redirect = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
  keep("code", redirect.searchParams.get("code"));
  const first = await redeem(world, codeFields(redirect, request));
  keep("access token", first.body["access_token"]);
  const refreshed = await redeem(world, {
    grant_type: "refresh_token",
    refresh_token: keep("refresh token", first.body["refresh_token"]),
    resource: storeResource,
  });
  keep("access token", refreshed.body["access_token"]);
  const { id, request: payment } = await lodge(world);
  const paid = new URL((await person.usePasskey(await person.browser.open(payment.url), "/approve")).url);
  keep("code of a payment", paid.searchParams.get("code"));
  keep("token of a payment", (await redeem(world, codeFields(paid, payment))).body["access_token"]);
  keep("mandate", (await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
  keep("payee token", await world.payee.token());
  keep("session cookie", person.browser.cookieValue("wallet_session"));
  answers.push((await person.browser.open(`${world.url}/account/activity`)).html);
  return keep("refresh token", refreshed.body["refresh_token"]);
}

/** Each secret where it does not belong, and again while the database is broken. */
async function failInEveryWay(): Promise<void> {
  const attempts = async (): Promise<void> => {
    for (const value of secrets.values()) {
      const paths = [
        `/authorize?client_id=${value}&state=${value}`,
        `/interaction/${value}`,
        `/approve/${value}`,
        `/account/activity?after=${value}`,
        `/${value}`,
      ];
      for (const path of paths)
        answers.push(await textOf(fetch(`${world.url}${path}`, { redirect: "manual", headers: { authorization: `Bearer ${value}` } })));
      const fields = { client_id: "countersign-host", grant_type: "authorization_code", code: value, code_verifier: value, redirect_uri: value };
      for (const path of ["/token", "/revoke", "/introspect", "/par", "/payment-requests"]) {
        const body = new URLSearchParams({ ...fields, token: `x${value}`, code: `x${value}` });
        answers.push(await textOf(fetch(`${world.url}${path}`, { method: "POST", body, headers: { authorization: `Bearer x${value}` } })));
      }
    }
  };
  await attempts();
  await sql`alter table records rename to records_away`.execute(database.sql);
  await attempts();
  await sql`alter table records_away rename to records`.execute(database.sql);
}

async function textOf(answering: Promise<Response>): Promise<string> {
  return (await answering).text();
}

/** The names of the secrets that a text holds. */
function leakedIn(text: string): readonly string[] {
  return [...secrets].filter(([, value]) => text.includes(value)).map(([name]) => name);
}

describe("the secrets of a whole walk", () => {
  test("are found by the search where they are", () => {
    expect(leakedIn(`x ${[...secrets.values()].join(" ")} y`)).toHaveLength(secrets.size);
    expect(secrets.size).toBeGreaterThan(20);
  });

  test("X01 are in no file of the database", () => {
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), "latin1"));
    expect(files.join("").length).toBeGreaterThan(50_000);
    expect(leakedIn(files.join("\n"))).toEqual([]);
  });

  test("X03 are in no line of the log, and the failures are", () => {
    expect(log.join("")).toContain("failed");
    expect(log.length).toBeGreaterThan(100);
    const paths = /"path":"[^"]*"/g;
    // A path that somebody made of a secret is the path they asked for; nothing else of the line may hold it.
    expect(leakedIn(log.join("").replaceAll(paths, ""))).toEqual([]);
  });

  test("X03 are in no answer to who asked wrongly, nor on the account's page", () => {
    const failures = answers.filter((answer) => answer !== "");
    expect(failures.length).toBeGreaterThan(100);
    expect(leakedIn(failures.join("\n"))).toEqual([]);
  });

  test("X01 a sealed row that was put in another's place does not open", async () => {
    const [own = "", other = ""] = refreshTokens;
    const renew = (token: string) => redeem(world, { grant_type: "refresh_token", refresh_token: token, resource: storeResource });
    const rows = await sql<{
      id: string;
      value: string;
    }>`select id, value from records where kind = 'oidc-refreshtoken' and consumed_at is null`.execute(database.sql);
    const [first, second] = rows.rows;
    if (first === undefined || second === undefined) throw new Error("there are not two live refresh tokens");
    await sql`update records set value = ${second.value} where kind = 'oidc-refreshtoken' and id = ${first.id}`.execute(database.sql);
    const outcomes = [(await renew(own)).status, (await renew(other)).status].toSorted((a, b) => a - b);
    expect(outcomes[0]).toBe(200);
    expect(outcomes[1]).toBeGreaterThanOrEqual(400);
  });
});
