import { expect, test } from "vitest";
import { answer } from "../src/answer.ts";
import { anonymous, oauth2, type ToolAuth } from "../src/auth.ts";
import type { Bearer } from "../src/bearer/verify-token.ts";
import { createCallGate } from "../src/call-gate.ts";
import { createScopeHierarchy } from "../src/policy/scope-hierarchy.ts";

const claims = { subject: "usr_1", clientId: "host", expiresAt: 1, issuedAt: undefined, id: undefined, grant: undefined, keyThumbprint: undefined };
const good: Bearer = { state: "valid", scope: new Set(["orders:read"]), ...claims };

/** Whether a tool with this auth runs for a caller whom nobody judged before. */
async function runs(auth: ToolAuth, bearer: Bearer): Promise<boolean> {
  let ran = false;
  const gate = createCallGate({
    bearer,
    form: "http",
    scopes: createScopeHierarchy(),
    resourceMetadata: "https://store.test/.well-known/oauth-protected-resource",
    issuer: undefined,
    boundTokens: undefined,
    payee: undefined,
    awaitTool: undefined,
    approvalForm: "auto",
    userAgent: null,
    report: () => undefined,
  });
  const run = () => Promise.resolve(answer({ ran: (ran = true) }));
  const { isError } = await gate.call({ auth, listing: { name: "orders" }, run }, {}, undefined, () => new AbortController().signal);
  expect(isError).toBe(!ran);
  return ran;
}

test("M08 the gate decides by itself, whatever was decided before it", async () => {
  const orders = oauth2("orders:read");
  expect(await runs(orders, good)).toBe(true);
  expect(await runs(anonymous(), { state: "none" })).toBe(true);
  for (const state of ["none", "invalid", "unverifiable"] as const) expect(await runs(orders, { state })).toBe(false);
  for (const state of ["invalid", "unverifiable"] as const) expect(await runs(anonymous(), { state })).toBe(false);
  expect(await runs(oauth2("orders:write"), good)).toBe(false);
});
