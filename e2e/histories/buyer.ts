import { isJsonObject, member } from "@countersign/protocol/shape";
import { resource, type Town } from "./town.ts";

/** What an app sees of a call of a tool. */
export interface Heard {
  readonly checkoutId: string | undefined;
  /** The payment that the call asks to be approved. */
  readonly requestId: string | undefined;
  readonly receipt: string | undefined;
  /** Ids of the orders that are listed. */
  readonly orders: readonly string[];
  /** Of a refused call. */
  readonly code: string | undefined;
}

/** Calls a tool of the store; undefined when the store did not answer. */
export async function callTool(town: Town, tool: string, args: Record<string, unknown>, token?: string): Promise<Heard | undefined> {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "app", version: "1.0.0" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const request = new Request(resource, {
    method: "POST",
    headers: {
      host: new URL(resource).host,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": tool,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: args, _meta: meta } }),
  });
  try {
    const response = await town.store.fetch(request);
    const scope = /scope="([^"]*)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1] ?? "";
    return readAnswer(await response.text(), scope);
  } catch {
    return undefined;
  }
}

function readAnswer(text: string, scope: string): Heard {
  const raw: unknown = JSON.parse(text.startsWith("event:") || text.startsWith("data:") ? text.slice(text.indexOf("data:") + 5) : text);
  const structured = member(member(raw, "result"), "structuredContent");
  const id = member(member(structured, "checkout"), "id");
  const receipt = member(structured, "receipt");
  const orders = member(structured, "orders");
  const code = member(member(structured, "error"), "code");
  return {
    checkoutId: typeof id === "string" ? id : undefined,
    requestId: /payment:(\S+)/.exec(scope)?.[1],
    receipt: isJsonObject(receipt) ? JSON.stringify(receipt) : undefined,
    orders: Array.isArray(orders) ? orders.map((order: unknown) => String(member(order, "id"))) : [],
    code: typeof code === "string" ? code : undefined,
  };
}
