import { err, ok, type Result } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import { SettingsProblem } from "./startup-problem.ts";

/**
 * One environment variable. `parse` gives the typed value or says in a few words what is wrong, never repeating the text.
 * `fallback` is the text used when the variable is unset or empty; without it the variable is required.
 */
export interface Variable<T> {
  readonly env: string;
  readonly doc: string;
  readonly type: string;
  readonly secret: boolean;
  readonly fallback: string | undefined;
  readonly optional: boolean;
  parse(text: string): Result<T, string>;
}

export type ConfigSchema = Readonly<Record<string, Variable<unknown>>>;
export type Config<Schema extends ConfigSchema> = { readonly [Name in keyof Schema]: Schema[Name] extends Variable<infer T> ? T : never };

export interface ConfigProblem {
  readonly env: string;
  readonly problem: string;
}

/** `env` is the variable, `doc` its line of documentation, `fallback` the text that counts when it is unset. */
export interface VariableOptions {
  readonly env: string;
  readonly doc: string;
  readonly fallback?: string;
}

/** Text of 1 to 4096 characters. */
export function text(options: VariableOptions): Variable<string> {
  return variable(options, "text", (value) => ok(value));
}

/** A credential; wrapped so that it cannot be printed. */
export function secret(options: VariableOptions): Variable<Secret> {
  return { ...variable(options, "secret", (value) => ok(new Secret(value))), secret: true };
}

/** A whole number from `min` to `max`. */
export function integer(options: VariableOptions & { readonly min: number; readonly max: number }): Variable<number> {
  return variable(options, `integer ${options.min}-${options.max}`, (value) => {
    const number = Number(value);
    if (!/^-?\d{1,16}$/.test(value) || number < options.min || number > options.max)
      return err(`must be a whole number from ${options.min} to ${options.max}`);
    return ok(number);
  });
}

/** A TCP port; 0 lets the system choose. */
export function port(options: VariableOptions): Variable<number> {
  return { ...integer({ ...options, min: 0, max: 65_535 }), type: "port" };
}

/** `true` or `false`. */
export function flag(options: VariableOptions): Variable<boolean> {
  return variable(options, "true or false", (value) => (value === "true" || value === "false" ? ok(value === "true") : err("must be true or false")));
}

/** One of a few words. */
export function choice<const Word extends string>(options: VariableOptions & { readonly words: readonly Word[] }): Variable<Word> {
  return variable(options, options.words.join(" | "), (value) => {
    const word = options.words.find((candidate) => candidate === value);
    return word === undefined ? err(`must be one of ${options.words.join(", ")}`) : ok(word);
  });
}

/** An http(s) URL without credentials, query and fragment; kept as written, without a trailing slash. Plain http only on loopback names. */
export function httpUrl(options: VariableOptions): Variable<string> {
  return variable(options, "URL", (value) => {
    const url = URL.parse(value);
    if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "" || /[?#]/.test(value)) {
      return err("must be an http(s) URL without credentials, query and fragment");
    }
    if (url.protocol === "http:" && !isLoopbackName(url.hostname)) return err("must use https, except on loopback");
    return ok(value.replace(/\/+$/, ""));
  });
}

/** Several values separated by commas; empty ones are left out. */
export function list<T>(item: Variable<T>): Variable<readonly T[]> {
  return {
    ...item,
    type: `list of ${item.type}`,
    parse: (value) => {
      const parsed: T[] = [];
      for (const part of value.split(",").map((each) => each.trim())) {
        if (part === "") continue;
        const one = item.parse(part);
        if (!one.ok) return one;
        parsed.push(one.value);
      }
      return ok(parsed);
    },
  };
}

/** JSON of up to 64 KiB, judged by `parse`, which throws on a shape it does not know. */
export function json<T>(options: VariableOptions & { readonly parse: (value: unknown) => T }): Variable<T> {
  return {
    ...variable(options, "JSON", (value) => {
      try {
        return ok(options.parse(JSON.parse(value)));
      } catch {
        return err("must be JSON of the documented shape");
      }
    }),
  };
}

/** The same variable, undefined when it is unset. */
export function optional<T>(item: Variable<T>): Variable<T | undefined> {
  return { ...item, optional: true };
}

/** Reads the environment by a schema. Every problem is reported, not only the first one. */
export function readConfig<Schema extends ConfigSchema>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): Result<Config<Schema>, readonly ConfigProblem[]>;
export function readConfig(
  schema: ConfigSchema,
  env: Readonly<Record<string, string | undefined>>,
): Result<Record<string, unknown>, readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(schema)) {
    const value = env[item.env]?.trim() || item.fallback;
    if (value === undefined) {
      if (!item.optional) problems.push({ env: item.env, problem: "is required" });
      config[name] = undefined;
      continue;
    }
    const parsed = value.length > 65_536 ? err("is too long") : item.parse(value);
    if (parsed.ok) config[name] = parsed.value;
    else problems.push({ env: item.env, problem: parsed.error });
  }
  return problems.length === 0 ? ok(config) : err(problems);
}

/** One line of documentation of a variable and, with an environment, where its value comes from. A secret's value is never part of it. */
export interface VariableDescription {
  readonly env: string;
  readonly doc: string;
  readonly type: string;
  readonly required: boolean;
  readonly fallback: string | undefined;
  readonly value: string | undefined;
  readonly source: "environment" | "default" | "unset";
}

/** Describes every variable of a schema, for the documentation and for people who ask what is in force. */
export function describeConfig(schema: ConfigSchema, env: Readonly<Record<string, string | undefined>> = {}): readonly VariableDescription[] {
  return Object.values(schema).map((item) => {
    const given = env[item.env]?.trim() || undefined;
    const value = given ?? item.fallback;
    return {
      env: item.env,
      doc: item.doc,
      type: item.type,
      required: item.fallback === undefined && !item.optional,
      fallback: item.fallback,
      // A default is in the source for everybody to read: masked, it would look like a secret that somebody set.
      value: item.secret && given !== undefined ? String(new Secret(given)) : value,
      source: given !== undefined ? "environment" : item.fallback !== undefined ? "default" : "unset",
    };
  });
}

function variable<T>(options: VariableOptions, type: string, parse: (text: string) => Result<T, string>): Variable<T> {
  return { env: options.env, doc: options.doc, type, secret: false, fallback: options.fallback, optional: false, parse };
}

function isLoopbackName(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** {@link readConfig} for a `main.ts`: problems become one `SettingsProblem` that names every variable. */
export function requireConfig<Schema extends ConfigSchema>(schema: Schema, env: Readonly<Record<string, string | undefined>>): Config<Schema> {
  const config = readConfig(schema, env);
  if (config.ok) return config.value;
  throw new SettingsProblem(`The configuration is not valid: ${config.error.map(({ env: name, problem }) => `${name} ${problem}`).join("; ")}.`);
}
