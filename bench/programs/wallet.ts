// The wallet as a process, with one payee that is known by its keys.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Secret } from "@countersign/protocol/secret";
import { start } from "@countersign/wallet/main";
import type { WalletClient } from "@countersign/wallet/options";
import { payeeId } from "../measure/payment-parties.ts";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";

await runProgram(async (options) => {
  const server = createServer();
  const publicUrl = (await listen(server)).replace("127.0.0.1", "localhost");
  const store: WalletClient = {
    client_id: payeeId,
    client_name: "Harbour Goods",
    client_uri: "http://store.bench",
    token_endpoint_auth_method: "private_key_jwt",
    grant_types: ["client_credentials"],
    jwks: { keys: [JSON.parse(String(options["payeeKey"]))] },
  };
  const wallet = await start({
    publicUrl,
    listen: server,
    databaseUrl: String(options["databaseUrl"]),
    sealingKey: new Secret(randomBytes(32).toString("base64url")),
    bankUrl: "http://127.0.0.1:1",
    // One payee lodges here what is meant for thousands; the counting stays.
    rateFactor: 1_000_000,
    clients: [store],
    resources: [],
  });
  return { facts: { url: publicUrl }, stop: () => wallet.stop() };
});
