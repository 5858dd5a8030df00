import { afterEach, describe, expect, it } from "vitest";
import { sql } from "kysely";
import { DpopCheck } from "../stand-in/dpop-check.ts";
import { World, type Browser } from "../stand-in/world.ts";

let world: World;
afterEach(() => world.close());

interface Resource {
  /** What its metadata says about DPoP. */
  readonly prm?: Record<string, unknown>;
  /** The nonce that it demands, if any. */
  nonce?: string;
}

/** A world whose MCP server checks the binding of every token as RFC 9449 section 7 says: a bound one needs its proof, and never comes as Bearer. */
async function begin(
  resource: Resource = { prm: { dpop_signing_alg_values_supported: ["ES256"] } },
  dpop: { nonce?: string; answers: "DPoP" | "Bearer" } | undefined = { answers: "DPoP" },
): Promise<Browser & { readonly check: DpopCheck }> {
  world = await World.start();
  const { authorizationServer, server } = world;
  authorizationServer.behaviour.dpop = dpop;
  server.prm = resource.prm ?? {};
  const check = new DpopCheck();
  server.intercept = async (request, method) => {
    const [, scheme, token] = /^(Bearer|DPoP) (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    if (method === "prm" || token === undefined) return undefined;
    const jkt = authorizationServer.granted.get(token)?.jkt;
    const proof = await check.check(request.headers, { method: "POST", url: server.url, token, nonce: resource.nonce });
    const challenge = (error: string): Response =>
      new Response(null, {
        status: 401,
        headers: {
          "www-authenticate": `DPoP error="${error}", algs="ES256"`,
          ...(resource.nonce === undefined ? {} : { "dpop-nonce": resource.nonce }),
        },
      });
    if (typeof proof === "string") return challenge(proof);
    if ((jkt === undefined) !== (scheme === "Bearer") || proof?.thumbprint !== jkt) return challenge("invalid_token");
    return undefined;
  };
  const browser = world.browser();
  await browser.open();
  return Object.assign(browser, { check });
}

const schemes = (): readonly string[] => world.server.authorizations.map((each) => each.split(" ")[0] ?? "");

describe("tokens bound to a key", () => {
  it("are asked for with a proof, and sent with one each time", async () => {
    const browser = await begin();
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed", rounds: 1 });
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
    const [asked] = world.authorizationServer.dpop.proofs;
    expect(world.authorizationServer.dpop.proofs).toHaveLength(1);
    expect(browser.check.proofs.length).toBeGreaterThanOrEqual(2);
    expect(new Set(browser.check.proofs.map((proof) => proof.thumbprint))).toEqual(new Set([asked?.thumbprint]));
    expect(new Set(schemes())).toEqual(new Set(["DPoP"]));
    expect([...world.authorizationServer.granted.values()].map((token) => token.jkt)).toEqual([asked?.thumbprint]);
  });

  it("are asked for when the resource only challenges with DPoP, and its metadata is silent", async () => {
    const browser = await begin({});
    const intercept = world.server.intercept;
    world.server.intercept = (request, method) =>
      method === "tools/call" && !request.headers.has("authorization")
        ? new Response(null, { status: 401, headers: { "www-authenticate": 'DPoP scope="orders:read", algs="ES256"' } })
        : intercept?.(request, method);
    world.server.tools["list_orders"] = { schemes: null };
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.authorizationServer.dpop.proofs).toHaveLength(1);
    expect(new Set(schemes())).toEqual(new Set(["DPoP"]));
  });

  it("are renewed with the same key", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    world.offsetMs += 400_000;
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
    expect(world.authorizationServer.tokenRequests.map((form) => form.get("grant_type"))).toEqual(["authorization_code", "refresh_token"]);
    expect(new Set(world.authorizationServer.dpop.proofs.map((proof) => proof.thumbprint)).size).toBe(1);
  });

  it("have a key of their own for each user, kept sealed", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    const other = world.browser();
    await other.open();
    await other.signInBy("list_orders");
    expect(new Set(world.authorizationServer.dpop.proofs.map((proof) => proof.thumbprint)).size).toBe(2);
    const { rows } = await sql<{ value: string }>`select value from records where kind in ('token', 'flow_grant')`.execute(world.database.sql);
    expect(rows).toHaveLength(4);
    expect(JSON.stringify(rows)).not.toMatch(/P-256|"d"/);
  });

  it("carry the server's nonce when the token endpoint and the resource ask for one", async () => {
    const resource: Resource = { prm: { dpop_bound_access_tokens_required: true }, nonce: "resource-1" };
    const browser = await begin(resource, { nonce: "issuer-1", answers: "DPoP" });
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.authorizationServer.dpop.proofs).toMatchObject([{ nonce: "issuer-1" }]);
    expect(world.authorizationServer.tokenRequests).toHaveLength(2);
    expect(new Set(browser.check.proofs.map((proof) => proof.nonce))).toEqual(new Set(["resource-1"]));
    resource.nonce = "resource-2";
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
    expect(browser.check.proofs.at(-1)?.nonce).toBe("resource-2");
    expect(world.server.executions).toHaveLength(2);
  });

  it("I6 a server that asks for one nonce after the other is asked twice and no more", async () => {
    const resource: Resource = { prm: { dpop_signing_alg_values_supported: ["ES256"] } };
    const browser = await begin(resource);
    await browser.signInBy("list_orders");
    let asked = 0;
    const intercept = world.server.intercept;
    world.server.intercept = (request, method) => {
      if (method !== "tools/call" || !request.headers.has("authorization")) return intercept?.(request, method);
      asked += 1;
      return new Response(null, { status: 401, headers: { "www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": `n${asked}` } });
    };
    await browser.call("list_orders").then((call) => browser.until(call.id, (seen) => seen.flow !== undefined || seen.error !== undefined));
    // Twice with the token it had, and twice with the renewed one.
    expect(asked).toBe(4);
  });
});

describe("who gets no bound token", () => {
  it("a resource that does not say it takes them gets Bearer", async () => {
    const browser = await begin({});
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(world.authorizationServer.dpop.proofs).toEqual([]);
    expect(new Set(schemes())).toEqual(new Set(["Bearer"]));
  });

  it("an issuer that does not offer them gets no proof", async () => {
    const browser = await begin(undefined, undefined);
    world.authorizationServer.behaviour.dpop = undefined;
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(world.authorizationServer.dpop.proofs).toEqual([]);
    expect(new Set(schemes())).toEqual(new Set(["Bearer"]));
  });
});

describe("O21 the type of a token answer", () => {
  it("Bearer to a request with a proof is taken where binding is not demanded, and sent as Bearer", async () => {
    const browser = await begin(undefined, { answers: "Bearer" });
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(world.authorizationServer.dpop.proofs).toHaveLength(1);
    expect(new Set(schemes())).toEqual(new Set(["Bearer"]));
    expect(browser.check.proofs).toEqual([]);
  });

  it("Bearer is refused where the resource demands binding, and nothing is kept", async () => {
    const browser = await begin({ prm: { dpop_bound_access_tokens_required: true } }, { answers: "Bearer" });
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "failed", error: { code: "flow_failed" } });
    expect(world.server.authorizations).toEqual([]);
  });

  it("DPoP is refused when no proof was sent", async () => {
    const browser = await begin({});
    world.authorizationServer.behaviour.tokenResponse = () =>
      Response.json({ access_token: "t", token_type: "DPoP", expires_in: 60 }, { headers: { "cache-control": "no-store" } });
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "failed", error: { code: "flow_failed" } });
    expect(world.server.authorizations).toEqual([]);
  });

  it("a resource that demands binding without a common algorithm ends in a typed error", async () => {
    const browser = await begin({ prm: { dpop_bound_access_tokens_required: true, dpop_signing_alg_values_supported: ["RS256"] } });
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "failed", error: { code: "invalid_metadata" } });
  });
});

describe("sign-in on another device", () => {
  it("binds its token too, with one key for every poll", async () => {
    const browser = await begin();
    world.authorizationServer.behaviour.device = {};
    const call = await browser.parked((await browser.call("list_orders")).id);
    expect((await browser.post(`/api/flows/${call.flow?.id}/device`)).status).toBe(200);
    for (const decision of ["pending", "approved"] as const) {
      const device = world.authorizationServer.devices.get("CODE-1");
      if (device !== undefined) device.decision = decision;
      const { proofs } = world.authorizationServer.dpop;
      const before = proofs.length;
      world.offsetMs += 5000;
      await world.host.sweep();
      // The proof is read just before the decision is: from then on another decision is for the next poll.
      await expect.poll(() => proofs.length).toBe(before + 1);
    }
    expect((await browser.settled(call.id)).state).toBe("completed");
    expect(world.authorizationServer.dpop.proofs).toHaveLength(2);
    expect(new Set(world.authorizationServer.dpop.proofs.map((proof) => proof.thumbprint)).size).toBe(1);
    expect(new Set(schemes())).toEqual(new Set(["DPoP"]));
  });
});
