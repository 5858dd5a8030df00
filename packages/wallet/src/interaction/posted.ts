import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { isJsonObject } from "@countersign/protocol/shape";
import { readForm, readJson } from "@countersign/service/body";
import type { OpenInteraction } from "../authorize/interactions.ts";
import { type FormSubject, isOwnOrigin } from "../forms.ts";
import { type OpenLink, openLinkOf } from "../phone/open-link.ts";
import type { InteractionParts } from "./parts.ts";

/** A form that the browser of this interaction sent from the wallet's own page. Its token is not checked yet: see {@link hasToken}. */
export interface Posted {
  readonly request: Request;
  readonly interaction: OpenInteraction;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The approval link that led here, if one did. */
  readonly link: OpenLink | undefined;
}

/** What an action leads to: the next address, or the options of a ceremony. */
export type Outcome = { readonly next: string } | { readonly options: unknown };

export type Action = (parts: InteractionParts, posted: Posted) => Promise<Result<Outcome, Refusal>>;

const bodyBytesMax = 65_536;

/** Whether the sender reads JSON: the wallet's script does, a plain form does not. */
export function sendsJson(request: Request): boolean {
  return (request.headers.get("content-type") ?? "").startsWith("application/json");
}

/** Judges origin, body, interaction and whose approval link it is, in this order. */
export async function receivePost(parts: InteractionParts, request: Request, uid: string): Promise<Result<Posted, Refusal>> {
  const headers = { origin: request.headers.get("origin"), secFetchSite: request.headers.get("sec-fetch-site") };
  if (!isOwnOrigin(headers, parts.party.origin)) return err(refuse("forbidden_origin"));
  const fields = await readFields(request);
  if (!fields.ok) return fields;
  const interaction = await parts.interactions.find(request, uid);
  if (!interaction.ok) return interaction;
  const link = await openLinkOf(parts, request, interaction.value);
  if (!link.ok) return link;
  if (link.value?.mayDecide === false) return err(refuse("claimed_elsewhere"));
  return ok({ request, interaction: interaction.value, fields: fields.value, link: link.value });
}

/** Reads a form or a JSON object of at most 64 KB. */
export async function readFields(request: Request): Promise<Result<Readonly<Record<string, unknown>>, Refusal>> {
  if (!sendsJson(request)) {
    const form = await readForm(request, { maxBytes: bodyBytesMax });
    return form.ok ? ok(Object.fromEntries(form.value)) : form;
  }
  const body = await readJson(request, { maxBytes: bodyBytesMax });
  if (!body.ok) return body;
  return isJsonObject(body.value) ? ok(body.value) : err(refuse("invalid_request", "the body is an object"));
}

/** Whether the interaction is at this prompt and the form is this one of its page. */
export function hasToken(parts: InteractionParts, posted: Posted, prompt: string, subject: FormSubject): boolean {
  return posted.interaction.prompt === prompt && parts.forms.verify(posted.fields["form_token"], subject);
}
