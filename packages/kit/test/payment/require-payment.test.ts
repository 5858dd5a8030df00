import type { Issuer } from "@countersign/protocol/brand";
import { parseIssuer } from "@countersign/protocol/resource";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { answer, refused } from "../../src/answer.ts";
import { type App, createApp } from "../../src/app.ts";
import { either } from "../../src/auth.ts";
import { createToolContext } from "../../src/context.ts";
import type { Payee, SignedCheckout } from "../../src/payment/payee.ts";
import { mayHavePayment, requirePayment, type PaymentOutcome } from "../../src/payment/require-payment.ts";
import { createTestClock, type TestClock } from "../stand-ins/clock.ts";
import { endpoint, eras, readRpc, rpcRequest } from "../stand-ins/shop.ts";
import { createTestWallet, terms, type TestWallet } from "../stand-ins/wallet.ts";

let clock: TestClock;
let wallet: TestWallet;
let checkout: SignedCheckout;

beforeEach(async () => {
  clock = createTestClock();
  wallet = await createTestWallet(clock);
  checkout = await wallet.payee.signCheckout(terms);
});

interface Attempt {
  readonly requestId?: string;
  readonly subject?: string;
  readonly for?: SignedCheckout;
  /** Of the token, where it is not the wallet. */
  readonly issuer?: Issuer;
}

/** Without scope and subject it is a guest who pays. */
function pay(scope: readonly string[], options: Attempt = {}): Promise<PaymentOutcome> {
  const subject = options.subject ?? (scope.length === 0 ? undefined : "usr_9");
  const caller = { subject, clientId: "host", scope: new Set(scope), issuer: options.issuer ?? wallet.payee.issuer };
  const ctx = createToolContext("pay", caller, {}, () => new AbortController().signal, wallet.payee);
  const demand = { checkout: options.for ?? checkout };
  return requirePayment(ctx, options.requestId === undefined ? demand : { ...demand, requestId: options.requestId });
}

async function refusalOf(outcome: Promise<PaymentOutcome>): Promise<string> {
  const settled = await outcome;
  return settled.outcome === "refused" ? settled.refusal.code : settled.outcome;
}

describe("a payment", () => {
  test("that nobody approved is a demand for approval, with the wallet's page for it", async () => {
    const outcome = await pay([]);
    const challenge = {
      kind: "approval",
      requestId: "pr_1",
      link: "https://wallet.test/approve/pr_1",
      isApproved: false,
      expiresAt: clock.now() + 900_000,
    };
    expect(outcome).toMatchObject({ outcome: "challenge", requestId: "pr_1", challenge });
    expect(wallet.requests.get("pr_1")?.terms).toEqual(terms);
  });

  test("that the user approved gives the mandate to the caller whose token carries its scope", async () => {
    await pay([]);
    await wallet.approve("pr_1");
    const outcome = await pay(["payment:pr_1"], { requestId: "pr_1" });
    expect(outcome).toMatchObject({ outcome: "approved", requestId: "pr_1", approval: { claims: { sub: "usr_1" }, checkoutHash: checkout.hash } });
    expect(JSON.stringify(outcome)).not.toMatch(/eyJ[\w-]{10,}\.[\w-]/);
  });

  test("P15 asked for again, in parallel or after a restart of the app, meets the same live request", async () => {
    const outcomes = await Promise.all([pay([]), pay([]), pay([], { requestId: "pr_1" })]);
    expect(outcomes.map((each) => (each.outcome === "refused" ? each.refusal : each.requestId))).toEqual(["pr_1", "pr_1", "pr_1"]);
    const restored: SignedCheckout = JSON.parse(JSON.stringify(checkout));
    expect(await pay([], { for: restored })).toMatchObject({ requestId: "pr_1" });
    expect(wallet.requests.size).toBe(1);
  });

  test("is found by the caller's token when the app lost its id", async () => {
    await pay([]);
    await wallet.approve("pr_1");
    expect(await pay(["orders:read", "payment:pr_1"])).toMatchObject({ outcome: "approved" });
  });

  test("names the caller to the wallet, and one that a policy of theirs approves needs no challenge", async () => {
    await pay([]);
    wallet.decide("pr_1", "denied");
    expect(await pay(["orders:read"], { subject: "usr_2" })).toMatchObject({ outcome: "challenge", requestId: "pr_2" });
    wallet.decide("pr_2", "denied");
    wallet.policyOf = "usr_1";
    const outcome = await pay(["orders:read"], { subject: "usr_1" });
    expect(outcome).toMatchObject({ outcome: "approved", requestId: "pr_3", approval: { claims: { sub: "usr_1", human_present: false } } });
    expect(wallet.subjects).toEqual([undefined, "usr_2", "usr_1"]);
  });

  test("approved by the same user in another way is theirs too", async () => {
    await pay([]);
    await wallet.approve("pr_1");
    expect(await pay([], { requestId: "pr_1", subject: "usr_1" })).toMatchObject({ outcome: "approved" });
  });

  test("M03 approved by someone is not given to someone else who knows the checkout", async () => {
    await pay([]);
    await wallet.approve("pr_1");
    for (const subject of [undefined, "usr_2"]) {
      const options = subject === undefined ? { requestId: "pr_1" } : { requestId: "pr_1", subject };
      expect(await pay(["orders:read", "payment:pr_2"], options)).toMatchObject({ outcome: "challenge", requestId: "pr_1" });
    }
  });

  test("M19 asked for in a user's name is refused to another one, and stays the first one's", async () => {
    expect(await pay(["orders:read"], { subject: "usr_1" })).toMatchObject({ outcome: "challenge", requestId: "pr_1" });
    expect(await refusalOf(pay(["orders:read"], { subject: "usr_2" }))).toBe("claimed_elsewhere");
    expect(await refusalOf(pay(["orders:read"], { subject: "usr_2", requestId: "pr_1" }))).toBe("claimed_elsewhere");
    await wallet.approve("pr_1");
    expect(await pay(["orders:read"], { subject: "usr_1", requestId: "pr_1" })).toMatchObject({ outcome: "approved" });
  });

  test("that a guest asked for becomes the user's who asks for it after signing in", async () => {
    await pay([]);
    expect(wallet.requests.get("pr_1")?.buyer).toBeUndefined();
    expect(await pay(["orders:read"], { subject: "usr_1", requestId: "pr_1" })).toMatchObject({ outcome: "challenge", requestId: "pr_1" });
    expect(wallet.requests.get("pr_1")?.buyer).toBe("usr_1");
  });

  test("M03 is not a user's of another issuer, whatever its token calls them and whatever scopes it carries", async () => {
    const other = parseIssuer("https://login.test");
    if (!other.ok) throw new TypeError("no issuer");
    const stranger = { subject: "usr_1", issuer: other.value };
    expect(await pay(["payment:pr_1"], stranger)).toMatchObject({ outcome: "challenge", requestId: "pr_1" });
    expect(wallet.subjects).toEqual([undefined]);
    await wallet.approve("pr_1");
    expect(await pay(["payment:pr_1"], { ...stranger, requestId: "pr_1" })).toMatchObject({ outcome: "challenge", challenge: { link: undefined } });
    expect(await pay(["payment:pr_1"], { subject: "usr_1", requestId: "pr_1" })).toMatchObject({ outcome: "approved" });
  });

  test("L26 M25 a token that merely carries the scope is not an approval", async () => {
    await pay([]);
    expect(await pay(["payment:pr_1"], { requestId: "pr_1", subject: "usr_1" })).toMatchObject({ outcome: "challenge", requestId: "pr_1" });
  });

  test("leads people to the wallet and nowhere else", async () => {
    expect(await pay([])).toMatchObject({ challenge: { link: "https://wallet.test/approve/pr_1" } });
    for (const url of [
      "https://evil.test/approve/pr_1",
      "https://wallet.test:8443/approve/pr_1",
      "http://wallet.test/approve/pr_1",
      "javascript:alert(1)",
    ]) {
      wallet.approvalUrl = url;
      expect(await pay([])).toMatchObject({ outcome: "challenge", challenge: { link: undefined } });
    }
  });

  test("P12 an approval of another checkout does not pay for this one", async () => {
    const cheap = await wallet.payee.signCheckout({ ...terms, id: "co_2", amount: 100, items: [{ name: "Pin", quantity: 1, amount: 100 }] });
    await pay([], { for: cheap });
    await wallet.approve("pr_1");
    expect(await pay(["payment:pr_1"], { for: cheap, requestId: "pr_1" })).toMatchObject({ outcome: "approved" });
    for (const requestId of ["pr_1", undefined]) {
      const outcome = await pay(["payment:pr_1"], requestId === undefined ? {} : { requestId });
      expect(outcome).toMatchObject({ outcome: "challenge", requestId: "pr_2" });
    }
  });

  test("that was denied or has expired is lodged anew", async () => {
    await pay([]);
    wallet.decide("pr_1", "denied");
    expect(await pay([], { requestId: "pr_1" })).toMatchObject({ outcome: "challenge", requestId: "pr_2" });
    wallet.decide("pr_2", "expired");
    expect(await pay([], { requestId: "pr_2" })).toMatchObject({ outcome: "challenge", requestId: "pr_3" });
  });

  test("is not lodged once the checkout's signature has lapsed, but an approval made in time still counts", async () => {
    await pay([]);
    clock.advance(1_500_000 - 1);
    await wallet.approve("pr_1");
    clock.advance(1);
    expect(await pay(["payment:pr_1"], { requestId: "pr_1" })).toMatchObject({ outcome: "approved" });
    wallet.decide("pr_1", "expired");
    expect(await refusalOf(pay([], { requestId: "pr_1" }))).toBe("checkout_expired");
  });
});

describe("mayHavePayment", () => {
  const may = (asked: { readonly requestId: string; readonly payer: string | undefined } | undefined): boolean => {
    const guest = { subject: undefined, clientId: undefined, scope: new Set<string>(), issuer: undefined };
    const signal = (): AbortSignal => new AbortController().signal;
    const ctx = createToolContext("pay", guest, {}, signal, wallet.payee, asked && { ...asked, waitSeconds: 0 });
    return mayHavePayment(ctx, { requestId: "pr_1", subject: "usr_1" });
  };

  test("M03 P12 is for the call that was asked for this very payment, and for the user it was asked of", () => {
    expect(may({ requestId: "pr_1", payer: undefined })).toBe(true);
    expect(may({ requestId: "pr_1", payer: "usr_1" })).toBe(true);
    expect(may({ requestId: "pr_1", payer: "usr_2" })).toBe(false);
    expect(may({ requestId: "pr_2", payer: undefined })).toBe(false);
    expect(may(undefined)).toBe(false);
  });
});

describe("L20 L28 P01 a mandate that differs from the checkout is refused", () => {
  const details = (change: Record<string, unknown>) => {
    const { id, version, resource: _resource, ...priced } = terms;
    const payee = { id: "store", name: "Harbour Goods", website: "https://store.test/" };
    const payment_instrument = { type: "bank_account", id: "acc_1", description: "Account ending 0001" };
    const all = {
      type: "payment",
      payee,
      ...priced,
      checkout_id: id,
      checkout_version: version,
      checkout_hash: checkout.hash,
      payment_instrument,
      ...change,
    };
    return { authorization_details: [all] };
  };
  const other = "B".repeat(43);
  const rows: readonly [what: string, change: () => Record<string, unknown>, code: string][] = [
    [
      "amount",
      () => ({
        ...details({ amount: 9900, items: [{ name: "Mug", quantity: 2, amount: 9900 }] }),
        payment_amount: { amount: 9900, currency: "EUR" },
      }),
      "consent_mismatch",
    ],
    ["currency", () => ({ ...details({ currency: "JPY" }), payment_amount: { amount: 2600, currency: "JPY" } }), "consent_mismatch"],
    ["checkout hash", () => ({ ...details({ checkout_hash: other }), transaction_id: other }), "consent_mismatch"],
    ["request", () => ({ request_id: "pr_9" }), "mandate_invalid"],
    ["issuer", () => ({ iss: "https://evil.test" }), "mandate_invalid"],
    ["audience", () => ({ aud: ["https://bank.test"] }), "mandate_invalid"],
    ["key", () => ({ cnf: { jkt: other } }), "mandate_invalid"],
    ["type", () => ({ vct: "mandate.checkout.1" }), "mandate_invalid"],
    ["one of two amounts", () => ({ payment_amount: { amount: 1, currency: "EUR" } }), "mandate_invalid"],
  ];
  test.each(rows)("in its %s", async (_what, change, code) => {
    await pay([]);
    await wallet.approve("pr_1");
    expect(await pay(["payment:pr_1"], { requestId: "pr_1" })).toMatchObject({ outcome: "approved" });
    await wallet.approve("pr_1", change());
    expect(await refusalOf(pay(["payment:pr_1"], { requestId: "pr_1" }))).toBe(code);
  });

  test("in its signature, type header, form or lifetime", async () => {
    await pay([]);
    const request = wallet.requests.get("pr_1");
    const attempt = () => refusalOf(pay(["payment:pr_1"], { requestId: "pr_1" }));
    await wallet.approve("pr_1", {}, { typ: "JWT" });
    expect(await attempt()).toBe("mandate_invalid");
    await wallet.approve("pr_1", {}, { kid: undefined });
    expect(await attempt()).toBe("mandate_invalid");
    await wallet.approve("pr_1");
    const sound = request?.mandate ?? "";
    expect(await attempt()).toBe("approved");
    for (const mandate of [sound.slice(0, -1), `${sound}x~`, sound.replace(/.{5}~$/, "AAAAA~"), "x", ""]) {
      if (request) request.mandate = mandate;
      expect(await attempt()).toBe("mandate_invalid");
    }
    if (request) request.mandate = sound;
    clock.advance(960_000);
    expect(await attempt()).toBe("mandate_invalid");
  });
});

describe("when the wallet", () => {
  test("does not answer, the payment is refused and can be tried again", async () => {
    wallet.issuer.down = true;
    expect(await refusalOf(pay([]))).toBe("authorization_server_unreachable");
    wallet.issuer.down = false;
    clock.advance(5_000);
    expect(await pay([])).toMatchObject({ outcome: "challenge" });
  });

  test("forgot the payee's token, a new one is fetched with a new assertion", async () => {
    await pay([]);
    wallet.tokens.clear();
    expect(await pay([], { requestId: "pr_1" })).toMatchObject({ outcome: "challenge", requestId: "pr_1" });
    expect(wallet.assertions.length).toBe(2);
  });

  test("is asked often, one token serves until shortly before its end", async () => {
    await pay([]);
    clock.advance(269_000);
    await pay([], { requestId: "pr_1" });
    expect(wallet.assertions.length).toBe(1);
    clock.advance(1_000);
    await pay([], { requestId: "pr_1" });
    expect(wallet.assertions.length).toBe(2);
  });
});

describe.each(eras)("the tool pay in revision %s", (era) => {
  let app: App;
  let stored: string | undefined;

  beforeEach(() => {
    stored = undefined;
    const payee: Payee = wallet.payee;
    app = createApp({
      name: "store",
      version: "1",
      resource: endpoint,
      issuer: wallet.issuer.issuer,
      payee,
      clock: clock.now,
      fetch: wallet.issuer.fetch,
    });
    app.tool("pay", { description: "pay", input: z.object({ checkout_id: z.string() }), auth: either("orders:read") }, async (_args, ctx) => {
      const payment = await requirePayment(ctx, stored === undefined ? { checkout } : { checkout, requestId: stored });
      if (payment.outcome === "refused") return refused(payment.refusal);
      stored = payment.requestId;
      return payment.outcome === "challenge" ? payment.challenge : answer({ paid: payment.approval.claims.payment_amount }, "Paid.");
    });
    return () => app.close();
  });

  const call = (token?: string, args: Record<string, unknown> = { checkout_id: "co_1" }) =>
    app.fetch(rpcRequest(era, "tools/call", { name: "pay", arguments: args }, { authorization: token && `Bearer ${token}` }));

  test("is 401 for a guest, 403 for a user, and answers with the same live request until it is approved", async () => {
    const guest = await call();
    expect(guest.status).toBe(401);
    expect(guest.headers.get("www-authenticate")).toContain('scope="orders:read payment:pr_1"');
    const user = await call(await wallet.issuer.token());
    expect(user.status).toBe(403);
    expect(user.headers.get("www-authenticate")).toMatch(/^Bearer error="insufficient_scope", .*scope="orders:read payment:pr_1"/);
    await wallet.approve("pr_1");
    const { result } = await readRpc(await call(await wallet.issuer.token({ scope: "payment:pr_1" })));
    expect(result).toMatchObject({ structuredContent: { paid: { amount: 2600, currency: "EUR" } } });
    expect(JSON.stringify(result)).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|mandate/);
    expect(wallet.requests.size).toBe(1);
  });

  test("M25 takes no argument for an approval", async () => {
    const args = { checkout_id: "co_1", approved: true, payment_request: "pr_1", mandate: "x", scope: "payment:pr_1" };
    expect((await call(await wallet.issuer.token(), args)).status).toBe(403);
  });
});

test("L27 the payee's public keys are published without their private part", async () => {
  const app = createApp({ name: "store", version: "1", resource: endpoint, payee: wallet.payee });
  const response = await app.fetch(new Request("https://store.test/.well-known/jwks.json"));
  const { keys } = z.object({ keys: z.array(z.record(z.string(), z.string())) }).parse(await response.json());
  expect(keys).toHaveLength(1);
  expect(Object.keys(keys[0] ?? {}).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  await app.close();
});
