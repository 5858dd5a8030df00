import { parseResourceUri } from "@countersign/protocol/resource";
import { describe, expect, it } from "vitest";
import { probeAuthorizationServers, probeResourceMetadata } from "../../src/doctor/probe-metadata.ts";
import { askerOf, fixtureServer, goodIssuer, goodPrm, issuer, prmUrl, serverUrl, type FixtureOptions } from "./fixture.ts";

function resource(): Parameters<typeof probeResourceMetadata>[1] {
  const parsed = parseResourceUri(serverUrl);
  if (!parsed.ok) throw new Error("the fixture's address is a resource");
  return parsed.value;
}

const root = "https://shop.example/.well-known/oauth-protected-resource";
const page = (): Response => new Response("<!doctype html>", { headers: { "content-type": "text/html" } });

const probePrm = (options: FixtureOptions, pointedAt: readonly string[] = []): ReturnType<typeof probeResourceMetadata> =>
  probeResourceMetadata(askerOf(fixtureServer(options)), resource(), pointedAt);

async function probeIssuer(options: FixtureOptions): ReturnType<typeof probeAuthorizationServers> {
  const asker = askerOf(fixtureServer(options));
  return probeAuthorizationServers(asker, await probeResourceMetadata(asker, resource(), []));
}

describe("protected resource metadata", () => {
  it("is looked for at both well-known places, not only where it is found first", async () => {
    expect(await probePrm({})).toEqual([
      { seen: "document", url: prmUrl, judged: { resource: serverUrl, authorizationServers: [issuer], scopes: ["orders:read"] } },
      { seen: "absent", url: root, status: 404 },
    ]);
  });

  it("is looked for where a challenge points to, once", async () => {
    const elsewhere = "https://shop.example/prm";
    const seen = await probePrm({}, [elsewhere, prmUrl]);
    expect(seen.map(({ url }) => url)).toEqual([elsewhere, prmUrl, root]);
  });

  it.each([
    ["another resource", { ...goodPrm, resource: "https://other.example/mcp" }, "resource_mismatch"],
    ["no authorization server", { resource: serverUrl }, "invalid_metadata"],
    ["a list instead of an object", [], "invalid_metadata"],
    ["text that is no JSON", new Response("soon"), "invalid_metadata"],
  ])("with %s is refused with the reason", async (_name, prm, code) => {
    expect((await probePrm({ prm }))[0]).toMatchObject({ seen: "refused", url: prmUrl, code });
  });

  it.each([
    [true, { dpopRequired: true }],
    [false, {}],
    ["yes", {}],
  ])("tells whether tokens must be bound to a key: %s", async (dpop_bound_access_tokens_required, told) => {
    const [place] = await probePrm({ prm: { ...goodPrm, dpop_bound_access_tokens_required } });
    const judged = place?.seen === "document" ? place.judged : undefined;
    expect(judged).toEqual({ resource: serverUrl, authorizationServers: [issuer], scopes: ["orders:read"], ...told });
  });

  it("does not count as there when it is a page for people, or moved", async () => {
    expect((await probePrm({ prm: page() }))[0]).toEqual({ seen: "absent", url: prmUrl, status: 200 });
    const moved = new Response(null, { status: 302, headers: { location: "https://login.example/" } });
    expect((await probePrm({ prm: moved }))[0]).toEqual({ seen: "nothing", url: prmUrl, problem: "redirected", location: "https://login.example/" });
  });
});

describe("authorization server metadata", () => {
  it("tells what a client needs to know", async () => {
    expect(await probeIssuer({})).toEqual([
      {
        issuer,
        documents: [
          {
            seen: "document",
            url: `${issuer}/.well-known/oauth-authorization-server`,
            judged: { clientIdMetadata: true, registration: false, iss: true, authMethods: ["none"], deviceGrant: false },
          },
        ],
      },
    ]);
  });

  it.each([
    ["among those that it lists", { protected_resources: ["https://shop.example/other", serverUrl] }, { knowsResource: true }],
    ["not among those that it lists", { protected_resources: ["https://shop.example"] }, { knowsResource: false }],
    ["on a list that cannot be read", { protected_resources: [7] }, {}],
    ["where its grants are named", { grant_types_supported: ["authorization_code"] }, { grants: ["authorization_code"] }],
  ])("tells whether the server is known there: %s", async (_name, more, told) => {
    const [server] = await probeIssuer({ issuer: { ...goodIssuer, ...more } });
    const [place] = server?.documents ?? [];
    const judged = place?.seen === "document" ? place.judged : undefined;
    expect(judged).toEqual({ clientIdMetadata: true, registration: false, iss: true, authMethods: ["none"], deviceGrant: false, ...told });
  });

  it.each([
    ["another issuer", { ...goodIssuer, issuer: `${issuer}/` }, "issuer_mismatch"],
    ["no S256", { ...goodIssuer, code_challenge_methods_supported: ["plain"] }, "pkce_unsupported"],
    ["an endpoint of plain http", { ...goodIssuer, token_endpoint: "http://id.example/token" }, "unsafe_url"],
    ["no endpoint", { issuer, code_challenge_methods_supported: ["S256"] }, "invalid_metadata"],
  ])("with %s is refused, and no further place is asked", async (_name, document, code) => {
    const [server] = await probeIssuer({ issuer: document });
    expect(server?.documents).toHaveLength(1);
    expect(server?.documents[0]).toMatchObject({ seen: "refused", code });
  });

  it("is looked for at the next place when the first has none", async () => {
    const openid = `${issuer}/.well-known/openid-configuration`;
    const intercept = (request: Request): Response | undefined => (request.url === openid ? Response.json(goodIssuer) : undefined);
    const [server] = await probeIssuer({ issuer: new Response(null, { status: 404 }), intercept });
    expect(server?.documents.map(({ seen, url }) => [seen, url])).toEqual([
      ["absent", `${issuer}/.well-known/oauth-authorization-server`],
      ["document", openid],
    ]);
  });

  it("is asked of the first three servers only", async () => {
    const names = [1, 2, 3, 4].map((number) => `https://id${number}.example`);
    const servers = await probeIssuer({ prm: { ...goodPrm, authorization_servers: names } });
    expect(servers.map((server) => server.issuer)).toEqual(names.slice(0, 3));
  });
});
