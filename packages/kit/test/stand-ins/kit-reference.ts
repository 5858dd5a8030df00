import type { EpochMs, Issuer, ResourceUri } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import type { MandateClaims } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import type { ScopeSet } from "@countersign/protocol/scope";
import type { Secret } from "@countersign/protocol/secret";
import type { WalletEvent } from "@countersign/protocol/wallet-event";
import type { AuthInfo, McpServerFactory } from "@modelcontextprotocol/server";
import type { CryptoKey, JWK } from "jose";
import type { z } from "zod";
import type { ToolApproval, ToolChallenge, ToolResult } from "../../src/answer.ts";
import type { ToolAuth } from "../../src/auth.ts";
import type { AskedApproval } from "../../src/context.ts";
import type { Fetch } from "../../src/http/fetch-json.ts";
import type { ApprovalMemory } from "../../src/payment/approval-memory.ts";
import type { PaymentRequestView } from "../../src/payment/wallet-client.ts";
import type { SdkToolResult } from "../../src/protect.ts";
import type { Report } from "../../src/report.ts";

// The code of docs/guides/kit-reference.md stands here, so that it is compiled and compared with what the kit exports.

export declare function createApp(options: AppOptions): App;

export interface SecurityOptions {
  resource: string; // canonical URL of the MCP endpoint; the audience of every token; the ONLY source of metadata URLs
  issuer?: string | IssuerOptions; // authorization server. Without it no tool can demand sign-in (oauth2() throws at registration)
  scopes?: Record<string, readonly string[]>; // scopes that imply others: { "orders:write": ["orders:read"] }
  allowedHosts?: readonly string[]; // further Host values ("shop.example", "10.0.0.5:4300"); the resource's own host is always allowed
  allowedOrigins?: readonly string[]; // browser origins that may call; the resource's own origin is always allowed; no Origin header passes
  challengeForm?: "auto" | "http" | "result"; // auto: HTTP 401/403, in-result for clients known to need it
  approvalForm?: "auto" | "scope" | "elicitation" | "link"; // how requirePayment asks; auto: by what the client can do
  payee?: Payee; // enables requirePayment and serves its public keys at /.well-known/jwks.json
  clock?: () => EpochMs;
  fetch?: Fetch;
  report?: Report; // for logs: refusals, challenges, handler failures; carries no token and no argument
}
export interface AppOptions extends SecurityOptions {
  name: string;
  version: string;
  title?: string;
  instructions?: string;
  accountLink?: AccountLinkOptions; // tools by which a view links an account where its host starts no sign-in; see Account links
  stopping?: AbortSignal; // aborted when the server begins to stop: calls that wait for a person are answered at once
}

export interface App {
  readonly resource: ResourceUri;
  readonly paths: readonly string[]; // what fetch serves, for a router: endpoint, both metadata paths, the payee's keys
  // throws on a programmer error: a name taken, an unknown view, sign-in demanded without an issuer
  tool<Input extends z.ZodObject>(name: string, definition: ToolDefinition<Input>, handler: ToolHandler<Input>): void;
  ui(name: string, definition: UiDefinition): string; // registers the resource, returns its URI: ui://<app>/<name>-<content hash>.html
  readonly fetch: (request: Request) => Promise<Response>; // MCP endpoint, both protected-resource metadata URLs, /.well-known/jwks.json; else 404
  forget(ended: Revocation): void; // what ended at the issuer
  close(): Promise<void>;
}
export type Revocation = { token: string } | { grant: string } | { subject: string }; // a `jti`; a `gid` or `sid`; a `sub`, whose tokens so far end

export interface ToolDefinition<Input extends z.ZodObject> {
  title?: string;
  description: string;
  input: Input; // a zod object; arguments are validated before the handler runs
  output?: z.ZodObject; // validates structuredContent of successful answers and is published
  auth?: ToolAuth; // absent in an app with an issuer: sign-in needed (fail closed)
  visibility?: readonly ("model" | "app")[]; // default both
  ui?: string; // a name given to app.ui
  annotations?: { readOnlyHint?: boolean; destructiveHint?: boolean; idempotentHint?: boolean; openWorldHint?: boolean };
  idempotency?: LinkStore; // where answers are kept, so that the handler runs once for each key of a client
}
export type ToolHandler<Input extends z.ZodObject> = (args: z.infer<Input>, ctx: ToolContext) => ToolAnswer | Promise<ToolAnswer>;

export interface ToolContext {
  readonly tool: string;
  readonly subject: string | undefined; // token `sub`; undefined for an anonymous call
  readonly clientId: string | undefined;
  readonly scope: ScopeSet; // of the verified token; empty for an anonymous call
  readonly hints: { session?: string; subject?: string; widgetSession?: string }; // the client's claims (openai/*): NEVER authorize on them
  readonly idempotencyKey: string | undefined; // _meta["countersign/idempotencyKey"], 1..255 visible ASCII characters
  readonly signal: AbortSignal; // the client went away
  readonly payee: Payee | undefined;
  readonly payer: { subject: string; scope: ScopeSet } | undefined; // the caller as the payee's wallet knows them; for requirePayment
  readonly asked: AskedApproval | undefined; // the approval that this call was asked for and comes back from; made by the kit alone
  challenge(scope: ScopeSet, why?: string): ToolChallenge; // demand more scope from inside a handler; people read `why`
}
export interface UiDefinition {
  html: string;
  title?: string;
  description?: string;
  csp?: { connectDomains?: string[]; resourceDomains?: string[]; frameDomains?: string[]; baseUriDomains?: string[] };
  permissions?: { camera?: {}; microphone?: {}; geolocation?: {}; clipboardWrite?: {} };
  prefersBorder?: boolean;
  domain?: string;
}

export type ToolAnswer = ToolResult | ToolChallenge | ToolApproval; // an approval comes from requirePayment
export declare function answer(
  structuredContent: Readonly<Record<string, unknown>>,
  text?: string,
  meta?: Readonly<Record<string, unknown>>,
): ToolResult; // text is for the model; default: the JSON
export declare function refused(refusal: Refusal): ToolResult; // isError, text of the catalogue, structuredContent.error = { code, message, retryable }

export interface IssuerOptions {
  issuer: string; // RFC 8414 or OpenID Connect Discovery, as the document spells it
  tokens?:
    | "at+jwt" // default: JWTs of RFC 9068 with the resource as their one audience
    | "jwt" // signed tokens of type JWT or none; client in client_id, azp, cid or appid; scopes as text or list in scope or scp
    | { clientId: string; clientSecret: string } // each is asked about (RFC 7662); answers count for a minute
    | { clientId: string; signingKey: PayeeKey };
  audience?: string; // the `aud` that means this app, where it is not the resource's URL
  allowFurtherAudiences?: boolean; // takes tokens that are good for others too: each of those can use them here
  scopePrefix?: string; // what stands before a scope where it is asked for, but not in the token
  dpop?: DpopOptions; // takes tokens bound to a client's key (RFC 9449); without it a bound token is refused
}
export interface DpopOptions {
  tokens: "accepted" | "required"; // beside plain tokens, or alone
  nonceKey?: string; // 32 characters or more, the same for all instances: proofs must carry a nonce of the last two minutes
  isFirstUse?: (proofId: string, until: EpochMs) => Promise<boolean>; // for several instances: one conditional write; default: this process remembers
}

export declare function protect(existing: ExistingServer, policy: ProtectPolicy): ProtectedServer;

export type ProtectedServer = Pick<App, "resource" | "paths" | "fetch" | "forget" | "close">;
export type ExistingServer =
  | McpServerFactory // () => McpServer, what the SDK's createMcpHandler takes
  | { fetch(request: Request, given?: { authInfo?: AuthInfo; parsedBody?: unknown }): Promise<Response> }; // its handler, or a transport of SDK v1
export interface ProtectPolicy extends SecurityOptions {
  issuer: string | IssuerOptions;
  name: string;
  tools: Record<string, ToolAuth>; // by exact name, or by prefix with a `*` at the end; the longest key that fits counts
  resources?: Record<string, ToolAuth>; // by URI, likewise; views (ui://) are for anyone unless named
  prompts?: Record<string, ToolAuth>;
}
export declare function currentCall(): ToolContext; // in a tool's handler, however deep
export declare function handled<Args>(
  handler: (args: Args, ctx: ToolContext) => ToolAnswer | Promise<ToolAnswer>,
): (args: Args) => Promise<SdkToolResult>; // a handler of the kit for registerTool

export declare function createPayee(options: PayeeOptions): Payee;
export interface PayeeOptions {
  wallet: string; // issuer of the wallet
  clientId: string; // payee id
  signingKey: PayeeKey;
  approvals?: ApprovalMemory; // for several instances, see @countersign/kit/payment/approval-memory; default: this process remembers
  clock?: () => EpochMs;
  fetch?: Fetch;
  random?: () => string;
}
export type PayeeKey = { kid: string; privateKey: JWK } | { kid: string; privateKey: CryptoKey; publicKey: JWK }; // ES256
export declare function generateSigningKey(): Promise<{ kid: string; privateKey: JWK }>; // P-256, kid = RFC 7638 thumbprint; keep it sealed

export interface Payee {
  readonly id: string;
  readonly issuer: Issuer;
  publicKeys(): { keys: readonly JWK[] }; // what /.well-known/jwks.json serves
  signCheckout(terms: CheckoutTerms): Promise<SignedCheckout>; // for 25 minutes; once per checkout version, kept, and passed to every requirePayment
  assertion(audience: string): Promise<Secret>; // RFC 7523 client assertion, 60 s, single use (also for the bank)
  lodge(checkout: SignedCheckout, subject?: string): Promise<Result<PaymentRequestView, Refusal>>; // subject: the only one who can approve then
  read(requestId: string, waitSeconds: number, signal?: AbortSignal): Promise<Result<PaymentRequestView, Refusal>>;
  withdraw(requestId: string): Promise<Result<PaymentRequestView, Refusal>>; // nobody can approve it any more; an unused approval is taken back
  verify(request: PaymentRequestView, checkout: SignedCheckout): Promise<Result<PaymentApproval, Refusal>>;
  readEvent(token: string): Promise<Result<WalletEvent, Refusal>>; // what the wallet pushed: a hint, so read the request
  readonly approvals: ApprovalMemory;
  newId(): string;
  now(): EpochMs;
}
export interface PaymentItem {
  readonly name: string;
  readonly quantity: number;
  readonly amount: number; // the line's total
}
export interface CheckoutTerms {
  readonly id: string;
  readonly version: number; // one more for each change of what is bought
  readonly amount: number; // minor units; the items add up to it
  readonly currency: string; // ISO 4217, "USD"
  readonly items: readonly PaymentItem[]; // 1 to 50
  readonly resource: string; // the app's own
  readonly refund_of?: string; // an order's number: then the money goes back to the user, and no mandate comes of it
}
export interface SignedCheckout {
  readonly terms: CheckoutTerms;
  readonly jwt: string;
  readonly hash: string;
  readonly expiresAt: EpochMs;
} // plain JSON
export interface PaymentApproval {
  readonly requestId: string;
  readonly mandate: Secret; // for the bank and nobody else
  readonly claims: MandateClaims;
  readonly checkoutHash: string;
}

export declare function requireRefund(ctx: ToolContext, demand: { checkout: SignedCheckout; requestId?: string }): Promise<RefundOutcome>; // terms with refund_of; approved carries no mandate
export type RefundOutcome = { outcome: "approved"; requestId: string } | Exclude<PaymentOutcome, { outcome: "approved" }>;
export declare function requirePayment(ctx: ToolContext, demand: { checkout: SignedCheckout; requestId?: string }): Promise<PaymentOutcome>;
export type PaymentOutcome =
  | { outcome: "approved"; requestId: string; approval: PaymentApproval }
  | { outcome: "challenge"; requestId: string; expiresAt: EpochMs; challenge: ToolApproval } // store requestId, then return challenge from the handler
  | { outcome: "refused"; refusal: Refusal }; // checkout_expired, mandate_invalid, unavailable, ...
export declare function mayHavePayment(ctx: ToolContext, payment: { requestId: string; subject: string }): boolean; // whether a receipt is this caller's

export declare function watchPayment(
  payee: Payee,
  watch: { checkout: SignedCheckout; requestId: string },
  signal: AbortSignal,
): Promise<PaymentWatch>;
export type PaymentWatch =
  | { state: "approved"; approval: PaymentApproval }
  | { state: "denied" }
  | { state: "expired" }
  | { state: "stopped" } // the signal
  | { state: "refused"; refusal: Refusal };

export interface AccountLinkOptions {
  clientId: string; // the app's client at the issuer, with the grants device_code and refresh_token
  clientSecret?: string; // else the payee's key proves the client, where the payee has this id at this issuer
  store?: LinkStore; // @countersign/kit/link/link-store; default: in this process, 10,000 links
  pause?: (ms: number, signal: AbortSignal) => Promise<void>; // how the app waits between two looks; for tests
}
export interface LinkStore {
  create(id: string, body: string, expiresAt: EpochMs): Promise<boolean>;
  read(id: string, now: EpochMs): Promise<{ body: string; version: number } | undefined>;
  replace(id: string, version: number, body: string, expiresAt: EpochMs): Promise<number | undefined>; // compare-and-set
  delete(id: string): Promise<void>;
} // bodies are encrypted under the handle, which only the view has
