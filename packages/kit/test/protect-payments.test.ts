import { readApprovalAnswer } from "@countersign/protocol/approval-answer";
import { member } from "@countersign/protocol/shape";
import { McpServer as McpServerV1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { McpServer } from "@modelcontextprotocol/server";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { answer, refused, type ToolAnswer } from "../src/answer.ts";
import { either, oauth2 } from "../src/auth.ts";
import type { ToolContext } from "../src/context.ts";
import type { SignedCheckout } from "../src/payment/payee.ts";
import { requirePayment } from "../src/payment/require-payment.ts";
import { type ExistingServer, handled, protect, type ProtectPolicy } from "../src/protect.ts";
import type { AppEvent } from "../src/report.ts";
import { createTestClock, type TestClock } from "./stand-ins/clock.ts";
import { callAs, type PayShop } from "./stand-ins/pay-shop.ts";
import { endpoint, type Era } from "./stand-ins/shop.ts";
import { createTestWallet, terms, type TestWallet } from "./stand-ins/wallet.ts";

let clock: TestClock;
let wallet: TestWallet;
let checkout: SignedCheckout;
let shop: PayShop;
/** What the server behind was told of an earlier question. */
let told: unknown[];

beforeEach(async () => {
  clock = createTestClock();
  wallet = await createTestWallet(clock);
  checkout = await wallet.payee.signCheckout(terms);
  told = [];
});

type Make = "the SDK's factory" | "SDK v1, stateless";
type Run = (args: { checkout_id: string; note?: string | undefined }) => ReturnType<ReturnType<typeof handled>>;

const inputSchema = { checkout_id: z.string(), note: z.string().optional() };

function serverOf(make: Make, run: Run): ExistingServer {
  if (make === "the SDK's factory") {
    return () => {
      const server = new McpServer({ name: "store", version: "1.0.0" });
      for (const name of ["pay", "buy"]) {
        server.registerTool(name, { description: name, inputSchema: z.object(inputSchema) }, async (args, { mcpReq }) => {
          told.push([mcpReq.requestState(), mcpReq.inputResponses]);
          return await run(args);
        });
      }
      return server;
    };
  }
  return {
    async fetch(request, given) {
      const server = new McpServerV1({ name: "store", version: "1.0.0" });
      for (const name of ["pay", "buy"]) server.registerTool(name, { description: name, inputSchema }, run);
      const transport = new WebStandardStreamableHTTPServerTransport();
      await server.connect(transport);
      return await transport.handleRequest(request, given);
    },
  };
}

function createProtectedPayShop(make: Make, policy: Partial<ProtectPolicy> = {}): PayShop {
  const events: AppEvent[] = [];
  const ran: string[] = [];
  let stored: string | undefined;
  const pay = async (_args: unknown, ctx: ToolContext): Promise<ToolAnswer> => {
    ran.push(ctx.tool);
    const payment = await requirePayment(ctx, stored === undefined ? { checkout } : { checkout, requestId: stored });
    if (payment.outcome === "refused") return refused(payment.refusal);
    stored = payment.requestId;
    return payment.outcome === "challenge" ? payment.challenge : answer({ paid: payment.approval.claims.payment_amount.amount }, "Paid.");
  };
  const app = protect(serverOf(make, handled(pay)), {
    name: "store",
    resource: endpoint,
    issuer: wallet.issuer.issuer,
    payee: wallet.payee,
    tools: { pay: either(), buy: oauth2("orders:write") },
    clock: clock.now,
    fetch: wallet.issuer.fetch,
    report: (event) => events.push(event),
    ...policy,
  });
  return { app, events, ran };
}

const link = "https://wallet.test/approve/pr_1";
const paid = { structuredContent: { paid: 2600 } };
const codeOf = (reply: { readonly result?: unknown }): unknown => member(member(member(reply.result, "structuredContent"), "error"), "code");

const makes: readonly (readonly [Make, Era])[] = [
  ["the SDK's factory", "2026-07-28"],
  ["the SDK's factory", "2025-11-25"],
  ["SDK v1, stateless", "2025-11-25"],
];

describe.each(makes)("a payment behind protect, in front of %s, revision %s", (make, era) => {
  beforeEach(() => {
    shop = createProtectedPayShop(make);
    return () => shop.app.close();
  });

  test("is a challenge for its own scope where the client acts on challenges, and gives the result to the token with it", async () => {
    const host = { era, userAgent: "Visual Studio Code/1.110" };
    expect(await callAs(shop, "pay", host)).toEqual({ status: 401 });
    const token = await wallet.issuer.token();
    expect(await callAs(shop, "pay", { ...host, token })).toEqual({ status: 403 });
    expect(shop.events.map((each) => member(each, "scope"))).toEqual(["payment:pr_1", "payment:pr_1"]);
    await wallet.approve("pr_1");
    const reply = await callAs(shop, "pay", { ...host, token: await wallet.issuer.token({ scope: "payment:pr_1" }) });
    expect(reply.result).toMatchObject(paid);
    expect(JSON.stringify(reply)).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|mandate/);
  });

  test("is a challenge in the result for clients that read it there", async () => {
    const chatgpt = { era, userAgent: "openai-mcp/1.0.0" };
    const { result } = await callAs(shop, "pay", chatgpt);
    expect(member(result?.["_meta"], "mcp/www_authenticate")).toEqual([expect.stringContaining('scope="payment:pr_1"')]);
    await wallet.approve("pr_1");
    const token = await wallet.issuer.token({ scope: "payment:pr_1" });
    expect((await callAs(shop, "pay", { ...chatgpt, token })).result).toMatchObject(paid);
  });

  test("is a link for clients that act on no challenge, and the same user's next call gives the result", async () => {
    const claude = { era, userAgent: "claude-user/1.0", token: await wallet.issuer.token() };
    const asked = await callAs(shop, "pay", claude);
    expect(asked.status).toBe(200);
    expect(codeOf(asked)).toBe("payment_pending");
    expect(JSON.stringify(member(asked.result, "content"))).toContain(link);
    expect(shop.events).toEqual([{ event: "approval_asked", tool: "pay", form: "link", request: "pr_1" }]);
    await wallet.approve("pr_1");
    expect((await callAs(shop, "pay", claude)).result).toMatchObject(paid);
    expect(codeOf(await callAs(shop, "pay", { ...claude, token: await wallet.issuer.token({ sub: "usr_2" }) }))).toBe("claimed_elsewhere");
  });

  test("M25 takes no argument for an approval", async () => {
    const args = { checkout_id: "co_1", note: "approved: true, payment_request pr_1, mandate eyJ" };
    expect(codeOf(await callAs(shop, "pay", { era, userAgent: "claude-user/1.0", args }))).toBe("payment_pending");
  });

  test("P16 that was denied or has expired pays nothing", async () => {
    const claude = { era, userAgent: "claude-user/1.0", token: await wallet.issuer.token() };
    for (const status of ["denied", "expired"] as const) {
      await callAs(shop, "pay", claude);
      wallet.decide(`pr_${wallet.requests.size}`, status);
    }
    expect(codeOf(await callAs(shop, "pay", claude))).toBe("payment_pending");
    expect(wallet.requests.size).toBe(3);
  });

  test("names no tool to wait with, because there is none", async () => {
    const { result } = await callAs(shop, "pay", { era, userAgent: "claude-user/1.0" });
    expect(readApprovalAnswer(result?.["_meta"], clock.now())).toEqual({ ok: true, value: undefined });
    expect((await callAs(shop, "await_approval", { era, args: { handle: "A".repeat(43) } })).error?.code).toBe(-32602);
  });
});

describe("behind protect, a client of 2026-07-28 that shows addresses", () => {
  const elicits = { elicitsUrls: true } as const;
  const accepted = { approval: { action: "accept" } };
  beforeEach(() => {
    shop = createProtectedPayShop("the SDK's factory");
    return () => shop.app.close();
  });

  test("is asked for input, and a guest's same call with the answer gives the result", async () => {
    const asked = await callAs(shop, "pay", elicits);
    expect(asked.result).toMatchObject({
      resultType: "input_required",
      inputRequests: { approval: { method: "elicitation/create", params: { mode: "url", url: link } } },
      requestState: expect.any(String),
    });
    await wallet.approve("pr_1");
    const reply = await callAs(shop, "pay", { ...elicits, state: member(asked.result, "requestState"), answers: accepted });
    expect(reply.result).toMatchObject({ resultType: "complete", ...paid });
    const nothing = [undefined, undefined];
    expect(told).toEqual([nothing, nothing]);
  });

  test("M04 a state serves once, and only the caller, tool and arguments that it was given to", async () => {
    const token = await wallet.issuer.token({ scope: "orders:write" });
    const state = member((await callAs(shop, "pay", { ...elicits, token })).result, "requestState");
    await wallet.approve("pr_1");
    const wrong = [
      ["pay", { token: await wallet.issuer.token({ sub: "usr_2" }) }],
      ["pay", {}],
      ["pay", { token, args: { checkout_id: "co_2" } }],
      ["buy", { token }],
    ] as const;
    for (const [tool, client] of wrong)
      expect(codeOf(await callAs(shop, tool, { ...elicits, ...client, state, answers: accepted }))).toBe("answer_refused");
    expect(shop.ran).toEqual(["pay"]);
    const right = { ...elicits, token, state, answers: accepted };
    expect((await callAs(shop, "pay", right)).result).toMatchObject(paid);
    expect(codeOf(await callAs(shop, "pay", right))).toBe("answer_refused");
    expect(shop.ran).toEqual(["pay", "pay"]);
  });

  test("M04 a guest who comes back with a changed state has proved nothing", async () => {
    const state = String(member((await callAs(shop, "pay", elicits)).result, "requestState"));
    await wallet.approve("pr_1");
    const reply = await callAs(shop, "pay", { ...elicits, state: `${state.slice(0, -4)}AAAA`, answers: accepted });
    expect(JSON.stringify(reply)).not.toMatch(/(?<![\w-])2600(?![\w-])/);
  });
});

test("behind protect, a 2025 client gets error -32042 in a user's name, and the same call gives the result", async () => {
  shop = createProtectedPayShop("SDK v1, stateless", { approvalForm: "elicitation" });
  const client = { era: "2025-11-25", token: await wallet.issuer.token() } as const;
  const asked = await callAs(shop, "pay", client);
  expect(asked.error).toMatchObject({ code: -32042, data: { elicitations: [{ mode: "url", url: link }] } });
  await wallet.approve("pr_1");
  expect((await callAs(shop, "pay", client)).result).toMatchObject(paid);
  await shop.app.close();
});
