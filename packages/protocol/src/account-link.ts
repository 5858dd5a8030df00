import type { Brand, BrowserUrl, EpochMs } from "./brand.ts";
import { isSecureOrLoopback, parseBrowserUrl } from "./resource.ts";
import { boundedText, isJsonObject, member } from "./shape.ts";

/**
 * The tools by which a view links an account where its host starts no sign-in: anonymous, and visible to the view only.
 *
 * | tool | arguments | answer |
 * | --- | --- | --- |
 * | `link_account` | `{ tool, handle? }` | {@link LinkOffer} in `_meta`, `structuredContent` is {@link LinkStatus} |
 * | `await_link` | `{ handle }` | {@link LinkStatus}, after {@link linkWaitSecondsMax} seconds at the latest |
 * | `call_linked` | `{ handle, tool, arguments? }` | the named tool's own answer, or a refusal |
 * | `unlink_account` | `{ handle }` | `{ status: "ended" }`, whether or not there was a link |
 *
 * Refusals of all four: `not_found` for a handle that is unknown, over or somebody else's. Of `call_linked`: `authorization_required` while nobody has approved
 * and when the link has ended, `insufficient_scope` when the tool needs more (then `link_account` with this tool and this handle asks for it), `tool_not_visible`.
 */
export const accountLinkTools: {
  readonly link: "link_account";
  readonly wait: "await_link";
  readonly call: "call_linked";
  readonly end: "unlink_account";
} = {
  link: "link_account",
  wait: "await_link",
  call: "call_linked",
  end: "unlink_account",
};

/** Where the answer of `link_account` has the offer: hidden from the model. */
export const accountLinkMetaKey = "countersign/link";

/** The longest that `await_link` holds a call. */
export const linkWaitSecondsMax = 25;

/** 256 random bits that stand for one linked account. Whoever has it may act for the user within the link's scopes, so only the view that asked gets it. */
export type LinkHandle = Brand<string, "LinkHandle">;

const handleGrammar = /^lnk_[A-Za-z0-9_-]{43}$/;
const codeGrammar = /^[\p{L}\p{N}][\p{L}\p{N} .-]{0,39}$/u;

/** Reads a handle, `lnk_` and 43 characters of the base64url alphabet, or gives undefined. */
export function readLinkHandle(value: unknown): LinkHandle | undefined {
  return isLinkHandle(value) ? value : undefined;
}

/** What the user needs to act, and the handle for what follows. */
export interface LinkOffer {
  readonly handle: LinkHandle;
  /** Opened here or on another device; https, or http on loopback. It has the code in it where the authorization server makes such links. */
  readonly link: BrowserUrl;
  /** What the user types where the link does not have it (RFC 8628 section 3.2). */
  readonly code: string;
  readonly expiresAt: EpochMs;
}

/** Reads the offer in the `_meta` of an answer of `link_account`. Undefined when it is not there or not one that may be shown. */
export function readLinkOffer(meta: unknown): LinkOffer | undefined {
  const offer = member(meta, accountLinkMetaKey);
  const handle = readLinkHandle(member(offer, "handle"));
  const link = readShownLink(member(offer, "link"));
  const code = boundedText(member(offer, "code"), 40);
  const expiresAt = member(offer, "expiresAt");
  if (handle === undefined || link === undefined || code === undefined || !codeGrammar.test(code)) return undefined;
  return typeof expiresAt === "number" && Number.isSafeInteger(expiresAt) && expiresAt > 0 ? { handle, link, code, expiresAt } : undefined;
}

/** Writes the `_meta` of an answer of `link_account`. */
export function linkOfferMeta(offer: LinkOffer): Readonly<Record<string, unknown>> {
  const { handle, link, code, expiresAt } = offer;
  return { [accountLinkMetaKey]: { handle, link, code, expiresAt } };
}

/** `pending`: nobody has decided. `failed`: the authorization server gave no token for another reason than the user's no. */
export type LinkState = "pending" | "linked" | "denied" | "expired" | "failed";

/** `structuredContent` of `link_account` and `await_link`. */
export interface LinkStatus {
  readonly status: LinkState;
}

const states: readonly LinkState[] = ["pending", "linked", "denied", "expired", "failed"];

/** Reads the `structuredContent` of an answer, or gives undefined. */
export function readLinkStatus(structuredContent: unknown): LinkStatus | undefined {
  const status = states.find((each) => each === member(structuredContent, "status"));
  return isJsonObject(structuredContent) && status !== undefined ? { status } : undefined;
}

function isLinkHandle(value: unknown): value is LinkHandle {
  return typeof value === "string" && handleGrammar.test(value);
}

function readShownLink(value: unknown): BrowserUrl | undefined {
  const parsed = parseBrowserUrl(boundedText(value, 2048) ?? "");
  return parsed.ok && isSecureOrLoopback(new URL(parsed.value)) ? parsed.value : undefined;
}
