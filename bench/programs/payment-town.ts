// Store, wallet and bank in one process, as `npm start` runs them, with payers whose policies approve what they buy.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { start as startBank } from "@countersign/bank/main";
import { Secret } from "@countersign/protocol/secret";
import { member } from "@countersign/protocol/shape";
import { start as startStore } from "@countersign/store/main";
import { countOrders, stockStore } from "@countersign/store/testing/town-store";
import { start as startWallet } from "@countersign/wallet/main";
import { addPolicyPayers } from "@countersign/wallet/testing/people";
import { payeeId } from "../measure/payment-parties.ts";
import { runProgram } from "../measure/program.ts";
import { judgeBank } from "./parts/judge-bank.ts";
import { listen } from "./parts/listen.ts";

const openingBalance = 1_000_000_000;
const limit = 1_000_000_000;
const unlimited = { payment: limit, otherDevice: limit, day: limit, month: limit, payee: limit };
const units = 1_000_000_000;
const payers = 64;

/** The id of the store's signing key, which is its thumbprint. */
async function keyIdAt(keySet: string): Promise<string> {
  const keys: unknown = await (await fetch(keySet)).json();
  const [key]: readonly unknown[] = [member(keys, "keys")].flat();
  return String(member(key, "kid"));
}

await runProgram(async (options) => {
  const databaseUrl = (party: string): string => String(member(options["databaseUrls"], party));
  const servers = { store: createServer(), wallet: createServer(), bank: createServer() };
  const bankUrl = await listen(servers.bank);
  const walletUrl = (await listen(servers.wallet)).replace("127.0.0.1", "localhost");
  const storeUrl = await listen(servers.store);
  const sealingKey = new Secret(randomBytes(32).toString("base64url"));
  const keysOfStore = `${storeUrl}/.well-known/jwks.json`;
  const resource = `${storeUrl}/mcp`;
  const store = await startStore({
    url: storeUrl,
    listen: servers.store,
    wallet: walletUrl,
    bank: bankUrl,
    clientId: payeeId,
    name: "Harbour Goods",
    databaseUrl: databaseUrl("store"),
    sealingKey,
    widgetHtml: "<!doctype html><title>shop</title>",
  });
  const bank = await startBank({
    url: bankUrl,
    listen: servers.bank,
    databaseUrl: databaseUrl("bank"),
    sealingKey,
    openingBalance,
    clients: [
      { clientId: payeeId, jwksUri: keysOfStore, role: "payee" },
      { clientId: walletUrl, jwksUri: `${walletUrl}/jwks`, role: "wallet", mandatesUri: `${walletUrl}/mandates` },
    ],
  });
  const wallet = await startWallet({
    publicUrl: walletUrl,
    listen: servers.wallet,
    databaseUrl: databaseUrl("wallet"),
    sealingKey,
    bankUrl,
    // One payee lodges here what is meant for thousands; the counting stays.
    rateFactor: 1_000_000,
    limits: { limits: { EUR: unlimited }, timeZone: "UTC" },
    clients: [
      {
        client_id: payeeId,
        client_name: "Harbour Goods",
        client_uri: storeUrl,
        token_endpoint_auth_method: "private_key_jwt",
        grant_types: ["client_credentials"],
        jwks_uri: keysOfStore,
        webhook_uri: `${storeUrl}/webhooks/wallet`,
      },
    ],
    resources: [{ resource, name: "Harbour Goods", client_id: payeeId, scopes: { "orders:read": "See your orders" } }],
  });
  await stockStore(databaseUrl("store"), units);
  const shop = { clientId: payeeId, url: storeUrl, resource, keyThumbprint: await keyIdAt(keysOfStore) };
  const tokens = await addPolicyPayers({ issuer: walletUrl, databaseUrl: databaseUrl("wallet"), sealingKey }, shop, payers);
  return {
    facts: { url: storeUrl, tokens: tokens.join(" ") },
    async perform(task) {
      const acknowledged = Number(member(task, "acknowledged"));
      const faults = await judgeBank(databaseUrl("bank"), acknowledged);
      const orders = await countOrders(databaseUrl("store"));
      return orders === acknowledged ? faults : [...faults, `${orders} orders for ${acknowledged} acknowledged payments`];
    },
    async stop() {
      for (const party of [store, bank, wallet]) await party.stop();
    },
  };
});
