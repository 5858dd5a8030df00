import { randomBytes } from "node:crypto";
import { generateSigningKey } from "@countersign/kit/payment/signing-key";
import { createPayee } from "@countersign/kit/payment/payee";
import { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import { fillForms } from "@countersign/wallet/testing/fill-forms";
import { start } from "@countersign/wallet/main";
import { signUp } from "@countersign/wallet/testing/sign-up";
import { Client, DpopSession, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { KeepingProvider, officialClient, officialClientId as clientId } from "../stack/keeping-provider.ts";
import { type KitApp, startKitApp } from "../stack/kit-app.ts";
import { listen, portOf } from "../stack/listen.ts";
import { startPlainProvider } from "../stack/plain-provider.ts";

const callback = "http://127.0.0.1:1/callback";
const resourceServer = { clientId: "shop", clientSecret: "a-secret-of-the-shop-with-length" };
const scope = "orders:read orders:write";
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** An official client that was turned away, signed in as its user, and called again. */
interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
  readonly revocationUrl: string;
  call(tool: string): Promise<unknown>;
}

async function signIn(app: KitApp, approve: (authorizationUrl: string) => Promise<URL>, session?: DpopSession): Promise<SignedIn> {
  const provider = new KeepingProvider(callback, session);
  const transport = new StreamableHTTPClientTransport(new URL(app.resource), { authProvider: provider });
  const client = new Client({ name: "official", version: "1" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(transport);
  closing.push(() => client.close());
  await expect(client.callTool({ name: "list_orders", arguments: {} })).rejects.toBeInstanceOf(UnauthorizedError);
  const [opened] = provider.opened;
  await transport.finishAuth((await approve(String(opened))).searchParams);
  const tokens = await provider.tokens();
  return {
    accessToken: tokens?.access_token ?? "",
    refreshToken: tokens?.refresh_token ?? "",
    idToken: tokens?.id_token ?? "",
    revocationUrl: new URL(opened?.pathname.endsWith("/authorize") ? "/revoke" : "/token/revocation", opened).href,
    call: async (tool) => (await client.callTool({ name: tool, arguments: {} })).structuredContent,
  };
}

/** The status of a call with this token, by a script that knows only HTTP. */
async function statusOf(app: KitApp, token: string, scheme = "Bearer"): Promise<number> {
  const response = await fetch(app.resource, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: `${scheme} ${token}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_orders", arguments: {} } }),
  });
  await response.body?.cancel();
  return response.status;
}

async function startProvider(options: Partial<Parameters<typeof startPlainProvider>[0]> = {}): Promise<string> {
  const provider = await startPlainProvider({ clientId, redirectUris: [callback], scope, ...options });
  closing.push(() => provider.stop());
  return provider.issuer;
}

async function startApp(...given: Parameters<typeof startKitApp>): Promise<KitApp> {
  const app = await startKitApp(...given);
  closing.push(app.stop);
  return app;
}

const byForms = (url: string): Promise<URL> => fillForms(url, { login: "ada", password: "any" });

/** Asks for an ID token besides. */
function withOpenId(authorizationUrl: string): string {
  const url = new URL(authorizationUrl);
  url.searchParams.set("scope", `openid ${url.searchParams.get("scope")}`);
  return url.href;
}

/** What the provider says of a token to the shop. */
async function isActive(issuer: string, token: string): Promise<unknown> {
  const authorization = `Basic ${btoa(`${resourceServer.clientId}:${resourceServer.clientSecret}`)}`;
  const response = await fetch(`${issuer}/token/introspection`, { method: "POST", headers: { authorization }, body: new URLSearchParams({ token }) });
  return z.object({ active: z.boolean() }).parse(await response.json()).active;
}

describe("an app of the kit that trusts an oidc-provider", () => {
  it("O22 O23 serves its user by JWT, and refuses its ID token and its tokens for others", async () => {
    const issuer = await startProvider();
    const app = await startApp(() => ({ issuer, scopes: { "orders:write": ["orders:read"] } }));
    const other = await startApp(() => ({ issuer }));
    const lenient = await startApp(() => ({ issuer: { issuer, tokens: "jwt", audience: clientId } }));
    const user = await signIn(app, (url) => byForms(withOpenId(url)));
    expect(await user.call("list_orders")).toEqual({ subject: "ada", clientId });
    expect(await statusOf(app, user.accessToken)).toBe(200);
    expect(await statusOf(other, user.accessToken)).toBe(401);
    expect(user.idToken.split(".")).toHaveLength(3);
    for (const each of [app, lenient]) expect(await statusOf(each, user.idToken)).toBe(401);
    const [header, payload, signature] = user.accessToken.split(".");
    expect(await statusOf(app, `${header}.${payload}.${signature?.split("").toReversed().join("")}`)).toBe(401);
    expect(await statusOf(app, user.accessToken, "DPoP")).toBe(401);
  });

  it("finds its keys where OpenID Connect publishes them alone", async () => {
    const issuer = await startProvider();
    const app = await startApp(
      () => ({ issuer }),
      (url, init) => (url.includes("oauth-authorization-server") ? Promise.resolve(new Response("no", { status: 404 })) : fetch(url, init)),
    );
    const user = await signIn(app, byForms);
    expect(await user.call("list_orders")).toEqual({ subject: "ada", clientId });
    expect(app.sent.map((each) => each.url)).toContain(`${issuer}/.well-known/openid-configuration`);
  });

  it("O20 O21 serves tokens that are bound to the client's key, with both servers' nonces, and those alone", async () => {
    const issuer = await startProvider({ dpopNonce: true });
    const app = await startApp(() => ({ issuer: { issuer, dpop: { tokens: "required", nonceKey: randomBytes(32).toString("base64url") } } }));
    const user = await signIn(app, byForms, await DpopSession.create());
    for (const _each of [1, 2]) expect(await user.call("list_orders")).toEqual({ subject: "ada", clientId });
    expect(await statusOf(app, user.accessToken)).toBe(401);
    expect(await statusOf(app, user.accessToken, "DPoP")).toBe(401);
  });

  it("O22 O23 O24 serves its opaque tokens by asking, until they are revoked, and passes them to nobody else", async () => {
    const issuer = await startProvider({ accessTokens: "opaque", resourceServer });
    const app = await startApp(() => ({ issuer: { issuer, tokens: resourceServer } }));
    const other = await startApp(() => ({ issuer: { issuer, tokens: resourceServer } }));
    const user = await signIn(app, byForms);
    expect(user.accessToken).not.toContain(".");
    expect(await user.call("list_orders")).toEqual({ subject: "ada", clientId });
    expect(await statusOf(app, user.accessToken)).toBe(200);
    expect(await statusOf(other, user.accessToken)).toBe(401);
    expect(app.sent.filter((each) => each.text.includes(user.accessToken)).map((each) => each.url)).toEqual([`${issuer}/token/introspection`]);
    expect(app.reported.join()).not.toContain(user.accessToken);
    expect(await isActive(issuer, user.refreshToken)).toBe(true);
    expect(await statusOf(app, user.refreshToken)).toBe(401);
    const revoked = await fetch(user.revocationUrl, { method: "POST", body: new URLSearchParams({ client_id: clientId, token: user.accessToken }) });
    expect(revoked.status).toBe(200);
    app.app.forget({ subject: "ada" });
    expect(await statusOf(app, user.accessToken)).toBe(401);
  });
});

describe("an app of the kit that trusts the wallet", () => {
  /** A wallet that knows the app as a payee of this key. */
  async function startWallet(app: {
    resource: string;
  }): Promise<{ readonly issuer: string; readonly signingKey: Awaited<ReturnType<typeof generateSigningKey>>; begin: () => Promise<void> }> {
    const server = await listen();
    const issuer = `http://localhost:${portOf(server)}`;
    const signingKey = await generateSigningKey();
    const payee = createPayee({ wallet: issuer, clientId: "shop", signingKey });
    return {
      issuer,
      signingKey,
      begin: async () => {
        const wallet = await start({
          publicUrl: issuer,
          listen: server,
          databaseUrl: "memory:",
          sealingKey: new Secret(randomBytes(32).toString("base64url")),
          bankUrl: "http://127.0.0.1:1",
          logger: createLogger("wallet", { level: "silent" }),
          clients: [
            officialClient(callback),
            {
              client_id: "shop",
              client_name: "Shop",
              token_endpoint_auth_method: "private_key_jwt",
              grant_types: ["client_credentials"],
              jwks: { keys: payee.publicKeys().keys.map((key) => ({ ...key, kty: "EC" })) },
            },
          ],
          resources: [{ resource: app.resource, name: "Shop", client_id: "shop", scopes: { "orders:read": "See your orders" } }],
        });
        closing.push(() => wallet.stop());
      },
    };
  }

  it.each([
    ["by its signature", "at+jwt", undefined],
    ["bound to the client's key", "at+jwt", "required"],
    ["by asking with a signed assertion", "introspection", undefined],
  ] as const)("serves its user's tokens %s", async (_, format, bound) => {
    const target = { resource: "" };
    const wallet = await startWallet(target);
    const tokens = format === "introspection" ? { clientId: "shop", signingKey: wallet.signingKey } : format;
    const app = await startApp(() => ({ issuer: { issuer: wallet.issuer, tokens, ...(bound === undefined ? {} : { dpop: { tokens: bound } }) } }));
    target.resource = app.resource;
    await wallet.begin();
    const user = await signIn(
      app,
      async (url) => (await signUp(wallet.issuer, url)).allow(url),
      bound === undefined ? undefined : await DpopSession.create(),
    );
    expect(await user.call("list_orders")).toMatchObject({ clientId, subject: expect.stringMatching(/^\S+$/) });
    expect(await user.call("browse")).toMatchObject({ subject: expect.stringMatching(/^\S+$/) });
    if (bound === undefined) return;
    expect(await statusOf(app, user.accessToken)).toBe(401);
  });
});
