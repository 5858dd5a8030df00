import { protectedResourceMetadataUrls } from "@countersign/protocol/metadata";
import { createMcpHandler, type McpServerFactory } from "@modelcontextprotocol/server";
import type { Revocation } from "./bearer/revocations.ts";
import { createExistingEndpoint, type ExistingFetch } from "./existing/serve-existing.ts";
import { createSessionOwners } from "./existing/session-owners.ts";
import { createFront, type Front } from "./front.ts";
import { createVerifier, readIdentity, type SecurityOptions } from "./options.ts";
import { type AuthByName, createRules, type RuleTables } from "./policy/rules.ts";
import type { Report } from "./report.ts";

export type { AuthByName };
export { currentCall, handled, type SdkToolResult } from "./existing/current-call.ts";

/**
 * A server that is there already: the factory that the SDK's own `createMcpHandler` takes, or anything that answers a `Request`, such as the
 * handler which that gives back, or a transport of SDK v1.
 */
export type ExistingServer = McpServerFactory | { readonly fetch: ExistingFetch };

/** Who may use what. What is not named does not exist: it is neither listed nor run. */
export interface ProtectPolicy extends SecurityOptions, RuleTables {
  readonly issuer: NonNullable<SecurityOptions["issuer"]>;
  /** The name that the resource's metadata gives. */
  readonly name: string;
}

export interface ProtectedServer extends Front {
  /** Tells the server that tokens have ended at their issuer, as an app is told. */
  forget(ended: Revocation): void;
  close(): Promise<void>;
}

const subscriptionsMax = 256;

/** Puts the kit's policy in front of a server that was made without it. Throws on a programmer error in the policy. */
export function protect(existing: ExistingServer, policy: ProtectPolicy): ProtectedServer {
  // Which of its tools a view may call, only the server itself could say.
  if ("accountLink" in policy) throw new TypeError("a protected server has no account links: they are for tools of createApp");
  const identity = readIdentity(policy);
  const rules = createRules(policy, identity.scopes);
  const verifier = createVerifier(policy, identity);
  if (verifier === undefined) throw new TypeError("a policy needs an issuer");
  const report: Report = policy.report ?? (() => undefined);
  const handler = handlerOf(existing, report);
  const serve = createExistingEndpoint({
    resource: identity.resource,
    issuer: identity.issuer,
    approvalForm: policy.approvalForm ?? "auto",
    inner: (request, given) => handler.fetch(request, given),
    rules,
    verifier,
    scopes: identity.scopes,
    boundTokens: identity.trusted?.dpop?.tokens,
    resourceMetadata: protectedResourceMetadataUrls(identity.resource)[0],
    challengeForm: policy.challengeForm ?? "auto",
    payee: policy.payee,
    report,
    sessions: createSessionOwners(),
  });
  const front = createFront(
    { ...policy, label: policy.name, demandedScopes: () => rules.scopes, methods: ["POST", "GET", "DELETE"], nonce: verifier.nonce, serve },
    identity,
  );
  return { ...front, forget: (ended) => verifier.forget(ended), close: async () => await handler.close?.() };
}

function handlerOf(existing: ExistingServer, report: Report): { readonly fetch: ExistingFetch; readonly close?: () => Promise<void> } {
  if (typeof existing !== "function") return { fetch: (request, given) => existing.fetch(request, given) };
  return createMcpHandler(existing, { onerror: (error) => report({ event: "protocol_error", error }), maxSubscriptions: subscriptionsMax });
}
