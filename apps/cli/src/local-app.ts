import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { parseScope } from "@countersign/protocol/scope";
import { boundedText, hasOnlyMembers, isJsonObject, member } from "@countersign/protocol/shape";
import { StartupProblem } from "@countersign/service/startup-problem";

/** What a local host and wallet have to know of an app: its `countersign.json`. */
export interface LocalApp {
  /** Id of its connector. */
  readonly name: string;
  readonly title: string;
  /** Address of its MCP endpoint, in canonical form. */
  readonly resource: string;
  /** The authorization server that it takes tokens from. */
  readonly issuer: string;
  /** The line that the consent page shows, by scope. */
  readonly scopes: Readonly<Record<string, string>>;
  /** Its client id as a payee, when it asks for payments. Its keys are at `/.well-known/jwks.json` of its origin. */
  readonly payee?: string;
  /** Its client id as an app that asks for account links: a public client with the device grant. A payee is such a client under its payee id. */
  readonly linkClient?: string;
}

const fileName = "countersign.json";
const bytesMax = 16_384;
const scopesMax = 50;
const members = ["name", "title", "resource", "issuer", "scopes", "payee", "linkClient"];

/** Reads the description of the app in a folder. Throws `StartupProblem` with what a person has to mend. */
export function readLocalApp(folder: string): LocalApp {
  const path = join(resolve(folder), fileName);
  const parsed = parseLocalApp(readJson(path));
  if (!parsed.ok) throw new StartupProblem(`${path} does not describe an app: ${parsed.error}.`);
  return parsed.value;
}

function readJson(path: string): unknown {
  try {
    if (statSync(path).size > bytesMax) throw new StartupProblem(`${path} is larger than ${bytesMax} bytes.`);
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof StartupProblem) throw error;
    throw new StartupProblem(
      error instanceof SyntaxError ? `${path} is not JSON.` : `There is no app to read at ${path}; --app takes a folder with a ${fileName}.`,
      error,
    );
  }
}

/** Parses the content of a `countersign.json`; the error says in a few words what is wrong. */
export function parseLocalApp(value: unknown): Result<LocalApp, string> {
  if (!isJsonObject(value)) return err("it is no object");
  if (!hasOnlyMembers(value, members)) return err(`it has members other than ${members.join(", ")}`);
  const name = boundedText(member(value, "name"), 32);
  if (name === undefined || !/^[a-z][a-z0-9-]*$/.test(name) || name === "store") return err("name is not small letters, digits and hyphens");
  const title = boundedText(member(value, "title"), 120);
  if (title === undefined) return err("title is not a text of at most 120 characters");
  const resource = boundedText(member(value, "resource"), 2048);
  const canonical = resource === undefined ? undefined : parseResourceUri(resource);
  if (canonical?.ok !== true || canonical.value !== resource) return err("resource is not the canonical address of an MCP endpoint");
  const issuer = parseIssuer(boundedText(member(value, "issuer"), 2048) ?? "");
  if (!issuer.ok) return err("issuer is not the address of an authorization server");
  const scopes = parseScopes(member(value, "scopes"));
  if (scopes === undefined) return err("scopes is not an object with a line of text for each scope");
  const payee = member(value, "payee");
  if (payee !== undefined && !isOwnClientId(payee)) return err("payee is not a client id of its own");
  const linkClient = member(value, "linkClient");
  if (linkClient !== undefined && !isOwnClientId(linkClient)) return err("linkClient is not a client id of its own");
  if (linkClient !== undefined && linkClient === payee) return err("linkClient and payee are the same; each needs a client id of its own");
  return ok({
    name,
    title,
    resource,
    issuer: issuer.value,
    scopes,
    ...(payee === undefined ? {} : { payee }),
    ...(linkClient === undefined ? {} : { linkClient }),
  });
}

function isOwnClientId(value: unknown): value is string {
  return boundedText(value, 100) !== undefined && value !== "store" && value !== "countersign-host";
}

function parseScopes(value: unknown): Readonly<Record<string, string>> | undefined {
  const entries = isJsonObject(value) ? Object.entries(value) : undefined;
  if (entries === undefined || entries.length > scopesMax) return undefined;
  const lines: [string, string][] = [];
  for (const [scope, text] of entries) {
    const line = boundedText(text, 120);
    const parsed = parseScope(scope);
    if (line === undefined || !parsed.ok || parsed.value.size !== 1) return undefined;
    lines.push([scope, line]);
  }
  return Object.fromEntries(lines);
}

function clientIds(app: LocalApp): readonly string[] {
  return [app.payee, app.linkClient].filter((id) => id !== undefined);
}

/** Where a payee publishes its keys. */
export function payeeKeysUri(app: LocalApp): string {
  return new URL("/.well-known/jwks.json", app.resource).href;
}

/** Throws `StartupProblem` when two apps share a name, an address or a client id, or when one takes its tokens from another wallet than this one. */
export function requireDistinctApps(apps: readonly LocalApp[], wallet: string): void {
  for (const [at, app] of apps.entries()) {
    const others = apps.slice(0, at);
    if (app.issuer !== wallet) {
      throw new StartupProblem(
        `The app “${app.title}” takes tokens from ${app.issuer}, but this wallet is ${wallet}; make that the issuer in the app's ${fileName}.`,
      );
    }
    const isTwin = (each: LocalApp): boolean =>
      each.name === app.name || each.resource === app.resource || clientIds(each).some((id) => clientIds(app).includes(id));
    const twin = others.find(isTwin);
    if (twin !== undefined)
      throw new StartupProblem(`The apps “${twin.title}” and “${app.title}” have the same name, address or client id; change one ${fileName}.`);
  }
}
