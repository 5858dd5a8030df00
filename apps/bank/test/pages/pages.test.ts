import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sessionTtlMs } from "../../src/pages/sessions.ts";
import { bankUrl, walletUrl, World } from "../world.ts";
import { StandInWallet } from "./stand-in-wallet.ts";

/** A browser's cookies for one site. */
class Jar {
  readonly cookies: Map<string, string> = new Map();

  take(response: Response): Response {
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = "", rest = ""] = /^([^=]+)=([^;]*)(.*)$/.exec(line) ?? [];
      expect(rest).toMatch(/HttpOnly/);
      expect(rest).toMatch(/SameSite=Lax/);
      if (/Max-Age=0/.test(rest)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  get header(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

describe("the bank's pages", () => {
  let world: World;
  let wallet: StandInWallet;
  let jar: Jar;
  beforeEach(async () => {
    wallet = await StandInWallet.open(walletUrl);
    world = await World.open({ provider: wallet });
    jar = new Jar();
  });
  afterEach(() => world.bank.close());

  async function get(path: string, from: Jar = jar): Promise<Response> {
    return from.take(await world.bank.fetch(new Request(`${bankUrl}${path}`, { headers: { cookie: from.header } })));
  }

  async function post(path: string, fields: Record<string, string> = {}, origin: string | null = bankUrl): Promise<Response> {
    const headers = { cookie: jar.header, "content-type": "application/x-www-form-urlencoded", ...(origin === null ? {} : { origin }) };
    return jar.take(
      await world.bank.fetch(new Request(`${bankUrl}${path}`, { method: "POST", headers, body: new URLSearchParams(fields).toString() })),
    );
  }

  const start = async (): Promise<string> => (await post("/signin", { wallet: walletUrl })).headers.get("location") ?? "";

  const come = (back: URL, from: Jar = jar): Promise<Response> => get(back.pathname + back.search, from);

  async function openAccount(id: string, subject: string): Promise<void> {
    await world.send(world.parties.wallet, "PUT", `/accounts/${id}`, { body: { currency: "EUR", holder: "x", subject } });
  }

  test("the owner signs in with the wallet and reads accounts and statements, until signing out or for 15 minutes", async () => {
    await openAccount("acc_ada1", "usr_ada");
    await openAccount("acc_eve1", "usr_eve");
    await world.pay(await world.order("acc_ada1", { amount: 1_250, claims: { human_present: false } }));
    expect(await (await get("/")).text()).toContain("Sign in with wallet.test");
    const location = new URL(await start());
    expect(location.origin + location.pathname).toBe(`${walletUrl}/authorize`);
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      scope: "openid",
      response_type: "code",
      code_challenge_method: "S256",
      client_id: bankUrl,
    });
    const back = await come(wallet.allow(location.href));
    expect([back.status, back.headers.get("location")]).toEqual([303, "/"]);
    expect(decodeJwt(wallet.redeemed[0]?.assertion ?? "")).toMatchObject({ iss: bankUrl, sub: bankUrl, aud: walletUrl });
    const list = await (await get("/")).text();
    expect(list).toContain("/statement/acc_ada1");
    expect(list).not.toContain("acc_eve1");
    const statement = await (await get("/statement/acc_ada1")).text();
    expect(statement).toContain("Harbour Goods");
    expect(statement).toContain("Automatic");
    expect(statement).not.toContain("Approved by you");
    expect((await get("/statement/acc_eve1")).headers.get("location")).toBe("/");
    const before = jar.header;
    expect((await post("/signout")).status).toBe(303);
    const kept = new Jar();
    kept.cookies.set("bank_session", before.split("=")[1] ?? "");
    expect(await (await get("/statement/acc_ada1", kept)).text()).not.toContain("Harbour Goods");
    await come(wallet.allow(await start()));
    expect(await (await get("/")).text()).toContain("acc_ada1");
    world.time.now += sessionTtlMs;
    expect(await (await get("/")).text()).not.toContain("acc_ada1");
  });

  test("what is only set aside, was taken in part, given back, released and approved by a policy is each told as that, with the balance after it", async () => {
    await openAccount("acc_ada1", "usr_ada");
    const eur = (amount: number): object => ({ amount, currency: "EUR" });
    const step = (): void => void (world.time.now += 1_000);
    const auto = await world.order("acc_ada1", { amount: 1_250, claims: { human_present: false } });
    await world.pay(auto);
    step();
    await world.move(auto.id, "refunds", eur(250));
    step();
    const hold = await world.authorize("acc_ada1", { amount: 3_000 });
    await world.move(hold.id, "captures", { ...eur(1_000), final: false });
    step();
    const released = await world.authorize("acc_ada1", { amount: 700 });
    await world.move(released.id, "void", {});
    await come(wallet.allow(await start()));
    const page = await (await get("/statement/acc_ada1")).text();
    const shown = page
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\s+/g, " ")
      .replaceAll(/\d+ \w+ \d{4}, \d\d:\d\d UTC/g, "DATE");
    expect(shown).toContain("Available 60.00 EUR Set aside 20.00 EUR Balance 80.00 EUR");
    expect(shown).toContain("DATE · not taken yet, free again on DATE unless it is taken Approved by you with a passkey 20.00 EUR");
    const lines = shown.slice(shown.indexOf("Statement Harbour")).split("Harbour Goods");
    expect(lines.map((line) => line.trim())).toEqual([
      "Statement",
      "DATE · Set aside, then released by the shop Approved by you with a passkey 7.00 EUR released Balance 80.00 EUR",
      "DATE · Payment Approved by you with a passkey −10.00 EUR Balance 80.00 EUR",
      "DATE · Refund +2.50 EUR Balance 90.00 EUR",
      expect.stringContaining("DATE · Payment Automatic by your policy, you were not asked −12.50 EUR Balance 87.50 EUR Opening balance DATE"),
    ]);
  });

  test("a user of another wallet with the same id sees nothing", async () => {
    await world.send(world.parties.otherWallet, "PUT", "/accounts/acc_other", { body: { currency: "EUR", holder: "x", subject: "usr_ada" } });
    await come(wallet.allow(await start()));
    expect(await (await get("/")).text()).toContain("no account here yet");
  });

  test.each([
    ["in another browser", async (back: URL): Promise<Response> => come(back, new Jar())],
    ["a second time", async (back: URL): Promise<Response> => (await come(back), come(back))],
    ["with another state", async (back: URL): Promise<Response> => (back.searchParams.set("state", "other"), come(back))],
    ["of another issuer", async (back: URL): Promise<Response> => (back.searchParams.set("iss", "https://evil.test"), come(back))],
    ["without an issuer", async (back: URL): Promise<Response> => (back.searchParams.delete("iss"), come(back))],
    ["with an unknown code", async (back: URL): Promise<Response> => (back.searchParams.set("code", "c"), come(back))],
    ["after ten minutes", async (back: URL): Promise<Response> => ((world.time.now += 600_000), come(back))],
  ])("an answer %s signs nobody in, and is reported once", async (name, bring) => {
    const response = await bring(wallet.allow(await start()));
    expect(response.status).toBe(400);
    const isSecond = name === "a second time";
    expect(jar.cookies.has("bank_session")).toBe(isSecond);
    expect(response.headers.getSetCookie().join()).not.toMatch(/bank_session=[^;]/);
    expect(world.events.filter((event) => event.event === "sign_in_refused")).toHaveLength(1);
  });

  test.each([
    ["for another client", { aud: "https://other.test" }],
    ["of another issuer", { iss: "https://evil.test" }],
    ["with another nonce", { nonce: "n" }],
    ["that has expired", { exp: 1 }],
    ["that names nobody", { sub: undefined }],
  ])("an identity %s signs nobody in", async (_, claims) => {
    wallet.claims = claims;
    expect((await come(wallet.allow(await start()))).status).toBe(400);
    expect(jar.cookies.has("bank_session")).toBe(false);
  });

  test("an identity that is signed by an unpublished key signs nobody in", async () => {
    await wallet.rotate(false);
    expect((await come(wallet.allow(await start()))).status).toBe(400);
    expect(jar.cookies.has("bank_session")).toBe(false);
  });

  test("a no at the wallet, and a wallet that is away, are said", async () => {
    const denied = await come(wallet.deny(await start()));
    expect(denied.status).toBe(400);
    expect(await denied.text()).toContain("Access was not granted.");
    wallet.isAway = true;
    const away = await post("/signin", { wallet: walletUrl });
    expect(away.status).toBe(502);
    expect(await away.text()).toContain("The sign-in service does not answer.");
  });

  test.each([
    ["another site", "https://evil.test"],
    ["a frame without an origin", "null"],
    ["nobody", null],
  ])("L10 a form of %s begins and ends nothing", async (_, origin) => {
    const begun = await post("/signin", { wallet: walletUrl }, origin);
    expect([begun.status, jar.cookies.size]).toEqual([403, 0]);
    await come(wallet.allow(await start()));
    expect((await post("/signout", {}, origin)).status).toBe(403);
    expect(jar.cookies.has("bank_session")).toBe(true);
  });

  test("nobody is sent to a wallet that is not the bank's", async () => {
    const response = await post("/signin", { wallet: "https://evil.test" });
    expect(response.status).toBe(502);
    expect(response.headers.get("location")).toBeNull();
  });

  test("pages stand in no frame, run nothing, are kept nowhere and repeat no markup of others", async () => {
    await openAccount("acc_ada1", "usr_ada");
    await world.pay(await world.order("acc_ada1", { amount: 1, claims: { client_id: "<script>alert(1)</script>" } }));
    await come(wallet.allow(await start()));
    const response = await get("/statement/acc_ada1");
    const text = await response.text();
    expect(text).toContain("&lt;script&gt;");
    expect(text).not.toContain("<script");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(JSON.stringify(world.events)).not.toContain("at-canary");
    expect(text).not.toContain("at-canary");
  });
});
