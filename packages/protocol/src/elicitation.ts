import type { BrowserUrl } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { FormContent, FormField } from "./form.ts";
import { judgeForm, parseForm } from "./form.ts";
import { readableText } from "./readable-text.ts";
import { parseBrowserUrl } from "./resource.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { messageAsksForSecret } from "./secret-field.ts";
import { boundedText, isJsonObject, member } from "./shape.ts";

/** A server asks the user to visit an address (elicitation, mode url). */
export interface UrlQuestion {
  readonly kind: "url";
  readonly id: string;
  readonly url: BrowserUrl;
  readonly message: string;
}

/** A server asks the user to fill in a form (elicitation, mode form). */
export interface FormQuestion {
  readonly kind: "form";
  readonly id: string;
  readonly message: string;
  readonly fields: readonly FormField[];
}

/** What a server asks the user, judged. `id` is the server's: an `elicitationId` or the key of an input request. */
export type Question = UrlQuestion | FormQuestion;

/** What the user says: `ElicitResult` of MCP. */
export type ElicitAnswer = { readonly action: "accept"; readonly content?: FormContent } | { readonly action: "decline" | "cancel" };

const messageLengthMax = 2000;
const defaultMessages = { url: "This app asks you to continue in your browser.", form: "This app asks you for some details." } as const;

/**
 * Reads the params of `elicitation/create`; `mode` is `form` where it is absent (MCP 2025-06-18). Refuses with `unsafe_url` an address that no browser is sent to,
 * with `secret_requested` a form that asks for a secret, and with `protocol_error` anything that is neither.
 */
export function readQuestion(id: string, params: unknown): Result<Question, Refusal> {
  if (boundedText(id, 200) === undefined) return err(refuse("invalid_challenge", "a question's id is not a short text"));
  const mode = member(params, "mode") ?? "form";
  if (mode === "url") return readUrlQuestion(id, params);
  if (mode !== "form") return err(refuse("protocol_error", "an elicitation is of mode url or form"));
  const fields = parseForm(member(params, "requestedSchema"));
  if (!fields.ok) return fields;
  const message = readableText(member(params, "message"), messageLengthMax) ?? defaultMessages.form;
  const typed = fields.value.some((field) => field.kind === "text" || field.kind === "number");
  if (typed && messageAsksForSecret(message)) return err(refuse("secret_requested", "the form's message asks for a secret"));
  return ok({ kind: "form", id, message, fields: fields.value });
}

/** Reads an address to visit, with its message, from wherever a server may put one. */
export function readUrlQuestion(id: string, params: unknown): Result<UrlQuestion, Refusal> {
  const address = member(params, "url");
  const url = parseBrowserUrl(typeof address === "string" ? address : "");
  if (!url.ok) return url;
  return ok({ kind: "url", id, url: url.value, message: readableText(member(params, "message"), messageLengthMax) ?? defaultMessages.url });
}

/**
 * Judges what a page sends as the user's answer to one question. Content belongs to an accepted form and to nothing else; it is completed with the defaults and
 * judged by the form's rules. Refuses with `invalid_arguments`.
 */
export function judgeAnswer(question: Question, given: unknown): Result<ElicitAnswer, Refusal> {
  const action = member(given, "action");
  if (action === "decline" || action === "cancel") return ok({ action });
  if (action !== "accept") return err(refuse("invalid_arguments", "an answer accepts, declines or cancels"));
  if (question.kind === "url") return ok({ action });
  const content = member(given, "content") ?? {};
  if (!isJsonObject(content)) return err(refuse("invalid_arguments", "the content of a form is an object"));
  const judged = judgeForm(question.fields, content);
  if (judged.ok) return ok({ action, content: judged.value });
  const [name] = Object.keys(judged.error);
  return err(refuse("invalid_arguments", `the field ${name ?? ""} is not filled in as the form demands`));
}

/** The host of an address as the address bar would show it where it shows no look-alikes: in lower case ASCII, an internationalized name as punycode (M18). */
export function hostShown(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** Says whether a host has a label in punycode: letters beyond ASCII, which can look like others. */
export function isInternationalHost(host: string): boolean {
  return host.split(".").some((label) => label.startsWith("xn--"));
}
