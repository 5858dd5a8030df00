import { Secret } from "@countersign/protocol/secret";
import { type DestinationStream, pino } from "pino";

/**
 * What may be logged: these names and no others, short text and numbers only. Everything else is dropped, so that a value that turns out to hold a
 * credential cannot reach the log by being passed along. Paths come without their query.
 */
export interface LogFields {
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly status?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  readonly step?: string | undefined;
  readonly state?: string | undefined;
  readonly tool?: string | undefined;
  readonly party?: string | undefined;
  readonly issuer?: string | undefined;
  readonly resource?: string | undefined;
  readonly url?: string | undefined;
  readonly env?: string | undefined;
  readonly engine?: string | undefined;
  readonly userId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly connectorId?: string | undefined;
  readonly callId?: string | undefined;
  readonly flowId?: string | undefined;
  readonly widgetId?: string | undefined;
  readonly checkoutId?: string | undefined;
  readonly orderId?: string | undefined;
  readonly refundId?: string | undefined;
  readonly paymentId?: string | undefined;
  readonly paymentRequestId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly count?: number | undefined;
  readonly attempt?: number | undefined;
  readonly port?: number | undefined;
  readonly signal?: string | undefined;
  readonly error?: unknown;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Structured log. `event` is a fixed dotted name such as `call.parked`; what varies goes into the fields. Logging never throws. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line, for example the request id. */
  child(fields: LogFields): Logger;
}

/** `level` defaults to info, `destination` to standard output. */
export interface LoggerOptions {
  readonly level?: LogLevel;
  readonly destination?: DestinationStream;
}

const allowedNames = {
  requestId: true,
  traceId: true,
  method: true,
  path: true,
  status: true,
  durationMs: true,
  code: true,
  reason: true,
  step: true,
  state: true,
  tool: true,
  party: true,
  issuer: true,
  resource: true,
  url: true,
  env: true,
  engine: true,
  userId: true,
  clientId: true,
  connectorId: true,
  callId: true,
  flowId: true,
  widgetId: true,
  checkoutId: true,
  orderId: true,
  refundId: true,
  paymentId: true,
  paymentRequestId: true,
  accountId: true,
  count: true,
  attempt: true,
  port: true,
  signal: true,
  error: true,
} as const satisfies Record<keyof LogFields, true>;

const allowed: ReadonlySet<string> = new Set(Object.keys(allowedNames));

/** A JSON-lines logger of one party. */
export function createLogger(party: string, options: LoggerOptions = {}): Logger {
  const settings = {
    level: options.level ?? "info",
    base: { party },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const target = options.destination === undefined ? pino(settings) : pino(settings, options.destination);
  return wrap(target);
}

type Target = Pick<ReturnType<typeof pino>, "debug" | "info" | "warn" | "error"> & { child(bindings: object): Target };

function wrap(target: Target): Logger {
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (event: string, fields: LogFields = {}) =>
      target[level](selectFields(fields), eventName(event));
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => wrap(target.child(selectFields(fields))),
  };
}

/** A name with a value mixed into it is a programmer error, and a way for the value to leak; it is replaced as a whole. */
function eventName(event: string): string {
  return /^[a-z][a-z0-9_.-]{0,47}$/.test(event) ? event : "unnamed_event";
}

function selectFields(fields: LogFields): Record<string, unknown> {
  const selected: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!allowed.has(name) || value === undefined) continue;
    const shown = name === "error" ? describeError(value) : selectValue(name, value);
    if (shown !== undefined) selected[name] = shown;
  }
  return selected;
}

function selectValue(name: string, value: unknown): string | number | undefined {
  if (value instanceof Secret) return String(value);
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const text = name === "path" || name === "url" ? value.split(/[?#]/, 1).join("") : value;
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** What is shown of an error: never a message, which may quote input, unless the error's class declares it `loggable`. */
export interface ErrorDescription {
  readonly name: string;
  readonly code?: string;
  readonly message?: string;
  readonly frames: readonly string[];
  readonly cause?: ErrorDescription;
}

/** Describes a thrown value for a log: name, code, where it happened, causes down to three. */
export function describeError(error: unknown, depth = 3): ErrorDescription {
  if (!(error instanceof Error)) return { name: `thrown ${typeof error}`, frames: [] };
  const code = "code" in error && typeof error.code === "string" && /^[A-Za-z][A-Za-z0-9_]{0,59}$/.test(error.code) ? { code: error.code } : {};
  const message = "loggable" in error && error.loggable === true ? { message: error.message.slice(0, 500) } : {};
  const cause = error.cause !== undefined && depth > 1 ? { cause: describeError(error.cause, depth - 1) } : {};
  const name = /^[A-Za-z][A-Za-z0-9]{0,59}$/.test(error.name) ? error.name : "Error";
  return { name, ...code, ...message, frames: stackFrames(error), ...cause };
}

function stackFrames(error: Error): readonly string[] {
  const stack = typeof error.stack === "string" ? error.stack : "";
  // The message comes first and may itself look like frames, so it is cut off before reading on.
  const end = error.message === "" ? 0 : stack.indexOf(error.message) + error.message.length;
  const frames = stack
    .slice(end)
    .split("\n")
    .map((line) => line.trim());
  return frames.filter((line) => /^at [^?]{1,300}:\d+:\d+\)?$/.test(line)).slice(0, 12);
}
