// The wallet with one confidential client, and one person who signed up with a passkey and allowed it.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import { start } from "@countersign/wallet/main";
import { deviceGrant } from "@countersign/wallet/options";
import { signUp } from "@countersign/wallet/testing/sign-up";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";
import { callback, codeRequest, orders, refreshTokenFor, shop } from "./parts/oauth-client.ts";

const clientId = "bench";
const clientSecret = randomBytes(32).toString("base64url");

await runProgram(async (options) => {
  const server = createServer();
  const url = (await listen(server)).replace("127.0.0.1", "localhost");
  const wallet = await start({
    publicUrl: url,
    listen: server,
    databaseUrl: String(options["databaseUrl"]),
    sealingKey: new Secret(randomBytes(32).toString("base64url")),
    bankUrl: "http://127.0.0.1:1",
    logger: createLogger("wallet", { level: "silent" }),
    rateFactor: 1_000_000,
    clients: [
      {
        client_id: clientId,
        client_name: "Bench",
        token_endpoint_auth_method: "client_secret_post",
        client_secret: new Secret(clientSecret),
        grant_types: ["authorization_code", "refresh_token", "client_credentials", deviceGrant],
        redirect_uris: [callback],
        application_type: "web",
      },
    ],
    resources: [{ resource: shop, name: "Shop", scopes: { [orders]: "See your orders" } }],
  });
  const ask = () => codeRequest(clientId, clientSecret, orders);
  const person = await signUp(url, `${url}/authorize?${ask().query}`);
  const refreshTokens: string[] = [];
  for (let count = 0; count < Number(options["refreshTokens"]); count += 1) {
    const request = ask();
    const end = await person.allow(`${url}/authorize?${request.query}`);
    refreshTokens.push(await refreshTokenFor(`${url}/token`, request.redeem(end.searchParams.get("code") ?? "")));
  }
  return {
    facts: {
      url,
      clientId,
      clientSecret,
      tokenPath: "/token",
      introspectionPath: "/introspect",
      devicePath: "/device_authorization",
      opaqueResource: `${url}/payment-requests`,
      opaqueScope: "payment_requests",
      refreshTokens: refreshTokens.join(" "),
    },
    stop: () => wallet.stop(),
  };
});
