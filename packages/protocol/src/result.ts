/** The outcome of an operation whose refusals are expected: a value, or a reason that the caller must handle. */
export type Result<T, E> = Ok<T> | Err<E>;

export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Err<E> {
  readonly ok: false;
  readonly error: E;
}

/** Wraps a success. */
export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

/** Wraps an expected refusal. Programmer errors throw instead. */
export function err<E>(error: E): Err<E> {
  return { ok: false, error };
}
