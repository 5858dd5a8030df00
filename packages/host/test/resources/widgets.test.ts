import { profileNames } from "@countersign/protocol/host-profile";
import { hostViews } from "@countersign/protocol/host-profile-view";
import type { HostProfile } from "@countersign/protocol/ladder";
import { frameRightsOf, openaiMembersOf } from "@countersign/protocol/profile-view";
import { proxySandboxFor } from "@countersign/protocol/sandbox";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { World, type Browser, type WorldOptions } from "../stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

async function begin(options: WorldOptions = {}): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return browser;
}

const viewShape = z.object({
  id: z.string(),
  frameUrl: z.string(),
  html: z.string(),
  csp: z.record(z.string(), z.array(z.string())),
  permissions: z.record(z.string(), z.unknown()),
  profile: z.string(),
  prefersBorder: z.boolean(),
});

async function choose(browser: Browser, profile: HostProfile): Promise<void> {
  const init = { method: "PUT", headers: { origin: "http://127.0.0.1:4100", "content-type": "application/json" }, body: JSON.stringify({ profile }) };
  expect((await browser.fetch("/api/settings/profile", init)).status).toBe(200);
}

const request = { connectorId: "store", resourceUri: "ui://shop/view.html" };

describe("views of widgets", () => {
  it("the console gets the document, the frame gets a proxy page under the declared policy as a header", async () => {
    const browser = await begin();
    const created = await browser.post("/api/widgets", request);
    expect(created.status).toBe(201);
    const view = viewShape.parse(await created.json());
    expect(view).toMatchObject({
      html: world.server.widget.html,
      csp: { resourceDomains: ["https://cdn.example.com"], connectDomains: [] },
      prefersBorder: true,
    });
    expect(viewShape.parse(await (await browser.fetch(`/api/widgets/${view.id}`)).json())).toEqual(view);
    expect(view.frameUrl).toMatch(/^http:\/\/app-[0-9a-f]{24}\.localhost:4101\/frame\/[\w-]{43}$/);
    const page = await world.host.widgetFetch(new Request(view.frameUrl));
    expect(page.status).toBe(200);
    const policy = page.headers.get("content-security-policy") ?? "";
    for (const directive of [
      "default-src 'none'",
      "connect-src 'self'",
      "form-action 'none'",
      "frame-ancestors http://127.0.0.1:4100",
      "img-src 'self' data: https://cdn.example.com",
    ]) {
      expect(policy).toContain(directive);
    }
    const text = await page.text();
    expect(text).toContain('data-console-origin="http://127.0.0.1:4100"');
    expect(text).toContain('data-sandbox="allow-scripts" data-allow=""');
    expect(text).not.toContain("<p>hello</p>");
  });

  it("V05 a widget that declares no domain is given no connection at all where the browser can do that", async () => {
    const browser = await begin();
    world.server.widget = { ...world.server.widget, meta: {} };
    const view = viewShape.parse(await (await browser.post("/api/widgets", request)).json());
    const page = await world.host.widgetFetch(new Request(view.frameUrl));
    expect(page.headers.get("connection-allowlist")).toBe("(response-origin)");
    expect(await page.text()).not.toMatch(/<script[^>]*\ssrc=/);
  });

  it("V04 a frame is found by its token and on its app's own host only, and different servers have different hosts", async () => {
    const browser = await begin();
    const view = viewShape.parse(await (await browser.post("/api/widgets", request)).json());
    const other = view.frameUrl.replace(/app-[0-9a-f]{24}/, `app-${"0".repeat(24)}`);
    for (const url of [
      other,
      view.frameUrl.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
      view.frameUrl.replace(/frame.*/, ""),
      `${view.frameUrl}/x`,
    ]) {
      expect((await world.host.widgetFetch(new Request(url))).status).toBe(404);
    }
    expect((await world.host.widgetFetch(new Request(view.frameUrl, { method: "POST" }))).status).toBe(404);
    const added = await browser.post("/api/connectors", { url: `${world.server.url}?b` });
    const connectorId = z.object({ id: z.string() }).parse(await added.json()).id;
    const second = viewShape.parse(await (await browser.post("/api/widgets", { ...request, connectorId })).json());
    expect(new URL(second.frameUrl).host).not.toBe(new URL(view.frameUrl).host);
  });

  it.each(["https://ok.example; img-src *", "*", "https:", "data:", "'unsafe-eval'", "https://a.example\nx", "https://a.example,https://b.example"])(
    "V06 a declared domain %j refuses the widget",
    async (domain) => {
      const browser = await begin();
      world.server.widget = { ...world.server.widget, meta: { ui: { csp: { connectDomains: [domain] } } } };
      const refused = await browser.post("/api/widgets", request);
      expect(refused.status).toBe(422);
      expect(await refused.json()).toMatchObject({ code: "widget_refused" });
    },
  );

  it("what the list of resources declares counts for a document that declares nothing itself, and is judged like it", async () => {
    const browser = await begin();
    world.server.listedMeta = { ui: { prefersBorder: false, csp: { resourceDomains: ["https://listed.example"] } } };
    expect(viewShape.parse(await (await browser.post("/api/widgets", request)).json())).toMatchObject({ prefersBorder: true });
    world.server.widget = { ...world.server.widget, meta: undefined };
    const view = viewShape.parse(await (await browser.post("/api/widgets", request)).json());
    expect(view).toMatchObject({ prefersBorder: false, csp: { resourceDomains: ["https://listed.example"] } });
    world.server.listedMeta = { ui: { csp: { connectDomains: ["*"] } } };
    expect((await browser.post("/api/widgets", request)).status).toBe(422);
  });

  it("older names say the same: no border, and what the view shows", async () => {
    const browser = await begin();
    const described = { "openai/widgetPrefersBorder": false, "openai/widgetDescription": "A list\u202e of  orders" };
    world.server.widget = { ...world.server.widget, meta: described };
    expect(await (await browser.post("/api/widgets", request)).json()).toMatchObject({ prefersBorder: false, description: "A list of orders" });
  });

  it("a document of another type, too large, or an unknown address is refused", async () => {
    const browser = await begin();
    world.server.widget = { ...world.server.widget, mimeType: "text/html" };
    expect((await browser.post("/api/widgets", request)).status).toBe(422);
    world.server.widget = { ...world.server.widget, mimeType: "text/html;profile=mcp-app", html: "x".repeat(3 * 1024 * 1024 + 1) };
    expect((await browser.post("/api/widgets", request)).status).toBe(422);
    expect((await browser.post("/api/widgets", { ...request, resourceUri: "ui://shop/none.html" })).ok).toBe(false);
    expect((await browser.post("/api/widgets", { ...request, resourceUri: "file:///etc/passwd" })).status).toBe(400);
  });

  const everything = {
    ui: {
      csp: { frameDomains: ["https://maps.example.com"], connectDomains: ["https://api.example.com"] },
      permissions: { camera: {}, microphone: {}, geolocation: {}, clipboardWrite: {} },
    },
  };

  it.each(profileNames)("V03: a view under %s has the frame that its row tells, and nothing that the product refuses every view", async (profile) => {
    const browser = await begin();
    world.server.widget = { ...world.server.widget, meta: everything };
    await choose(browser, profile);
    const view = viewShape.parse(await (await browser.post("/api/widgets", request)).json());
    const { allow, csp } = hostViews[profile];
    expect(view.profile).toBe(profile);
    const features = { camera: "camera", microphone: "microphone", geolocation: "geolocation", clipboardWrite: "clipboard-write" };
    const granted = Object.entries(features).filter(([, feature]) => allow.value.includes(feature));
    expect(Object.keys(view.permissions)).toEqual(granted.map(([name]) => name));
    expect(view.csp["frameDomains"]).toEqual(csp.value.ignores.includes("frameDomains") ? [] : ["https://maps.example.com"]);
    expect(view.csp["connectDomains"]).toEqual(["https://api.example.com", ...(csp.value.open.connectDomains ?? [])]);
    const page = await world.host.widgetFetch(new Request(view.frameUrl));
    const text = await page.text();
    const { flags } = frameRightsOf(profile);
    const members = openaiMembersOf(profile).join(" ");
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(text).toContain(`data-sandbox="${flags}" data-allow="${granted.map(([, feature]) => feature).join("; ")}" data-openai="${members}"`);
    expect(policy).toContain(`sandbox ${proxySandboxFor(flags)}`);
    expect(policy.includes("'unsafe-eval'")).toBe(csp.value.scripts.includes("'unsafe-eval'"));
    for (const directive of ["default-src 'none'", "form-action 'none'", "worker-src 'none'", "frame-ancestors http://127.0.0.1:4100"]) {
      expect(policy).toContain(directive);
    }
  });

  it("a view keeps its host when the user chooses another, and its next one is of that", async () => {
    const browser = await begin();
    await choose(browser, "claude");
    const view = viewShape.parse(await (await browser.post("/api/widgets", request)).json());
    await choose(browser, "vscode");
    expect(viewShape.parse(await (await browser.fetch(`/api/widgets/${view.id}`)).json())).toEqual(view);
    expect(await (await world.host.widgetFetch(new Request(view.frameUrl))).text()).toContain('data-openai=""');
    expect(viewShape.parse(await (await browser.post("/api/widgets", request)).json()).profile).toBe("vscode");
  });

  it("V20 a view belongs to its user", async () => {
    const browser = await begin();
    const view = viewShape.parse(await (await browser.post("/api/widgets", request)).json());
    const other = world.browser();
    await other.open();
    expect((await other.fetch(`/api/widgets/${view.id}`)).status).toBe(404);
    const stolen = await other.post("/api/calls", { connectorId: "store", tool: "browse", arguments: {}, origin: "widget", widgetId: view.id });
    expect(stolen.status).toBe(400);
    expect(world.server.executions).toEqual([]);
  });
});
