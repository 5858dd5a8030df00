/**
 * One refusal of the catalogue.
 *
 * `status` is the HTTP status of a party's own endpoints, `oauth` the name on OAuth surfaces (RFC 6749 section 5.2 and registries),
 * `retryable` whether the same request may succeed later without a change, `text` what a person is told, `hint` what a developer should do next.
 */
export interface ErrorEntry {
  readonly status: number;
  readonly retryable: boolean;
  readonly text: string;
  readonly hint: string;
  readonly oauth?: string;
}

/** Makes an entry. The mark below lets bundlers leave the catalogue out of pages that do not read it. */
/* @__NO_SIDE_EFFECTS__ */
export function errorEntry(status: number, retryable: boolean, text: string, hint: string, oauth?: string): ErrorEntry {
  return oauth === undefined ? { status, retryable, text, hint } : { status, retryable, text, hint, oauth };
}
