import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { errorCatalogue } from "@countersign/protocol/errors";
import type { ScopeSet } from "@countersign/protocol/scope";
import type { ContentBlock } from "@modelcontextprotocol/server";

/** What a handler gives back: a result, a demand for more authorization that replaces the whole response, or a demand for the user's approval of a payment. */
export type ToolAnswer = ToolResult | ToolChallenge | ToolApproval;

export interface ToolResult {
  readonly kind: "result";
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

/** `scope` comes on top of the tool's own scopes. `why` is shown to people: no ids, no secrets. */
export interface ToolChallenge {
  readonly kind: "challenge";
  readonly scope: ScopeSet;
  readonly why?: string;
}

/** The user shall approve a payment; made by `requirePayment`. How it reaches them is chosen by what the client can do. */
export interface ToolApproval {
  readonly kind: "approval";
  readonly requestId: string;
  /** The wallet's page for it; undefined when only a sign-in can show that this caller is the one who may approve, or who did. */
  readonly link: BrowserUrl | undefined;
  /** Somebody approved it already, and nothing shows that it was this caller. */
  readonly isApproved: boolean;
  readonly expiresAt: EpochMs;
  /** Shown to people. */
  readonly why: string;
}

/**
 * A successful result.
 *
 * @param text what the model reads; by default the structured content as JSON
 * @param meta for the widget only, hidden from the model
 */
export function answer(structuredContent: Readonly<Record<string, unknown>>, text?: string, meta?: Readonly<Record<string, unknown>>): ToolResult {
  const content: readonly ContentBlock[] = [{ type: "text", text: text ?? JSON.stringify(structuredContent) }];
  const result = { kind: "result", content, structuredContent, isError: false } as const;
  return meta === undefined ? result : { ...result, _meta: meta };
}

/** An expected refusal as a tool error that model and widget can read: public text only. */
export function refused(refusal: Refusal): ToolResult {
  const entry = errorCatalogue[refusal.code];
  return {
    kind: "result",
    content: [{ type: "text", text: entry.text }],
    structuredContent: { error: { code: refusal.code, message: entry.text, retryable: entry.retryable } },
    isError: true,
  };
}
