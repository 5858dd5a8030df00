import type { ToolObservation } from "@countersign/protocol/server-observation";
import { describe, expect, it } from "vitest";
import { probeViews } from "../../src/doctor/probe-views.ts";
import { askerOf, fixtureServer, rpc, rpcError, serverUrl, type FixtureOptions } from "./fixture.ts";

const uri = "ui://shop/orders";

function toolWith(view: string): ToolObservation {
  return { name: "orders", scheme: "oauth2", scopes: [], declaredAt: [], visibility: [], visibilityBy: "default", view, readOnly: true };
}

const probe = (options: FixtureOptions, views: readonly string[] = [uri], development = false): ReturnType<typeof probeViews> =>
  probeViews(askerOf(fixtureServer(options)), { url: serverUrl, era: "2026-07-28" }, views.map(toolWith), development);

const bare = { seen: "document", uri, mime: "mcp-app", bytes: 13, csp: "none", frames: false, domain: false };

describe("a view", () => {
  it("is told by type, size and what it declares", async () => {
    expect(await probe({})).toEqual([bare]);
  });

  it.each([
    ["the older type", { mimeType: "text/html+skybridge" }, { mime: "skybridge" }],
    ["a type that no host shows", { mimeType: "text/html" }, { mime: "other" }],
    ["a policy", { _meta: { ui: { csp: { connectDomains: ["https://api.example"] } } } }, { csp: "ui" }],
    ["a policy of the older form", { _meta: { "openai/widgetCSP": { frame_domains: ["https://a.example"] } } }, { csp: "openai", frames: true }],
    ["both", { _meta: { ui: { csp: {} }, "openai/widgetCSP": { redirect_domains: ["https://a.example"] } } }, { csp: "both" }],
    ["a domain of its own", { _meta: { ui: { domain: "shop.example" } } }, { domain: true }],
    ["base64", { text: undefined, blob: btoa("<p>orders</p>") }, { bytes: 13 }],
  ])("with %s is told so", async (_name, content, expected) => {
    expect(await probe({ content })).toEqual([{ ...bare, ...expected }]);
  });

  it("whose policy leaves the grammar is told with the place; loopback is for a server on this machine", async () => {
    const content = { _meta: { ui: { csp: { connectDomains: ["http://localhost:3000"] } } } };
    expect(await probe({ content })).toEqual([{ ...bare, csp: "refused", detail: "connectDomains has an entry outside the grammar" }]);
    expect(await probe({ content }, [uri], true)).toEqual([{ ...bare, csp: "ui" }]);
  });

  it("that is not there is told with the answer", async () => {
    const missing = (request: Request): Response | undefined =>
      request.headers.get("mcp-method") === "resources/read" ? rpcError({ id: 1, method: "resources/read" }, 200, -32602) : undefined;
    expect(await probe({ intercept: missing })).toEqual([{ seen: "refused", uri, status: 200, code: -32602 }]);
    const others = (request: Request): Response | undefined =>
      request.headers.get("mcp-method") === "resources/read"
        ? rpc(
            { id: 1, method: "resources/read" },
            {
              contents: [
                { uri: "ui://a", text: "" },
                { uri: "ui://b", text: "" },
              ],
            },
          )
        : undefined;
    expect(await probe({ intercept: others })).toEqual([{ seen: "refused", uri, status: 200 }]);
    expect(await probe({ content: { uri: "ui://shop/other" } })).toEqual([bare]);
  });

  it("is read once, and no more than five are", async () => {
    const views = await probe({}, [uri, uri, ...[1, 2, 3, 4, 5, 6].map((number) => `ui://shop/${number}`)]);
    expect(views.map((view) => view.uri)).toEqual([uri, "ui://shop/1", "ui://shop/2", "ui://shop/3", "ui://shop/4"]);
  });
});
