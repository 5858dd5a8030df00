import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "@countersign/protocol/secret";

/**
 * Which form, on which page, and a digest of what the page showed. `interactionUid` names the interaction, or the session of an account page, whose forms
 * are told apart by their address in the digest.
 */
export interface FormSubject {
  readonly interactionUid: string;
  readonly form: "login" | "register" | "consent" | "approve" | "decline" | "device" | "phone" | "cancel" | "account";
  readonly shownDigest: string;
}

/** Tokens that bind a submitted form to the page it came from. */
export interface FormTokens {
  issue(subject: FormSubject): string;
  /** False for anything but the token of exactly this form, so that a form shown for one thing never submits another. */
  verify(token: unknown, subject: FormSubject): boolean;
}

export function createFormTokens(key: Secret): FormTokens {
  const mac = (subject: FormSubject): Buffer =>
    createHmac("sha256", key.reveal())
      .update(JSON.stringify([subject.interactionUid, subject.form, subject.shownDigest]))
      .digest();
  return {
    issue: (subject) => mac(subject).toString("base64url"),
    verify(token, subject) {
      if (typeof token !== "string" || token.length > 100) return false;
      const given = Buffer.from(token, "base64url");
      const expected = mac(subject);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/**
 * Whether a state-changing request comes from the wallet's own pages. A form on a page with `Referrer-Policy: no-referrer` is sent with
 * `Origin: null` (Fetch section 3.2), so then the browser's own `Sec-Fetch-Site: same-origin` decides, which no page can forge.
 */
export function isOwnOrigin(headers: { readonly origin: string | null; readonly secFetchSite: string | null }, publicOrigin: string): boolean {
  if (headers.origin === publicOrigin) return true;
  return headers.origin === "null" && headers.secFetchSite === "same-origin";
}
