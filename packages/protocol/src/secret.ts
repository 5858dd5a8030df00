/**
 * A value that must never reach a log, a serialized message or a template by accident.
 * Every implicit conversion gives `[redacted]`; only {@link Secret.reveal} gives the value, so each use can be found by its name.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }

  get [Symbol.toStringTag](): string {
    return "Secret";
  }
}
