import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { Secret } from "@countersign/protocol/secret";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { callbackId } from "../../src/authorize/callback-id.ts";
import type { RegisteredClient } from "../../src/options.ts";
import { fillForms, startPlainProvider } from "../stand-in/plain-provider.ts";
import { consoleOrigin, World } from "../stand-in/world.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const registered = z.object({ client_id: z.string(), client_secret: z.string().optional() });
const claimsShape = z.object({ scope: z.string(), aud: z.string(), client_id: z.string() });

/** An MCP server whose users sign in at a bare oidc-provider, where an operator registers the host by hand. */
async function begin(): Promise<{ readonly world: World; readonly issuer: string }> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-host-"));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const provider = await startPlainProvider({ clientId: "nobody", redirectUris: ["http://127.0.0.1/x"], scope: "orders:read" });
  closing.push(provider.stop);
  const world = await World.start({ databaseUrl: pathToFileURL(join(folder, "host.sqlite")).href, host: { clients: {} } });
  closing.push(() => world.close());
  world.server.prm = { authorization_servers: [provider.issuer] };
  const keys = createRemoteJWKSet(new URL(`${provider.issuer}/jwks`));
  world.server.intercept = async (request, method) => {
    const [, token] = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    if (method === "prm" || token === undefined) return undefined;
    const { payload } = await jwtVerify(token, keys, { issuer: provider.issuer, audience: world.server.url, algorithms: ["ES256"], typ: "at+jwt" });
    const claims = claimsShape.parse(payload);
    world.authorizationServer.granted.set(token, { scope: new Set(claims.scope.split(" ")), resource: claims.aud, active: true });
    return undefined;
  };
  return { world, issuer: provider.issuer };
}

async function registerByHand(world: World, issuer: string, method: string): Promise<RegisteredClient> {
  const [resource, parsed] = [parseResourceUri(world.server.url), parseIssuer(issuer)];
  if (!resource.ok || !parsed.ok) throw new Error("no resource or issuer");
  const jwks: unknown = await (await world.host.fetch(new Request(`${consoleOrigin}/.well-known/jwks.json`))).json();
  const response = await fetch(`${issuer}/reg`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      application_type: "native",
      token_endpoint_auth_method: method,
      redirect_uris: [`${consoleOrigin}/callback/${callbackId(resource.value, parsed.value)}`],
      grant_types: ["authorization_code", "refresh_token"],
      ...(method === "private_key_jwt" ? { jwks, token_endpoint_auth_signing_alg: "ES256" } : {}),
    }),
  });
  const body = registered.parse(await response.json());
  return {
    clientId: body.client_id,
    ...(body.client_secret === undefined || method === "private_key_jwt" ? {} : { clientSecret: new Secret(body.client_secret) }),
    ...(method === "client_secret_basic" ? {} : { tokenEndpointAuthMethod: z.enum(["private_key_jwt", "client_secret_post", "none"]).parse(method) }),
  };
}

describe("a client registered by hand at a bare oidc-provider", () => {
  it.each(["private_key_jwt", "client_secret_basic", "client_secret_post", "none"])("signs in and renews by %s", async (method) => {
    const { world, issuer } = await begin();
    const client = await registerByHand(world, issuer, method);
    await world.startHost({ clients: { [issuer]: client } });
    const browser = world.browser();
    await browser.open();
    const call = await browser.parked((await browser.call("list_orders")).id);
    const authorizationUrl = (await browser.fetch(call.flow?.startUrl ?? "")).headers.get("location") ?? "";
    expect(new URL(authorizationUrl).searchParams.get("client_id")).toBe(client.clientId);
    const callback = await fillForms(authorizationUrl, { login: "ada", password: "any" });
    expect((await browser.fetch(callback)).status).toBe(200);
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed", rounds: 1 });
    world.offsetMs += 280_000;
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "completed", rounds: 0 });
    expect(new Set(world.server.executions.map((each) => each.token)).size).toBe(2);
    expect((await browser.post("/api/connectors/store/sign-out")).status).toBe(200);
  });

  it("is refused with another secret, and the call ends with a typed error", async () => {
    const { world, issuer } = await begin();
    const client = await registerByHand(world, issuer, "client_secret_basic");
    await world.startHost({ clients: { [issuer]: { ...client, clientSecret: new Secret("another") } } });
    const browser = world.browser();
    await browser.open();
    const call = await browser.parked((await browser.call("list_orders")).id);
    const authorizationUrl = (await browser.fetch(call.flow?.startUrl ?? "")).headers.get("location") ?? "";
    await browser.fetch(await fillForms(authorizationUrl, { login: "ada", password: "any" }));
    expect(await browser.settled(call.id)).toMatchObject({ state: "failed", error: { code: "flow_failed" } });
    expect(await (await browser.fetch(`/api/calls/${call.id}/trace`)).text()).toContain("invalid_client");
  });
});
