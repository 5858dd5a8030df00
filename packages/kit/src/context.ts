import type { Issuer } from "@countersign/protocol/brand";
import type { ScopeSet } from "@countersign/protocol/scope";
import { isJsonObject, member } from "@countersign/protocol/shape";
import type { ToolChallenge } from "./answer.ts";
import type { Payee } from "./payment/payee.ts";

/** Where a client puts the key under which one intended call is known, however often it is sent. */
export const idempotencyMetaKey = "countersign/idempotencyKey";

/** What a client says about itself. Useful to join up records; anyone can send anything here, so NEVER authorize on it. */
export interface ClientHints {
  readonly session?: string;
  readonly subject?: string;
  readonly widgetSession?: string;
}

/** What a tool's handler knows of its call. The token is not in it: there is nothing to forward. */
export interface ToolContext {
  readonly tool: string;
  /** `sub` of the verified token; undefined for an anonymous call. */
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scope: ScopeSet;
  readonly hints: ClientHints;
  /** 1 to 255 visible ASCII characters, or undefined. */
  readonly idempotencyKey: string | undefined;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  readonly payee: Payee | undefined;
  /** What a token of the payee's wallet says of the caller; undefined for a guest, and for tokens of another issuer, whose names for users mean nothing there. */
  readonly payer: Payer | undefined;
  /** The approval that this very call was asked for and now comes back from; the kit alone makes it. */
  readonly asked: AskedApproval | undefined;
  /** Demands more scope than the tool's own. `why` is shown to people. */
  challenge(scope: ScopeSet, why?: string): ToolChallenge;
}

/** The caller as the wallet knows them. */
export interface Payer {
  readonly subject: string;
  readonly scope: ScopeSet;
}

/** Proof that the caller is the one who was asked to approve a payment. */
export interface AskedApproval {
  readonly requestId: string;
  /** The only user whose approval counts; undefined where a guest was asked. */
  readonly payer: string | undefined;
  /** How long the user's decision may be waited for. */
  readonly waitSeconds: number;
}

/** What the endpoint established about the caller before any tool ran. */
export interface Caller {
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scope: ScopeSet;
  /** Who issued the token. */
  readonly issuer: Issuer | undefined;
}

/** Makes the context of one call. `meta` is the request's `_meta`, as the client sent it; `signal` is asked for when the handler looks at it. */
export function createToolContext(
  tool: string,
  caller: Caller,
  meta: unknown,
  signal: () => AbortSignal,
  payee: Payee | undefined,
  asked?: AskedApproval,
): ToolContext {
  const { subject, issuer } = caller;
  return {
    tool,
    subject: caller.subject,
    clientId: caller.clientId,
    scope: caller.scope,
    hints: readHints(meta),
    idempotencyKey: visibleAscii(member(meta, idempotencyMetaKey)),
    get signal() {
      return signal();
    },
    payee,
    payer: subject !== undefined && issuer !== undefined && issuer === payee?.issuer ? { subject, scope: caller.scope } : undefined,
    asked,
    challenge: (scope, why) => (why === undefined ? { kind: "challenge", scope } : { kind: "challenge", scope, why }),
  };
}

function readHints(meta: unknown): ClientHints {
  if (!isJsonObject(meta)) return {};
  const session = visibleAscii(member(meta, "openai/session"));
  const subject = visibleAscii(member(meta, "openai/subject"));
  const widgetSession = visibleAscii(member(meta, "openai/widgetSessionId"));
  return {
    ...(session === undefined ? {} : { session }),
    ...(subject === undefined ? {} : { subject }),
    ...(widgetSession === undefined ? {} : { widgetSession }),
  };
}

/** The same hints and key as a request's `_meta`, for a call that is made on behalf of this one. */
export function metaOf(ctx: Pick<ToolContext, "hints" | "idempotencyKey">): Readonly<Record<string, unknown>> {
  return {
    "openai/session": ctx.hints.session,
    "openai/subject": ctx.hints.subject,
    "openai/widgetSessionId": ctx.hints.widgetSession,
    [idempotencyMetaKey]: ctx.idempotencyKey,
  };
}

function visibleAscii(value: unknown): string | undefined {
  return typeof value === "string" && /^[\x21-\x7e]{1,255}$/.test(value) ? value : undefined;
}
