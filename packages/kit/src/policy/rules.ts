import { type ScopeSet, unionScopes } from "@countersign/protocol/scope";
import { boundedText, type JsonObject, isJsonObject, member } from "@countersign/protocol/shape";
import { anonymous, type ToolAuth } from "../auth.ts";
import type { Demand } from "./decide-access.ts";
import { isModern } from "./header-mismatch.ts";
import type { ScopeHierarchy } from "./scope-hierarchy.ts";

/** Who may use what, by exact name or, where a key ends in `*`, by prefix. The longest key that fits counts. */
export type AuthByName = Readonly<Record<string, ToolAuth>>;

/** What a server made elsewhere offers, and to whom. What is not named here does not exist. */
export interface RuleTables {
  readonly tools: AuthByName;
  /** By URI, as published. Views (`ui://`) are for anyone unless named. */
  readonly resources?: AuthByName;
  readonly prompts?: AuthByName;
}

/** The tables, read once. Each gives undefined for what the tables do not name. */
export interface Rules {
  readonly tool: (name: string) => ToolAuth | undefined;
  readonly prompt: (name: string) => ToolAuth | undefined;
  readonly resource: (uri: string) => ToolAuth | undefined;
  /** Every scope that may be demanded. */
  readonly scopes: ScopeSet;
}

/** A name that a prefix lets through is the client's, and goes to the log and to the handler. */
const nameLengthMax = 256;
const uriLengthMax = 4096;
const viewsForAnyone: AuthByName = { "ui://*": anonymous() };

/** Reads the tables; each rule asks for no more than it needs by the hierarchy. Throws on a key with a `*` before its end. */
export function createRules(tables: RuleTables, hierarchy: Pick<ScopeHierarchy, "least">): Rules {
  const resources = { ...viewsForAnyone, ...tables.resources };
  const all = [tables.tools, resources, tables.prompts ?? {}];
  return {
    tool: createLookup(tables.tools, hierarchy, nameLengthMax),
    prompt: createLookup(tables.prompts ?? {}, hierarchy, nameLengthMax),
    resource: createLookup({ ...withPlainKeys(resources), ...resources }, hierarchy, uriLengthMax),
    scopes: unionScopes(...all.flatMap((table) => Object.values(table).map((auth) => hierarchy.least(auth.scope)))),
  };
}

function createLookup(table: AuthByName, hierarchy: Pick<ScopeHierarchy, "least">, lengthMax: number): (name: string) => ToolAuth | undefined {
  const exact = new Map<string, ToolAuth>();
  const prefixes: { readonly prefix: string; readonly auth: ToolAuth }[] = [];
  for (const [key, given] of Object.entries(table)) {
    const auth = { ...given, scope: hierarchy.least(given.scope) };
    const star = key.indexOf("*");
    if (star !== -1 && star !== key.length - 1) throw new TypeError(`"*" may only end a name: ${JSON.stringify(key)}`);
    if (star === -1) exact.set(key, auth);
    else prefixes.push({ prefix: key.slice(0, -1), auth });
  }
  prefixes.sort((a, b) => b.prefix.length - a.prefix.length);
  return (name) => {
    const isName = name === "" || boundedText(name, lengthMax) !== undefined;
    return isName ? (exact.get(name) ?? prefixes.find(({ prefix }) => name.startsWith(prefix))?.auth) : undefined;
  };
}

/** Requests that anyone may send. Whatever is neither here nor below does not exist. */
const openMethods: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "server/discover",
  "logging/setLevel",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
]);

/** Methods that 2026-07-28 removed; a message of that revision that names one asks for nothing that exists. */
const removedMethods: ReadonlySet<string> = new Set(["resources/subscribe", "resources/unsubscribe"]);

type Read = (params: unknown, rules: Rules) => readonly Demand[];

/** What a request touches, by its method: whatever way leads to a tool, a resource or a prompt, the same rule stands before it. */
const guarded: Readonly<Record<string, Read>> = {
  "tools/call": (params, rules) => [demandOf(member(params, "name"), rules.tool)],
  "prompts/get": (params, rules) => [demandOf(member(params, "name"), rules.prompt)],
  "resources/read": (params, rules) => resourceDemands(member(params, "uri"), rules),
  "resources/subscribe": (params, rules) => resourceDemands(member(params, "uri"), rules),
  "resources/unsubscribe": (params, rules) => resourceDemands(member(params, "uri"), rules),
  "subscriptions/listen": (params, rules) => {
    const uris = member(member(params, "notifications"), "resourceSubscriptions");
    return Array.isArray(uris) ? uris.flatMap((uri) => resourceDemands(uri, rules)) : [{ kind: "open" }];
  },
  "completion/complete": (params, rules) => completionDemands(member(params, "ref"), rules),
};

/** Reads everything that one JSON-RPC message asks for. A message without a method is a client's answer and asks for nothing. */
export function readDemands(message: JsonObject, rules: Rules): readonly Demand[] {
  const method = member(message, "method");
  if (typeof method !== "string" || openMethods.has(method) || method.startsWith("notifications/")) return [{ kind: "open" }];
  const isKnown = Object.hasOwn(guarded, method) && !(isModern(message) && removedMethods.has(method));
  const read = isKnown ? guarded[method] : undefined;
  return read === undefined ? [{ kind: "unknown_method" }] : read(member(message, "params"), rules);
}

/** The same rules by what their keys mean, so that a URI whose escapes were read finds the rule of its own spelling. */
function withPlainKeys(table: AuthByName): AuthByName {
  return Object.fromEntries(Object.entries(table).map(([key, auth]) => [readEscapes(key), auth]));
}

/** The star stays as it is, because in a key it means something. */
function readEscapes(uri: string): string {
  return uri.replaceAll(/%(?!2a)[0-7][0-9a-f]/gi, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
}

function demandOf(name: unknown, authOf: (name: string) => ToolAuth | undefined): Demand {
  const auth = typeof name === "string" ? authOf(name) : undefined;
  return auth === undefined ? { kind: "unknown_tool" } : { kind: "tool", auth };
}

/**
 * A URI is judged as it was sent and as a server may read it (WHATWG URL: dot segments resolved, scheme and host in lower case; with the escapes of its ASCII
 * characters read, and what they held of dot segments resolved too), so that no spelling of a protected resource falls under the rule of another one.
 */
function resourceDemands(uri: unknown, rules: Rules): readonly Demand[] {
  const url = typeof uri === "string" ? URL.parse(uri) : null;
  if (typeof uri !== "string" || url === null) return [{ kind: "unknown_tool" }];
  const plain = readEscapes(url.href);
  const resolved = readEscapes(URL.parse(plain)?.href ?? plain);
  return [...new Set([uri, url.href, plain, resolved])].map((each) => demandOf(each, rules.resource));
}

/** Completion speaks about a prompt by name, or a resource template by its URI, which is not one: its literal beginning is judged. */
function completionDemands(ref: unknown, rules: Rules): readonly Demand[] {
  if (!isJsonObject(ref)) return [{ kind: "unknown_tool" }];
  if (ref["type"] === "ref/prompt") return [demandOf(ref["name"], rules.prompt)];
  return ref["type"] === "ref/resource" ? [demandOf(ref["uri"], rules.resource)] : [{ kind: "unknown_tool" }];
}
