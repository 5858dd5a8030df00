import { AppBridge } from "@modelcontextprotocol/ext-apps/app-bridge";
import { JSONRPCMessageSchema } from "@modelcontextprotocol/core";
import { z } from "zod";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connect, type App } from "../src/connect.ts";
import { createFrame, type StandInFrame } from "./stand-in-frame.ts";

type HostTransport = Parameters<AppBridge["connect"]>[0];

/** The host's end of the frame as a transport of the official SDK, with its own schema at the door. */
function transportOf(frame: StandInFrame): HostTransport {
  const transport: HostTransport = {
    async start() {
      frame.onPost((message) => transport.onmessage?.(JSONRPCMessageSchema.parse(message)));
    },
    async send(message) {
      frame.deliver(message);
    },
    async close() {
      transport.onclose?.();
    },
  };
  return transport;
}

const bridges: AppBridge[] = [];
afterEach(async () => {
  await Promise.all(bridges.splice(0).map((bridge) => bridge.close()));
});

async function pair(experimental: Record<string, object> = {}): Promise<{ app: App; bridge: AppBridge; initialized: () => void }> {
  const frame = createFrame();
  const capabilities = { openLinks: {}, serverTools: {}, message: { text: {} }, updateModelContext: { text: {} }, experimental };
  const bridge = new AppBridge(null, { name: "official", version: "2.0.4" }, capabilities, { hostContext: { theme: "dark" } });
  bridges.push(bridge);
  const initialized = vi.fn();
  bridge.oninitialized = initialized;
  await bridge.connect(transportOf(frame));
  const app = await connect({ window: frame.window, name: "shop", version: "1.0.0" });
  return { app, bridge, initialized };
}

describe("against the official AppBridge", () => {
  test("the handshake ends initialized on both sides, with the host's context", async () => {
    const { app, bridge, initialized } = await pair();
    await vi.waitFor(() => expect(initialized).toHaveBeenCalledOnce(), 15_000);
    expect(app.bridge).toBe("mcp-apps");
    expect(app.hostContext.theme).toBe("dark");
    expect(bridge.getAppVersion()).toEqual({ name: "shop", version: "1.0.0" });
  });

  test("a tool call reaches the host and its result comes back", async () => {
    const { app, bridge } = await pair();
    bridge.oncalltool = async (params) => ({ content: [{ type: "text", text: "1 order" }], structuredContent: { got: params } });
    const result = await app.callTool("list_orders", { limit: 3 });
    expect(result.content).toEqual([{ type: "text", text: "1 order" }]);
    expect(result.structuredContent).toEqual({ got: { name: "list_orders", arguments: { limit: 3 } } });
  });

  test("a display mode is asked for, and a window only where the host announces it", async () => {
    const { app, bridge } = await pair();
    bridge.onrequestdisplaymode = async ({ mode }) => ({ mode: mode === "pip" ? "fullscreen" : mode });
    expect(await app.requestDisplayMode("pip")).toBe("fullscreen");
    expect(app.openAuthPopup).toBeUndefined();
    const able = await pair({ "countersign/open-auth-popup": {} });
    able.bridge.setRequestHandler("countersign/open-auth-popup", { params: z.looseObject({}) }, ({ url }) => ({ parameters: { from: url } }));
    expect(await able.app.openAuthPopup?.("https://shop.example/link")).toEqual({ from: "https://shop.example/link" });
  });

  test("an error thrown by the host keeps its type through the bridge", async () => {
    const { app, bridge } = await pair();
    bridge.oncalltool = async () => {
      throw Object.assign(new Error("Sign-in took too long."), {
        code: -32000,
        data: { code: "flow_expired", message: "Too slow.", retryable: true, callId: "c1" },
      });
    };
    await expect(app.callTool("list_orders")).rejects.toMatchObject({ code: "flow_expired", message: "Too slow.", retryable: true, callId: "c1" });
  });

  const refused =
    '{"error":"authorization_required","error_description":"Please sign in to do this.","code":"authorization_required","retryable":false}';
  test.each([
    ["SDK v1", { code: 401, message: `Streamable HTTP error: Error POSTing to endpoint: ${refused}` }],
    ["SDK v2", { code: "CLIENT_HTTP_NOT_IMPLEMENTED", message: `Error POSTing to endpoint: ${refused}`, data: { status: 401, text: refused } }],
    ["an SDK client that would have signed in", { message: "Unauthorized" }],
  ])("a server's HTTP 401 that the host passes on from its %s client is want of sign-in", async (_client, thrown) => {
    const { app, bridge } = await pair();
    bridge.oncalltool = async () => {
      throw Object.assign(new Error(), thrown);
    };
    await expect(app.callTool("create_order")).rejects.toMatchObject({ code: "authorization_required", source: "typed", retryable: false });
  });

  test("tool input, result, cancellation and context changes arrive", async () => {
    const { app, bridge, initialized } = await pair();
    await vi.waitFor(() => expect(initialized).toHaveBeenCalledOnce(), 15_000);
    const seen: unknown[] = [];
    app.onToolInput((input) => seen.push(["input", input]));
    app.onToolResult((result) => seen.push(["result", result.structuredContent]));
    app.onToolCancelled((reason) => seen.push(["cancelled", reason]));
    app.onHostContext((context) => seen.push(["theme", context.theme]));
    app.onAuthorization((authorization) => seen.push(["authorization", authorization.state]));
    await bridge.sendToolInput({ arguments: { query: "mug" } });
    await bridge.sendToolResult({ content: [], structuredContent: { products: [] } });
    await bridge.sendToolCancelled({ reason: "user action" });
    bridge.setHostContext({ theme: "light", "countersign/authorization": { state: "pending" } });
    await vi.waitFor(() => expect(seen).toHaveLength(7), 15_000);
    expect(seen).toEqual([
      ["theme", "dark"],
      ["authorization", "idle"],
      ["input", { query: "mug" }],
      ["result", { products: [] }],
      ["cancelled", "user action"],
      ["theme", "light"],
      ["authorization", "pending"],
    ]);
  });

  test("links, messages, model context and size reach the host in its own types", async () => {
    const { app, bridge } = await pair();
    const seen: unknown[] = [];
    bridge.onopenlink = async (params) => (seen.push(params), {});
    bridge.onmessage = async (params) => (seen.push(params), {});
    bridge.onupdatemodelcontext = async (params) => (seen.push(params), {});
    bridge.onsizechange = (params) => void seen.push(params);
    await app.openLink("https://wallet.example/");
    await app.sendMessage("Thanks");
    await app.updateModelContext({ text: "Paid", structuredContent: { order: "o1" } });
    app.resize({ width: 320, height: 200 });
    await vi.waitFor(() => expect(seen).toHaveLength(4), 15_000);
    expect(seen).toEqual([
      { url: "https://wallet.example/" },
      { role: "user", content: [{ type: "text", text: "Thanks" }] },
      { content: [{ type: "text", text: "Paid" }], structuredContent: { order: "o1" } },
      { width: 320, height: 200 },
    ]);
  });

  test("teardown is answered", async () => {
    const { app, bridge } = await pair();
    const tornDown = vi.fn();
    app.onTeardown(tornDown);
    await expect(bridge.teardownResource({})).resolves.toEqual({});
    expect(tornDown).toHaveBeenCalledOnce();
  });
});
