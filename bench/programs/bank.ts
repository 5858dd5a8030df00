// The bank as a process, with the keys of its clients at hand instead of on a network.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { start } from "@countersign/bank/main";
import { Secret } from "@countersign/protocol/secret";
import { member } from "@countersign/protocol/shape";
import { keysUrl, payeeId } from "../measure/payment-parties.ts";
import { runProgram } from "../measure/program.ts";
import { judgeBank } from "./parts/judge-bank.ts";
import { listen } from "./parts/listen.ts";

const openingBalance = 1_000_000_000;

await runProgram(async (options) => {
  const databaseUrl = String(options["databaseUrl"]);
  const server = createServer();
  const origin = await listen(server);
  const bank = await start({
    url: origin,
    listen: server,
    databaseUrl,
    sealingKey: new Secret(randomBytes(32).toString("base64url")),
    openingBalance,
    clients: [
      { clientId: payeeId, jwksUri: keysUrl(payeeId), role: "payee" },
      { clientId: String(options["walletIssuer"]), jwksUri: keysUrl("wallet"), role: "wallet" },
    ],
    fetch: async (input) => Response.json(member(options["keySets"], new Request(input).url)),
  });
  return {
    facts: { url: origin },
    perform: (task) => judgeBank(databaseUrl, Number(member(task, "acknowledged"))),
    stop: () => bank.stop(),
  };
});
