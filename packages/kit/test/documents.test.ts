import { readFileSync } from "node:fs";
import type { CheckoutTerms } from "@countersign/protocol/payment";
import { McpServer } from "@modelcontextprotocol/server";
import { describe, expect, test } from "vitest";
import type * as answers from "../src/answer.ts";
import type * as apps from "../src/app.ts";
import type { IssuerOptions } from "../src/bearer/issuer-options.ts";
import type { Revocation } from "../src/bearer/revocations.ts";
import type { DpopOptions } from "../src/bearer/verify-proof.ts";
import type { ToolContext } from "../src/context.ts";
import type { AccountLinkOptions } from "../src/link/open-account-link.ts";
import type { LinkStore } from "../src/link/link-store.ts";
import type { SecurityOptions } from "../src/options.ts";
import type * as payees from "../src/payment/payee.ts";
import type * as payments from "../src/payment/require-payment.ts";
import type * as keys from "../src/payment/signing-key.ts";
import type * as watches from "../src/payment/watch-payment.ts";
import type * as protects from "../src/protect.ts";
import type { ToolDefinition, ToolHandler } from "../src/tool.ts";
import type { UiDefinition } from "../src/view.ts";
import type { z } from "zod";
import type * as documented from "./stand-ins/kit-reference.ts";
import { type Own, protectStore, serveStore } from "./stand-ins/readme.ts";

/** Code as it means: without what the formatter or a module adds. */
function plain(code: string): string {
  const own = code.replaceAll(/\b(export|declare) /g, "");
  return own.replaceAll(/\s+/g, "").replaceAll(",)", ")");
}

describe.each([
  ["packages/kit/README.md", "readme.ts", 3],
  ["docs/guides/kit-reference.md", "kit-reference.ts", 7],
])("%s", (path, standIn, count) => {
  const text = readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

  test("shows code that is compiled here", () => {
    const source = plain(readFileSync(new URL(`./stand-ins/${standIn}`, import.meta.url), "utf8"));
    const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => plain(match[1] ?? ""));
    expect(blocks.length).toBe(count);
    for (const block of blocks) expect(source).toContain(block);
  });
});

test("the README is one page", () => {
  expect(readFileSync(new URL("../README.md", import.meta.url), "utf8").split("\n").length).toBeLessThan(120);
});

/** Each type is the other, member by member. */
type Same<A, B> = [A, B, keyof A, keyof B] extends [B, A, keyof B, keyof A] ? true : false;
type Input = z.ZodObject;

test("the reference says what the kit exports: compiled, not run", () => {
  const app: readonly true[] = [
    true satisfies Same<documented.SecurityOptions, SecurityOptions>,
    true satisfies Same<documented.AppOptions, apps.AppOptions>,
    true satisfies Same<documented.App, apps.App>,
    true satisfies Same<typeof documented.createApp, typeof apps.createApp>,
    true satisfies Same<documented.Revocation, Revocation>,
    true satisfies Same<documented.ToolDefinition<Input>, ToolDefinition<Input>>,
    true satisfies Same<documented.ToolHandler<Input>, ToolHandler<Input>>,
    true satisfies Same<documented.ToolContext, ToolContext>,
    true satisfies Same<documented.UiDefinition, UiDefinition>,
    true satisfies Same<documented.ToolAnswer, answers.ToolAnswer>,
    true satisfies Same<typeof documented.answer, typeof answers.answer>,
    true satisfies Same<typeof documented.refused, typeof answers.refused>,
    true satisfies Same<documented.IssuerOptions, IssuerOptions>,
    true satisfies Same<documented.DpopOptions, DpopOptions>,
  ];
  const others: readonly true[] = [
    true satisfies Same<documented.ProtectPolicy, protects.ProtectPolicy>,
    true satisfies Same<documented.ExistingServer, protects.ExistingServer>,
    true satisfies Same<documented.ProtectedServer, protects.ProtectedServer>,
    true satisfies Same<typeof documented.protect, typeof protects.protect>,
    true satisfies Same<typeof documented.currentCall, typeof protects.currentCall>,
    true satisfies Same<typeof documented.handled, typeof protects.handled>,
    true satisfies Same<documented.PayeeOptions, payees.PayeeOptions>,
    true satisfies Same<documented.Payee, payees.Payee>,
    true satisfies Same<documented.CheckoutTerms, CheckoutTerms>,
    true satisfies Same<documented.SignedCheckout, payees.SignedCheckout>,
    true satisfies Same<documented.PaymentApproval, payees.PaymentApproval>,
    true satisfies Same<documented.PayeeKey, keys.PayeeKey>,
    true satisfies Same<typeof documented.generateSigningKey, typeof keys.generateSigningKey>,
    true satisfies Same<documented.PaymentOutcome, payments.PaymentOutcome>,
    true satisfies Same<documented.RefundOutcome, payments.RefundOutcome>,
    true satisfies Same<typeof documented.requireRefund, typeof payments.requireRefund>,
    true satisfies Same<typeof documented.requirePayment, typeof payments.requirePayment>,
    true satisfies Same<typeof documented.mayHavePayment, typeof payments.mayHavePayment>,
    true satisfies Same<documented.PaymentWatch, watches.PaymentWatch>,
    true satisfies Same<documented.AccountLinkOptions, AccountLinkOptions>,
    true satisfies Same<documented.LinkStore, LinkStore>,
  ];
  expect([...app, ...others]).not.toContain(false);
});

test("the README's app and its protected server start and list their tools", async () => {
  const own: Own = {
    html: "<!doctype html>",
    search: async () => [],
    ordersOf: async () => [],
    load: () => Promise.reject(new Error("not asked")),
    rememberRequest: async () => undefined,
    complete: async () => ({}),
  };
  const app = await serveStore(own);
  const server = protectStore(() => {
    const existing = new McpServer({ name: "store", version: "1.0.0" });
    for (const name of ["browse", "orders", "other"]) existing.registerTool(name, {}, () => ({ content: [] }));
    return existing;
  });
  const names = async (side: { fetch(request: Request): Promise<Response> }): Promise<readonly string[]> => {
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    const text = await (await side.fetch(new Request("http://127.0.0.1:4300/mcp", { method: "POST", headers, body }))).text();
    return [...text.matchAll(/"name":"([a-z_]+)"/g)].map((match) => match[1] ?? "");
  };
  expect(await names(app)).toEqual(expect.arrayContaining(["browse_products", "list_orders", "pay"]));
  expect(await names(server)).toEqual(["browse", "orders"]);
  await Promise.all([app.close(), server.close()]);
});
