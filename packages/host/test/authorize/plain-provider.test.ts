import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { DpopCheck } from "../stand-in/dpop-check.ts";
import { fillForms, startPlainProvider } from "../stand-in/plain-provider.ts";
import { World, type Browser } from "../stand-in/world.ts";

let world: World;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await world.close();
  for (const close of closing.splice(0)) await close();
});

const claimsShape = z.object({ scope: z.string(), aud: z.string(), cnf: z.object({ jkt: z.string() }).optional() });
const person = { login: "ada", password: "any" };

/** A host that registers itself at a bare oidc-provider, and an MCP server that verifies the provider's tokens, with proofs when it wants them bound. */
async function begin(options: { readonly bound: boolean; readonly dpopNonce?: boolean }): Promise<Browser & { readonly check: DpopCheck }> {
  const provider = await startPlainProvider({
    clientId: "nobody",
    redirectUris: ["http://127.0.0.1/x"],
    scope: "orders:read",
    dpopNonce: options.dpopNonce ?? false,
  });
  closing.push(provider.stop);
  world = await World.start({ host: { clients: {} } });
  const { server, authorizationServer } = world;
  server.prm = { authorization_servers: [provider.issuer], ...(options.bound ? { dpop_bound_access_tokens_required: true } : {}) };
  const keys = createRemoteJWKSet(new URL(`${provider.issuer}/jwks`));
  const check = new DpopCheck();
  server.intercept = async (request, method) => {
    const [, scheme, token] = /^(Bearer|DPoP) (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    if (method === "prm" || token === undefined) return undefined;
    const { payload } = await jwtVerify(token, keys, { issuer: provider.issuer, audience: server.url, algorithms: ["ES256"], typ: "at+jwt" });
    const claims = claimsShape.parse(payload);
    const proof = await check.check(request.headers, { method: "POST", url: server.url, token });
    if (typeof proof === "string" || (scheme === "DPoP") !== options.bound || claims.cnf?.jkt !== proof?.thumbprint)
      return new Response(null, { status: 400 });
    authorizationServer.granted.set(token, { scope: new Set(claims.scope.split(" ")), resource: claims.aud, active: true });
    return undefined;
  };
  const browser = world.browser();
  await browser.open();
  return Object.assign(browser, { check });
}

async function authorizationUrlOf(browser: Browser, startUrl: string | undefined): Promise<string> {
  return (await browser.fetch(startUrl ?? "")).headers.get("location") ?? "";
}

describe("at a bare oidc-provider", () => {
  it.each([
    ["plain tokens", { bound: false }],
    ["bound tokens, with the provider's nonce", { bound: true, dpopNonce: true }],
  ])("registers, signs in by a window, calls, renews and signs out: %s", async (_, options) => {
    const browser = await begin(options);
    const call = await browser.parked((await browser.call("list_orders")).id);
    const callback = await fillForms(await authorizationUrlOf(browser, call.flow?.startUrl), person);
    expect((await browser.fetch(callback)).status).toBe(200);
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed", rounds: 1 });
    world.offsetMs += 280_000;
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
    const tokens = new Set(world.server.executions.map((each) => each.token));
    expect(tokens.size).toBe(2);
    expect(new Set(browser.check.proofs.map((proof) => proof.thumbprint)).size).toBe(options.bound ? 1 : 0);
    expect((await browser.post("/api/connectors/store/sign-out")).status).toBe(200);
  });

  it.each([
    ["plain tokens", { bound: false }],
    ["bound tokens, with the provider's nonce", { bound: true, dpopNonce: true }],
  ])("signs in on another device, whose address the QR code holds: %s", async (_, options) => {
    const browser = await begin(options);
    const call = await browser.parked((await browser.call("list_orders")).id);
    const started: unknown = await (await browser.post(`/api/flows/${call.flow?.id}/device`)).json();
    const { device } = z.object({ device: z.object({ verificationUriComplete: z.string(), userCode: z.string() }) }).parse(started);
    world.offsetMs += 5000;
    await world.host.sweep();
    expect(await fillForms(device.verificationUriComplete, person)).toContain("/device/");
    await expect
      .poll(async () => {
        world.offsetMs += 5000;
        await world.host.sweep();
        return (await browser.read(call.id)).state;
      })
      .toBe("completed");
    expect(new Set(browser.check.proofs.map((proof) => proof.thumbprint)).size).toBe(options.bound ? 1 : 0);
  });
});
