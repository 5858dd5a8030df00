// A bare oidc-provider on its own database file.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { startBareProvider } from "@countersign/wallet/testing/bare-provider";
import { runProgram } from "../measure/program.ts";
import { opaqueResource, orders, shop } from "./parts/oauth-client.ts";
import { listen } from "./parts/listen.ts";

await runProgram(async (options) => {
  const server = createServer();
  const issuer = await listen(server);
  const client = { clientId: "bench", clientSecret: randomBytes(32).toString("base64url") };
  const refreshTokens = await startBareProvider(
    { issuer, server, file: fileURLToPath(String(options["databaseUrl"])), ...client, resource: shop, opaqueResource, scope: orders },
    Number(options["refreshTokens"]),
  );
  return {
    facts: {
      url: issuer,
      ...client,
      tokenPath: "/token",
      introspectionPath: "/token/introspection",
      devicePath: "/device/auth",
      opaqueResource,
      refreshTokens: refreshTokens.join(" "),
    },
    stop: async () => void server.close(),
  };
});
