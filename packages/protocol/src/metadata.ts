import type { Issuer, ResourceUri } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { isLoopbackUrl, parseBrowserUrl, parseIssuer, parseResourceUri } from "./resource.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import type { ScopeSet } from "./scope.ts";
import { isScopeToken } from "./scope.ts";
import { boundedText, isJsonObject, member, textList } from "./shape.ts";

/** A judged protected resource metadata document, RFC 9728 section 2. */
export interface ProtectedResource {
  /** Canonical. */
  readonly resource: ResourceUri;
  /** The same as it was published: what the `resource` parameter of RFC 8707 repeats. */
  readonly indicator: string;
  /** In the order of the document; never empty. */
  readonly authorizationServers: readonly [Issuer, ...Issuer[]];
  readonly scopesSupported?: ScopeSet;
  readonly resourceName?: string;
  /** JWS algorithms of DPoP proofs that the resource checks (RFC 9728 section 2); absent when it names none. */
  readonly dpopSigningAlgValuesSupported?: readonly string[];
  /** RFC 9728 section 2: whether every token for it must be DPoP-bound. */
  readonly dpopBoundAccessTokensRequired: boolean;
}

/** A judged authorization server metadata document, RFC 8414 section 2. */
export interface AuthorizationServer {
  readonly issuer: Issuer;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly registrationEndpoint?: string;
  readonly revocationEndpoint?: string;
  /** RFC 8628 section 4. Absent too when `grant_types_supported` is there and does not name the device grant. */
  readonly deviceAuthorizationEndpoint?: string;
  /** JWS algorithms of DPoP proofs (RFC 9449 section 5.1); absent when the server names none. */
  readonly dpopSigningAlgValuesSupported?: readonly string[];
  readonly scopesSupported?: ScopeSet;
  /** RFC 8414's default is `client_secret_basic`. */
  readonly tokenEndpointAuthMethodsSupported: readonly string[];
  readonly tokenEndpointAuthSigningAlgValuesSupported?: readonly string[];
  /** RFC 9207 section 3: when true, a response without `iss` is refused. */
  readonly authorizationResponseIssParameterSupported: boolean;
  readonly clientIdMetadataDocumentSupported: boolean;
}

/** Where a resource's metadata may be, in the order to try (RFC 9728 section 3.1): with its path, then at the root. */
export function protectedResourceMetadataUrls(resource: ResourceUri): readonly string[] {
  const url = new URL(resource);
  const root = `${url.origin}/.well-known/oauth-protected-resource`;
  const path = url.pathname === "/" ? "" : url.pathname;
  return path + url.search === "" ? [root] : [root + path + url.search, root];
}

/** Where an issuer's metadata may be, in the order to try: RFC 8414 section 3.1, then OpenID Connect with the path inserted and appended. */
export function authorizationServerMetadataUrls(issuer: Issuer): readonly string[] {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, "");
  const inserted = ["oauth-authorization-server", "openid-configuration"].map((name) => `${url.origin}/.well-known/${name}${path}`);
  return path === "" ? inserted : [...inserted, `${url.origin}${path}/.well-known/openid-configuration`];
}

/**
 * The identifiers that a document at this address may name (RFC 9728 section 3.3: the one that its well-known address was made from). At the root of the
 * dialled origin that is the origin itself, one server for all its paths; the dialled URL is right everywhere.
 */
export function resourcesDescribedAt(documentUrl: string, dialled: ResourceUri): readonly ResourceUri[] {
  const { origin } = new URL(dialled);
  const whole = documentUrl === `${origin}/.well-known/oauth-protected-resource` ? parseResourceUri(origin) : undefined;
  return whole?.ok === true && whole.value !== dialled ? [dialled, whole.value] : [dialled];
}

/**
 * Judges protected resource metadata for the resource that was dialled, by whichever of its identifiers are `accepted`. Refuses with `resource_mismatch` when it
 * names another resource (RFC 9728 section 3.3), else with `invalid_metadata`.
 */
export function judgeProtectedResource(doc: unknown, accepted: readonly ResourceUri[]): Result<ProtectedResource, Refusal> {
  if (!isJsonObject(doc)) return err(refuse("invalid_metadata", "protected resource metadata is a JSON object"));
  const named = boundedText(member(doc, "resource"), 2048);
  if (named === undefined) return err(refuse("invalid_metadata", "protected resource metadata lacks `resource`"));
  const resource = parseResourceUri(named);
  if (!resource.ok || !accepted.includes(resource.value)) return err(refuse("resource_mismatch"));
  const issuers = readIssuers(member(doc, "authorization_servers"));
  if (!issuers.ok) return issuers;
  const scopes = readScopes(member(doc, "scopes_supported"));
  if (!scopes.ok) return scopes;
  const resourceName = boundedText(member(doc, "resource_name"), 200);
  const dpopAlgorithms = readAlgorithms(doc);
  return ok({
    resource: resource.value,
    indicator: named,
    authorizationServers: issuers.value,
    ...(scopes.value === undefined ? {} : { scopesSupported: scopes.value }),
    ...(resourceName === undefined ? {} : { resourceName }),
    ...(dpopAlgorithms === undefined ? {} : { dpopSigningAlgValuesSupported: dpopAlgorithms }),
    dpopBoundAccessTokensRequired: member(doc, "dpop_bound_access_tokens_required") === true,
  });
}

/**
 * Whether a server's metadata must name PKCE S256 (MCP authorization, section on code protection), or the user said that this one knows it all the same. The
 * host sends a challenge in either case.
 */
export type PkceEvidence = "advertised" | "assumed";

/**
 * Judges authorization server metadata for the issuer it was fetched for. Refuses with `issuer_mismatch` (plain string comparison, RFC 8414
 * section 3.3), `pkce_unsupported` without S256, `unsafe_url` for an endpoint that is neither https nor, for a loopback issuer, loopback
 * http; else with `invalid_metadata`.
 */
export function judgeAuthorizationServer(doc: unknown, issuer: Issuer, pkce: PkceEvidence = "advertised"): Result<AuthorizationServer, Refusal> {
  if (!isJsonObject(doc)) return err(refuse("invalid_metadata", "authorization server metadata is a JSON object"));
  if (member(doc, "issuer") !== issuer) return err(refuse("issuer_mismatch"));
  const authorizationEndpoint = readEndpoint(doc, "authorization_endpoint", issuer);
  if (!authorizationEndpoint.ok) return authorizationEndpoint;
  const tokenEndpoint = readEndpoint(doc, "token_endpoint", issuer);
  if (!tokenEndpoint.ok) return tokenEndpoint;
  if (authorizationEndpoint.value === undefined || tokenEndpoint.value === undefined) {
    return err(refuse("invalid_metadata", "authorization server metadata lacks an endpoint"));
  }
  const registrationEndpoint = readEndpoint(doc, "registration_endpoint", issuer);
  if (!registrationEndpoint.ok) return registrationEndpoint;
  const revocationEndpoint = readEndpoint(doc, "revocation_endpoint", issuer);
  if (!revocationEndpoint.ok) return revocationEndpoint;
  const deviceEndpoint = readEndpoint(doc, "device_authorization_endpoint", issuer);
  if (!deviceEndpoint.ok) return deviceEndpoint;
  const abilities = readAbilities(doc, pkce);
  if (!abilities.ok) return abilities;
  return ok({
    issuer,
    authorizationEndpoint: authorizationEndpoint.value,
    tokenEndpoint: tokenEndpoint.value,
    ...(registrationEndpoint.value === undefined ? {} : { registrationEndpoint: registrationEndpoint.value }),
    ...(revocationEndpoint.value === undefined ? {} : { revocationEndpoint: revocationEndpoint.value }),
    ...(deviceEndpoint.value === undefined || !offersDeviceGrant(doc) ? {} : { deviceAuthorizationEndpoint: deviceEndpoint.value }),
    ...abilities.value,
  });
}

/**
 * The authorization server of a resource without any metadata: MCP 2025-03-26 makes the server its own, with fixed paths at its root. PKCE was already
 * demanded of it there.
 */
export function assumeAuthorizationServer(issuer: Issuer): AuthorizationServer {
  const { origin } = new URL(issuer);
  return {
    issuer,
    authorizationEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    registrationEndpoint: `${origin}/register`,
    tokenEndpointAuthMethodsSupported: ["none", "client_secret_basic", "client_secret_post"],
    authorizationResponseIssParameterSupported: false,
    clientIdMetadataDocumentSupported: false,
  };
}

/**
 * Judges the `iss` of an authorization response, also of an error response, before anything else in it is used (RFC 9207 section 2.4): it
 * must equal the issuer that the flow recorded, as a plain string, and may be absent only from a server that does not advertise it.
 */
export function judgeResponseIssuer(
  iss: string | undefined,
  server: Pick<AuthorizationServer, "issuer" | "authorizationResponseIssParameterSupported">,
): Result<Issuer, Refusal> {
  const accepted = iss === undefined ? !server.authorizationResponseIssParameterSupported : iss === server.issuer;
  return accepted ? ok(server.issuer) : err(refuse("issuer_mismatch"));
}

type Abilities = Pick<
  AuthorizationServer,
  | "scopesSupported"
  | "tokenEndpointAuthMethodsSupported"
  | "tokenEndpointAuthSigningAlgValuesSupported"
  | "authorizationResponseIssParameterSupported"
  | "clientIdMetadataDocumentSupported"
  | "dpopSigningAlgValuesSupported"
>;

/** The grant type of RFC 8628 section 3.4. */
const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code";

function readAbilities(doc: unknown, pkce: PkceEvidence): Result<Abilities, Refusal> {
  const challengeMethods = readList(doc, "code_challenge_methods_supported", []);
  const silent = pkce === "assumed" && member(doc, "code_challenge_methods_supported") === undefined;
  if (challengeMethods === undefined || !(silent || challengeMethods.includes("S256"))) return err(refuse("pkce_unsupported"));
  const responseTypes = readList(doc, "response_types_supported", ["code"]);
  if (responseTypes === undefined || !responseTypes.includes("code")) return err(refuse("invalid_metadata", "response type code is not supported"));
  const authMethods = readList(doc, "token_endpoint_auth_methods_supported", ["client_secret_basic"]);
  if (authMethods === undefined) return err(refuse("invalid_metadata", "token_endpoint_auth_methods_supported is a list of texts"));
  const signingAlgs = member(doc, "token_endpoint_auth_signing_alg_values_supported");
  const readSigningAlgs = signingAlgs === undefined ? undefined : textList(signingAlgs, 50, 200);
  if (signingAlgs !== undefined && readSigningAlgs === undefined) {
    return err(refuse("invalid_metadata", "token_endpoint_auth_signing_alg_values_supported is a list of texts"));
  }
  const scopes = readScopes(member(doc, "scopes_supported"));
  if (!scopes.ok) return scopes;
  const dpopAlgorithms = readAlgorithms(doc);
  return ok({
    ...(scopes.value === undefined ? {} : { scopesSupported: scopes.value }),
    ...(dpopAlgorithms === undefined ? {} : { dpopSigningAlgValuesSupported: dpopAlgorithms }),
    tokenEndpointAuthMethodsSupported: authMethods,
    ...(readSigningAlgs === undefined ? {} : { tokenEndpointAuthSigningAlgValuesSupported: readSigningAlgs }),
    authorizationResponseIssParameterSupported: member(doc, "authorization_response_iss_parameter_supported") === true,
    clientIdMetadataDocumentSupported: member(doc, "client_id_metadata_document_supported") === true,
  });
}

function offersDeviceGrant(doc: unknown): boolean {
  const grants = readList(doc, "grant_types_supported", [deviceGrantType]);
  return grants?.includes(deviceGrantType) === true;
}

/** What cannot be read counts as not offered: DPoP is an addition, and nobody is kept out for lack of it. */
function readAlgorithms(doc: unknown): readonly string[] | undefined {
  const algorithms = textList(member(doc, "dpop_signing_alg_values_supported"), 50, 50);
  return algorithms === undefined || algorithms.length === 0 ? undefined : algorithms;
}

function readIssuers(value: unknown): Result<readonly [Issuer, ...Issuer[]], Refusal> {
  const issuers: Issuer[] = [];
  for (const text of textList(value, 10, 2048) ?? []) {
    const issuer = parseIssuer(text);
    if (!issuer.ok) return issuer;
    issuers.push(issuer.value);
  }
  const [first, ...rest] = issuers;
  return first === undefined ? err(refuse("invalid_metadata", "authorization_servers is a list of 1 to 10 issuers")) : ok([first, ...rest]);
}

function readScopes(value: unknown): Result<ScopeSet | undefined, Refusal> {
  if (value === undefined) return ok(undefined);
  const scopes = textList(value, 500, 256);
  return scopes?.every(isScopeToken) ? ok(new Set(scopes)) : err(refuse("invalid_metadata", "scopes_supported is a list of scope tokens"));
}

function readList(doc: unknown, name: string, byDefault: readonly string[]): readonly string[] | undefined {
  const value = member(doc, name);
  return value === undefined ? byDefault : textList(value, 50, 200);
}

/** RFC 6749 section 3.1 forbids a fragment. Plain http is for a machine talking to itself, so the issuer must be on it too. */
function readEndpoint(doc: unknown, name: string, issuer: Issuer): Result<string | undefined, Refusal> {
  const value = member(doc, name);
  if (value === undefined) return ok(undefined);
  const url = typeof value === "string" ? parseBrowserUrl(value) : err(refuse("unsafe_url"));
  if (!url.ok || url.value.includes("#")) return err(refuse("unsafe_url", `${name} is not a URL that may be used`));
  const parsed = new URL(url.value);
  const local = isLoopbackUrl(parsed) && isLoopbackUrl(new URL(issuer));
  return parsed.protocol === "https:" || local ? ok(url.value) : err(refuse("unsafe_url", `${name} is plain http`));
}
