// better-auth with its OAuth provider, JWT and device plugins on its own database file, as their documentation has them. In JavaScript, because the
// types of its plugins do not fit those of its options under `exactOptionalPropertyTypes`.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { deviceAuthorization, jwt } from "better-auth/plugins";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";
import { callback, codeRequest, orders, refreshTokenFor, shop } from "./parts/oauth-client.ts";

const scope = `openid offline_access ${orders}`;

await runProgram(async (given) => {
  const server = createServer();
  const url = await listen(server);
  const database = new DatabaseSync(fileURLToPath(String(given["databaseUrl"])));
  // Every commit waits for the disk, as with the others.
  database.exec("pragma journal_mode = wal; pragma synchronous = full");
  const provider = oauthProvider({
    loginPage: "/sign-in",
    consentPage: "/consent",
    scopes: scope.split(" "),
    clientPrivileges: () => true,
    silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
  });
  const options = {
    baseURL: url,
    secret: randomBytes(32).toString("base64url"),
    database,
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: "error" },
    plugins: [jwt({ jwks: { keyPairConfig: { alg: "ES256" } } }), provider, deviceAuthorization({ interval: "5s" })],
  };
  await (await getMigrations(options)).runMigrations();
  const auth = betterAuth(options);
  const answer = toNodeHandler(auth);
  server.on("request", (incoming, outgoing) => void answer(incoming, outgoing));

  const signedUp = await auth.api.signUpEmail({
    body: { email: "ada@app.bench", password: randomBytes(12).toString("hex"), name: "Ada" },
    returnHeaders: true,
  });
  const cookie = signedUp.headers
    .getSetCookie()
    .map((line) => line.split(";", 1)[0])
    .join("; ");
  const headers = new Headers({ cookie });
  await auth.api.adminCreateOAuthResource({ headers, body: { identifier: shop, name: "Shop" } });
  const client = await auth.api.adminCreateOAuthClient({
    headers,
    body: {
      client_name: "bench",
      redirect_uris: [callback],
      grant_types: ["authorization_code", "refresh_token", "client_credentials"],
      token_endpoint_auth_method: "client_secret_post",
      scope,
      skip_consent: true,
      client_credentials_scopes: [orders],
    },
  });
  const clientId = client.client_id;
  const clientSecret = String(client.client_secret);
  await auth.api.adminLinkClientResource({ headers, params: { identifier: shop, client_id: clientId } });

  const refreshTokens = [];
  for (let count = 0; count < Number(given["refreshTokens"]); count += 1) {
    const request = codeRequest(clientId, clientSecret, scope);
    const response = await fetch(`${url}/api/auth/oauth2/authorize?${request.query}`, { headers: { cookie } });
    const code = /[?&]code=([^&"]+)/.exec(await response.text())?.[1] ?? "";
    refreshTokens.push(await refreshTokenFor(`${url}/api/auth/oauth2/token`, request.redeem(code)));
  }
  return {
    facts: {
      url,
      clientId,
      clientSecret,
      tokenPath: "/api/auth/oauth2/token",
      introspectionPath: "/api/auth/oauth2/introspect",
      devicePath: "/api/auth/device/code",
      deviceTokenPath: "/api/auth/device/token",
      opaqueResource: "",
      refreshTokens: refreshTokens.join(" "),
    },
    stop: async () => void server.close(),
  };
});
