import type { Issuer } from "@countersign/protocol/brand";
import { clientAuthMethods, type ClientAuthMethod } from "@countersign/protocol/client-authentication";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { parseIssuer } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { formatScope, parseScope, type ScopeSet } from "@countersign/protocol/scope";
import { Secret } from "@countersign/protocol/secret";
import type { ConnectorMode } from "@countersign/protocol/security";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";

/** When the host signs in: `auto` follows what the server does, `mixed` only when a tool needs it, `full` before anything else. */
export type SignInMode = "auto" | ConnectorMode;

/** What a user or an operator fixes for one connector; whatever is left out is discovered. A secret always has the issuer that it belongs to beside it. */
export interface ConnectorSettings {
  readonly mode: SignInMode;
  readonly authorizationServer?: Issuer;
  readonly clientId?: string;
  readonly clientSecret?: Secret;
  readonly tokenEndpointAuthMethod?: ClientAuthMethod;
  /** Asked for in place of what the metadata lists, and beside what a challenge demands. */
  readonly scope?: ScopeSet;
  /** Sent with authorization and token requests besides the protocol's own, such as `audience`. */
  readonly authorizeParameters?: Readonly<Record<string, string>>;
  /** The authorization server's metadata need not name PKCE S256, as some do that know it. PKCE is used all the same. */
  readonly allowUnadvertisedPkce?: boolean;
  /** The `resource` parameter (RFC 8707) is left out, for a server that refuses it. Its tokens may then be good for other services too. */
  readonly omitResourceParameter?: boolean;
}

const parametersMax = 20;
const parameterNameGrammar = /^[A-Za-z0-9._~-]{1,64}$/;
const printable = /^[\x20-\x7e]*$/;

/** What the host itself decides about each authorization request: PKCE, state and audience are not a matter of settings. */
const ownParameters: ReadonlySet<string> = new Set([
  "response_type",
  "response_mode",
  "client_id",
  "client_secret",
  "redirect_uri",
  "state",
  "scope",
  "resource",
  "code_challenge",
  "code_challenge_method",
  "code_verifier",
  "dpop_jkt",
  "request",
  "request_uri",
  "grant_type",
  "code",
  "refresh_token",
  "client_assertion",
  "client_assertion_type",
  "assertion",
  "device_code",
]);

/** The settings as a request or an environment variable writes them. */
export interface SettingsInput {
  readonly mode: SignInMode;
  readonly authorizationServer?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly tokenEndpointAuthMethod?: ClientAuthMethod | undefined;
  readonly scope?: string | undefined;
  readonly authorizeParameters?: Readonly<Record<string, string>> | undefined;
  readonly allowUnadvertisedPkce?: boolean | undefined;
  readonly omitResourceParameter?: boolean | undefined;
}

const inputShape = z.strictObject({
  mode: z
    .enum(["auto", "mixed", "full"])
    .default("auto")
    .describe("When to sign in: as the server demands, only when a tool needs it, or before anything else."),
  authorizationServer: z.string().min(1).max(2048).optional().describe("Issuer to sign in at, in place of those that the server names."),
  clientId: z.string().min(1).max(500).regex(printable, "printable ASCII only").optional(),
  clientSecret: z
    .string()
    .min(1)
    .max(2000)
    .regex(printable, "printable ASCII only")
    .optional()
    .describe("Only together with `authorizationServer`. Never answered; left out of a change, the one held stays while client and issuer stay."),
  tokenEndpointAuthMethod: z.enum(clientAuthMethods).optional(),
  scope: z.string().max(4096).optional().describe("Space separated, in place of what the server's metadata lists."),
  authorizeParameters: z
    .record(z.string(), z.string().max(512))
    .optional()
    .describe("Sent with the authorization request besides the protocol's own, such as `audience`."),
});

export const settingsShape: z.ZodType<SettingsInput> = inputShape.meta({ id: "ConnectorSettingsInput" });

/**
 * Judges settings. Refuses with `invalid_request` (or `invalid_metadata` for the issuer): a secret or a way of authentication without its client, a secret without
 * the issuer that it is for (it would go to whatever issuer the server names), a scope outside RFC 6749, and parameters that the host itself decides.
 */
export function parseSettings(input: SettingsInput): Result<ConnectorSettings, Refusal> {
  const { mode, clientId, clientSecret, tokenEndpointAuthMethod, authorizeParameters } = input;
  const issuer = input.authorizationServer === undefined ? undefined : parseIssuer(input.authorizationServer);
  if (issuer?.ok === false) return issuer;
  const scope = input.scope === undefined ? undefined : parseScope(input.scope);
  if (scope?.ok === false) return scope;
  const problem = problemOfClient(input) ?? problemOfParameters(authorizeParameters ?? {});
  if (problem !== undefined) return err(refuse("invalid_request", problem));
  return ok({
    mode,
    ...(issuer === undefined ? {} : { authorizationServer: issuer.value }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret: new Secret(clientSecret) }),
    ...(tokenEndpointAuthMethod === undefined ? {} : { tokenEndpointAuthMethod }),
    ...(scope === undefined || scope.value.size === 0 ? {} : { scope: scope.value }),
    ...(authorizeParameters === undefined || Object.keys(authorizeParameters).length === 0 ? {} : { authorizeParameters }),
    ...(input.allowUnadvertisedPkce === true ? { allowUnadvertisedPkce: true } : {}),
    ...(input.omitResourceParameter === true ? { omitResourceParameter: true } : {}),
  });
}

/** Settings as anybody may see them: not the secret, only that there is one. */
export interface SettingsView {
  readonly mode: SignInMode;
  readonly authorizationServer?: string;
  readonly clientId?: string;
  readonly hasClientSecret: boolean;
  readonly tokenEndpointAuthMethod?: ClientAuthMethod;
  readonly scope?: string;
  readonly authorizeParameters?: Readonly<Record<string, string>>;
}

export function viewSettings(settings: ConnectorSettings | undefined): SettingsView {
  const { clientSecret, scope, ...rest } = settings ?? { mode: "auto" };
  return { ...rest, hasClientSecret: clientSecret !== undefined, ...(scope === undefined ? {} : { scope: formatScope(scope) }) };
}

/** New settings in place of old ones. A secret that is not named again stays while it is for the same client of the same issuer. */
export function replaceSettings(old: ConnectorSettings | undefined, input: SettingsInput): Result<ConnectorSettings, Refusal> {
  const isSameClient = old?.clientId === input.clientId && old?.authorizationServer === input.authorizationServer;
  const usesSecret = input.tokenEndpointAuthMethod !== "none" && input.tokenEndpointAuthMethod !== "private_key_jwt";
  const kept = isSameClient && usesSecret && input.clientSecret === undefined ? old?.clientSecret : undefined;
  return parseSettings(kept === undefined ? input : { ...input, clientSecret: kept.reveal() });
}

/** The settings as a row keeps them: the secret sealed under a text that names the row and its owner. */
export interface StoredSettings {
  readonly mode: SignInMode;
  readonly authorizationServer?: string | undefined;
  readonly clientId?: string | undefined;
  readonly sealedSecret?: string | undefined;
  readonly tokenEndpointAuthMethod?: ClientAuthMethod | undefined;
  readonly scope?: string | undefined;
  readonly authorizeParameters?: Readonly<Record<string, string>> | undefined;
  readonly allowUnadvertisedPkce?: boolean | undefined;
  readonly omitResourceParameter?: boolean | undefined;
}

export const storedSettingsSchema: z.ZodType<StoredSettings> = inputShape
  .omit({ clientSecret: true })
  .extend({ mode: z.enum(["auto", "mixed", "full"]), sealedSecret: z.string().optional() });

/** Whose settings they are. */
export interface SettingsOwner {
  readonly userId: string;
  readonly connectorId: string;
}

export function storeSettings(settings: ConnectorSettings, sealer: Sealer, owner: SettingsOwner): StoredSettings {
  const { clientSecret, scope, ...rest } = settings;
  return {
    ...rest,
    ...(scope === undefined ? {} : { scope: formatScope(scope) }),
    ...(clientSecret === undefined ? {} : { sealedSecret: sealer.seal(clientSecret.reveal(), settingsSealingText(owner)) }),
  };
}

/** Reads a row's settings back; undefined when the secret does not open here, as in a row that was moved. */
export function readSettings(stored: StoredSettings, sealer: Sealer, owner: SettingsOwner): ConnectorSettings | undefined {
  const { sealedSecret, ...rest } = stored;
  const secret = sealedSecret === undefined ? undefined : sealer.open(sealedSecret, settingsSealingText(owner));
  if (secret?.ok === false) return undefined;
  const parsed = parseSettings({ ...rest, ...(secret === undefined ? {} : { clientSecret: secret.value }) });
  return parsed.ok ? parsed.value : undefined;
}

function problemOfClient(input: SettingsInput): string | undefined {
  const { clientId, clientSecret, authorizationServer, tokenEndpointAuthMethod: method } = input;
  if (clientId === undefined && (clientSecret !== undefined || method !== undefined))
    return "a client secret or authentication method needs the client id";
  if (clientSecret !== undefined && authorizationServer === undefined) return "a client secret needs the authorization server that it is for";
  const needsSecret = method === "client_secret_basic" || method === "client_secret_post";
  if (needsSecret && clientSecret === undefined) return `${method} needs the client secret`;
  if (method !== undefined && !needsSecret && clientSecret !== undefined) return `${method} uses no client secret`;
  return undefined;
}

function problemOfParameters(parameters: Readonly<Record<string, string>>): string | undefined {
  const names = Object.keys(parameters);
  if (names.length > parametersMax) return `at most ${parametersMax} authorize parameters`;
  for (const name of names) {
    if (!parameterNameGrammar.test(name)) return "an authorize parameter's name has characters that no parameter has";
    if (ownParameters.has(name.toLowerCase())) return `${name} is decided by the host`;
    if (!printable.test(parameters[name] ?? "")) return `the value of ${name} is not printable ASCII`;
  }
  return undefined;
}

/** What the client secret of a connector is bound to. */
export function settingsSealingText(owner: SettingsOwner): string {
  return `host:connector:${JSON.stringify([owner.userId, owner.connectorId])}`;
}
