import { usePostgres } from "@countersign/storage/testing/postgres";
import { makeSpender, type Spender } from "@countersign/wallet/testing/spender";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Processes, runProcesses } from "../stack/run-processes.ts";
import { type LodgedPayment, type PayeeAddress, publishPayee, type SpendingPayee } from "../stack/spending-payee.ts";

/** What a wallet and a bank keep, each in a process of its own: `undefined` is the embedded database. */
const engines: readonly (readonly [string, () => Promise<{ newUrl(): Promise<string | undefined>; stop(): Promise<void> }>])[] = [
  ["SQLite", async () => ({ newUrl: async () => undefined, stop: async () => undefined })],
  [
    "PostgreSQL",
    async () => {
      const server = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
      return { newUrl: () => server.createDatabase(), stop: () => server.stop() };
    },
  ],
];

const price = 999;
const fits = 10;
const limits = { payment: price, otherDevice: price, day: fits * price, month: 100 * price, payee: 100 * price };

describe.each(engines)("limits of a wallet and books of a bank, two processes on %s", (_name, openEngine) => {
  let engine: Awaited<ReturnType<typeof openEngine>>;
  let address: PayeeAddress;
  let processes: Processes;
  let payee: SpendingPayee;
  let spender: Spender;

  beforeAll(async () => {
    engine = await openEngine();
    address = await publishPayee("kiosk");
    const [walletUrl, bankUrl] = [await engine.newUrl(), await engine.newUrl()];
    const withOne = (list: string | undefined, one: object): string => JSON.stringify([...JSON.parse(list ?? "[]"), one]);
    processes = await runProcesses(
      {
        wallet: (guide) => ({
          COUNTERSIGN_WALLET_CLIENTS: withOne(guide["COUNTERSIGN_WALLET_CLIENTS"], {
            client_id: "kiosk",
            client_name: "Kiosk",
            client_uri: "http://127.0.0.1:4300",
            token_endpoint_auth_method: "private_key_jwt",
            grant_types: ["client_credentials"],
            jwks_uri: address.jwksUri,
          }),
          COUNTERSIGN_WALLET_RESOURCES: withOne(guide["COUNTERSIGN_WALLET_RESOURCES"], {
            resource: address.resource,
            client_id: "kiosk",
            name: "Kiosk",
            scopes: { "orders:read": "See your orders" },
          }),
          COUNTERSIGN_WALLET_LIMITS: JSON.stringify({ EUR: limits }),
          ...(walletUrl === undefined ? {} : { COUNTERSIGN_WALLET_DATABASE_URL: walletUrl }),
        }),
        bank: (guide) => ({
          COUNTERSIGN_BANK_CLIENTS: withOne(guide["COUNTERSIGN_BANK_CLIENTS"], { client_id: "kiosk", jwks_uri: address.jwksUri, role: "payee" }),
          ...(bankUrl === undefined ? {} : { COUNTERSIGN_BANK_DATABASE_URL: bankUrl }),
        }),
      },
      {},
      ["bank", "wallet"],
    );
    payee = address.open(processes.urls.wallet, processes.urls.bank, price);
    spender = await makeSpender(processes.urls.wallet, (await payee.lodge()).link);
  }, 120_000);

  afterAll(async () => {
    await processes?.stop();
    address?.close();
    await engine?.stop();
  });

  const lodgeMany = (count: number): Promise<readonly LodgedPayment[]> => Promise.all(Array.from({ length: count }, () => payee.lodge()));
  const counts = (outcomes: readonly string[]): Readonly<Record<string, number>> =>
    Object.fromEntries(
      Map.groupBy(outcomes, (each) => each)
        .entries()
        .map(([name, all]) => [name, all.length]),
    );

  it("P13: approve exactly as many of 20 payments at once as fit, and agree on what was taken when parts are captured, voided and refunded", {
    timeout: 120_000,
  }, async () => {
    const lodged = await lodgeMany(2 * fits);
    expect(counts(await spender.approveAll(lodged.map(({ link }) => link)))).toEqual({ approved: fits, over_limit: fits });
    expect(await spender.usedToday()).toBe("€99.90 of €99.90");
    const approvals = (await Promise.all(lodged.map((payment) => payee.approvalOf(payment)))).filter((each) => each !== undefined);
    expect(approvals).toHaveLength(fits);
    const ids = await Promise.all(approvals.map((approval) => payee.authorize(approval)));
    const statement = (): Promise<unknown> => payee.bank("GET", "/payable/EUR/statement");
    expect(await statement()).toMatchObject({ account: { booked: 0, held: fits * price } });

    const move = (id: string | undefined, word: string, body: object): Promise<unknown> => payee.bank("POST", `/payments/${id}/${word}`, body);
    const part = { currency: "EUR", final: true };
    await Promise.all([
      ...ids.slice(0, 4).map((id) => move(id, "captures", { ...part, amount: price })),
      ...ids.slice(4, 7).map((id) => move(id, "captures", { ...part, amount: 300 })),
      ...ids.slice(7).map((id) => move(id, "void", {})),
    ]);
    const taken = 4 * price + 3 * 300;
    expect(await statement()).toMatchObject({ account: { booked: taken, held: 0 } });
    // The bank tells the wallet by itself what came of each approval.
    await expect.poll(() => spender.usedToday(), { timeout: 20_000 }).toBe("€48.96 of €99.90");

    await move(ids[0], "refunds", { amount: price, currency: "EUR" });
    expect(await statement()).toMatchObject({ account: { booked: taken - price } });
    // Room for five, as if nothing had been given back.
    const more = await lodgeMany(2 * fits);
    expect(counts(await spender.approveAll(more.map(({ link }) => link)))).toEqual({ approved: 5, over_limit: 15 });
    expect(await spender.usedToday()).toBe("€98.91 of €99.90");
  });
});
