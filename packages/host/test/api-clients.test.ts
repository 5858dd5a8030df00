import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ApiClients, digestOfKey, type ApiClient } from "../src/api-clients.ts";
import { hostConfig } from "../src/config.ts";
import { consoleOrigin, World } from "./stand-in/world.ts";

const acmeKey = "acme-0123456789abcdef0123456789abcdef";
const birchKey = "birch-0123456789abcdef0123456789abcde";
const acme: ApiClient = { id: "acme", name: "Acme Chat", keyDigest: digestOfKey(acmeKey), origins: ["https://chat.acme.example"] };
const birch: ApiClient = { id: "birch", name: "Birch", keyDigest: digestOfKey(birchKey), origins: [] };

let world: World;
afterEach(async () => world.close());

const begin = async (): Promise<void> => {
  world = await World.start({ host: { apiClients: [acme, birch] } });
};
const connectorsOf = async (response: Response): Promise<readonly string[]> =>
  z
    .object({ connectors: z.array(z.object({ url: z.string() })) })
    .parse(await response.json())
    .connectors.map(({ url }) => url);

describe("an API key", () => {
  it("speaks for any user of its product, without a cookie and without a session", async () => {
    await begin();
    const ada = world.product(acmeKey, "ada");
    const listed = await ada.fetch("/api/connectors");
    expect(listed.status).toBe(200);
    expect(listed.headers.get("set-cookie")).toBeNull();
    const call = await ada.settled((await ada.call("browse")).id);
    expect(call.state).toBe("completed");
  });

  it.each([
    ["unknown", { authorization: `Bearer ${"x".repeat(40)}` }, 401, "invalid_client"],
    ["too short", { authorization: "Bearer short" }, 401, "invalid_client"],
    ["cut by one character", { authorization: `Bearer ${acmeKey.slice(0, -1)}` }, 401, "invalid_client"],
    ["that is empty", { authorization: "Bearer " }, 401, "invalid_client"],
    ["of another scheme", { authorization: `Basic ${btoa(`acme:${acmeKey}`)}` }, 403, "forbidden_origin"],
    ["with a cookie beside it", { cookie: `cs_session=${"A".repeat(43)}` }, 400, "invalid_request"],
    ["with no user", { "countersign-user": "" }, 400, "invalid_request"],
    ["with a user of 129 characters", { "countersign-user": "u".repeat(129) }, 400, "invalid_request"],
    ["with a user that has a space", { "countersign-user": "a b" }, 400, "invalid_request"],
    ["O42 from a page", { origin: "https://chat.acme.example" }, 403, "forbidden_origin"],
    ["O42 from the console's own page", { origin: consoleOrigin }, 403, "forbidden_origin"],
    ["O42 from an opaque origin", { origin: "null" }, 403, "forbidden_origin"],
    ["O42 from a browser that tells no origin", { "sec-fetch-site": "cross-site" }, 403, "forbidden_origin"],
  ])("%s is refused, and nothing is stored", async (_, headers, status, code) => {
    await begin();
    const ada = world.product(acmeKey, "ada");
    expect((await ada.post("/api/connectors", { url: `${world.server.url}?ada` })).status).toBe(201);
    const refused = await ada.post("/api/connectors", { url: `${world.server.url}?other` }, headers);
    expect([refused.status, await refused.json()]).toMatchObject([status, { code }]);
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
    expect(await connectorsOf(await ada.fetch("/api/connectors"))).toEqual([world.server.url, `${world.server.url}?ada`]);
  });

  it("opens no door of the console, and a session none of the products'", async () => {
    await begin();
    const session = await world.product(acmeKey, "ada").fetch("/api/session");
    expect([session.status, session.headers.get("set-cookie")]).toEqual([403, null]);
    const browser = world.browser();
    await browser.open();
    const call = { connectorId: "store", tool: "browse", arguments: {}, origin: "model" };
    expect((await browser.post("/api/calls", call)).status).toBe(400);
    expect((await world.product(acmeKey, "ada").post("/api/calls", call)).status).toBe(202);
  });

  it("is a bearer's: the password that a proxy in front asks pages for is none, and the console works with it", async () => {
    await begin();
    const browser = world.browser();
    const headers = { authorization: `Basic ${btoa("anybody:password")}` };
    expect((await browser.fetch("/api/session", { headers })).status).toBe(200);
    expect((await browser.fetch("/api/connectors", { headers })).status).toBe(200);
    expect((await world.browser().fetch("/api/connectors", { headers })).status).toBe(401);
  });

  it("the same user name at two products is two users, and none is a user of the console", async () => {
    await begin();
    const here = world.product(acmeKey, "ada");
    const there = world.product(birchKey, "ada");
    const call = await here.settled((await here.call("browse")).id);
    expect((await here.fetch(`/api/calls/${call.id}`)).status).toBe(200);
    expect((await there.fetch(`/api/calls/${call.id}`)).status).toBe(404);
    await here.post("/api/connectors", { url: `${world.server.url}?ada` });
    expect(await connectorsOf(await there.fetch("/api/connectors"))).toEqual([world.server.url]);
  });

  it("no path of the API answers a preflight or names an origin that may read", async () => {
    await begin();
    const ada = world.product(acmeKey, "ada");
    for (const path of ["/api/connectors", "/api/calls", "/api/events", "/api/session"]) {
      const preflight = await world.host.fetch(
        new Request(`${consoleOrigin}${path}`, {
          method: "OPTIONS",
          headers: {
            origin: "https://chat.acme.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization",
          },
        }),
      );
      expect([path, preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([path, 405, null]);
    }
    expect((await ada.fetch("/api/connectors")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("a view of a product's user", () => {
  const frame = { connectorId: "store", resourceUri: "ui://shop/view.html" };
  const made = z.object({ frameUrl: z.string() });

  it("may be framed by the product's own page and no other, and speaks to that page alone", async () => {
    await begin();
    const created = await world.product(acmeKey, "ada").post("/api/widgets", { ...frame, pageOrigin: "https://chat.acme.example" });
    expect(created.status).toBe(201);
    const page = await world.host.widgetFetch(new Request(made.parse(await created.json()).frameUrl));
    expect(page.headers.get("content-security-policy")).toMatch(/frame-ancestors https:\/\/chat\.acme\.example(;|$)/);
    expect(await page.text()).toContain('data-console-origin="https://chat.acme.example"');
  });

  it.each([
    ["no page", {}, 400, "invalid_request"],
    ["another's page", { pageOrigin: "https://evil.example" }, 403, "forbidden_origin"],
    ["the console's page", { pageOrigin: consoleOrigin }, 403, "forbidden_origin"],
    ["a page below the origin", { pageOrigin: "https://chat.acme.example/" }, 403, "forbidden_origin"],
    ["an opaque page", { pageOrigin: "null" }, 403, "forbidden_origin"],
  ])("is not made for %s", async (_, page, status, code) => {
    await begin();
    const refused = await world.product(acmeKey, "ada").post("/api/widgets", { ...frame, ...page });
    expect([refused.status, await refused.json()]).toMatchObject([status, { code }]);
  });

  it("of the console names no page", async () => {
    await begin();
    const browser = world.browser();
    await browser.open();
    expect((await browser.post("/api/widgets", frame)).status).toBe(201);
    expect((await browser.post("/api/widgets", { ...frame, pageOrigin: "https://chat.acme.example" })).status).toBe(400);
  });
});

describe("other methods", () => {
  it.each([
    ["PUT", "/api/calls", "POST"],
    ["DELETE", "/api/calls/x", "GET, HEAD"],
    ["PATCH", "/api/session", "GET, HEAD"],
  ])("X10 %s %s is 405 and told what is allowed", async (method, path, allow) => {
    await begin();
    const response = await world.product(acmeKey, "ada").fetch(path, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
  });
});

describe("COUNTERSIGN_HOST_API_CLIENTS", () => {
  const parse = (value: unknown): boolean => hostConfig.apiClients.parse(JSON.stringify(value)).ok;
  const entry = { id: "acme", name: "Acme", key_sha256: acme.keyDigest, origins: ["https://acme.example"] };

  it("takes a key or its digest, and keeps the digest only", async () => {
    await begin();
    expect(parse([entry])).toBe(true);
    const parsed = hostConfig.apiClients.parse(JSON.stringify([{ id: "acme", name: "Acme", key: acmeKey }]));
    expect(parsed).toEqual({ ok: true, value: [{ id: "acme", name: "Acme", keyDigest: acme.keyDigest, origins: [] }] });
    expect(hostConfig.apiClients.secret).toBe(true);
  });

  it.each([
    ["a key below 32 characters", [{ ...entry, key_sha256: undefined, key: "short" }]],
    ["a key and a digest", [{ ...entry, key: acmeKey }]],
    ["neither", [{ ...entry, key_sha256: undefined }]],
    ["an id twice", [entry, { ...entry, key_sha256: "0".repeat(64) }]],
    ["a key twice", [entry, { ...entry, id: "other" }]],
    ["an origin with a path", [{ ...entry, origins: ["https://acme.example/"] }]],
    ["an origin without TLS", [{ ...entry, origins: ["http://acme.example"] }]],
    ["a name with a line break", [{ ...entry, name: "Acme\nBank" }]],
    ["a name that runs from right to left", [{ ...entry, name: "Acme\u202e" }]],
    ["an unknown member", [{ ...entry, admin: true }]],
  ])("refuses %s", async (_, value) => {
    await begin();
    expect(parse([entry])).toBe(true);
    expect(parse(value)).toBe(false);
  });

  it("the host refuses a digest that is none", async () => {
    await begin();
    expect(() => new ApiClients([{ ...acme, keyDigest: "AB" }])).toThrow(/SHA-256/);
  });
});
