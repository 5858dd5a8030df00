import { isLoopbackUrl } from "./resource.ts";
import { err, ok, type Result } from "./result.ts";
import { boundedText, isJsonObject, type JsonObject, member, textList } from "./shape.ts";

/**
 * A client as it presented itself: by a metadata document that its id points to, or by registering. In the words of RFC 7591 section 2, with nothing in it that
 * an authorization server would not act on; whoever shows the name has to treat it as the client's own claim.
 */
export interface PresentedClient {
  readonly client_name?: string;
  readonly client_uri?: string;
  readonly redirect_uris: readonly string[];
  readonly grant_types: readonly string[];
  readonly response_types: readonly "code"[];
  readonly application_type: "native" | "web";
  readonly token_endpoint_auth_method: "none" | "private_key_jwt";
  readonly token_endpoint_auth_signing_alg?: string;
  readonly jwks_uri?: string;
  readonly jwks?: { readonly keys: readonly JsonObject[] };
  readonly dpop_bound_access_tokens?: boolean;
}

/** What the server has for clients that present themselves. */
export interface PresentedClientOffer {
  readonly grantTypes: readonly string[];
  /** The signature algorithms of client assertions. */
  readonly signingAlgs: readonly string[];
}

/** Why a client is not taken. The codes are those of RFC 7591 section 3.2.2. */
export interface PresentedClientRefusal {
  readonly code: "invalid_client_metadata" | "invalid_redirect_uri";
  readonly reason: string;
}

type Judged<T> = Result<T, PresentedClientRefusal>;

const clientIdLengthMax = 512;
const nameLengthMax = 200;
const uriLengthMax = 2048;
const redirectsMax = 20;
const listMax = 20;
const keysMax = 20;
/** Schemes that run or show what they carry, or have no place to return to. */
const harmfulSchemes: ReadonlySet<string> = new Set([
  "javascript:",
  "vbscript:",
  "data:",
  "blob:",
  "file:",
  "about:",
  "ftp:",
  "ws:",
  "wss:",
  "mailto:",
]);
/** Editors that are called back by a scheme without a dot, which RFC 8252 section 7.1 does not foresee. */
const editorSchemes: ReadonlySet<string> = new Set(["cursor:", "vscode:", "vscode-insiders:", "windsurf:"]);
const pageUris = ["client_uri", "logo_uri", "policy_uri", "tos_uri"] as const;

/**
 * Reads a client id that points to its own metadata document (draft-ietf-oauth-client-id-metadata-document section 3): https, a host name, a path, no credentials, no
 * fragment, written as a browser would write it. Undefined for anything else.
 */
export function parseClientIdUrl(text: string): URL | undefined {
  if (text.length > clientIdLengthMax || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== "https:" || url.username !== "" || url.password !== "" || url.pathname === "/" || text.includes("#")) return undefined;
  const isName = !isLoopbackUrl(url) && !url.hostname.startsWith("[") && !/^[\d.]+$/.test(url.hostname);
  return isName && url.href === text ? url : undefined;
}

/**
 * Judges the document behind a client id: it names that id, returns users to its own origin or to their machine, and holds no secret. Redirects to an app's own scheme are
 * left out unless the scheme is the host's name reversed (RFC 8252 section 7.1), because everybody may claim one.
 */
export function judgeClientDocument(doc: unknown, clientId: string, offer: PresentedClientOffer): Judged<PresentedClient> {
  const id = parseClientIdUrl(clientId);
  if (id === undefined) return invalid("the client id is no address of a document");
  if (!isJsonObject(doc)) return invalid("the document is no JSON object");
  if (member(doc, "client_id") !== clientId) return invalid("the document names another client_id");
  if (member(doc, "client_secret") !== undefined || member(doc, "client_secret_expires_at") !== undefined) {
    return invalid("a public document holds no secret");
  }
  const ownScheme = `${id.hostname.split(".").toReversed().join(".")}:`;
  return judge(doc, offer, (url) => {
    if (url.protocol === "https:") return url.origin === id.origin ? "taken" : "refused";
    return url.protocol === ownScheme ? "taken" : "left_out";
  });
}

/**
 * Judges a registration request (RFC 7591 section 2). Redirects go to https, to the user's machine, or to an app's scheme that has a dot or belongs to a known editor; a wish
 * for a secret is answered with a public client, which section 3.2.1 allows.
 */
export function judgeRegistrationRequest(body: unknown, offer: PresentedClientOffer): Judged<PresentedClient> {
  if (!isJsonObject(body)) return invalid("a registration is a JSON object");
  const method = member(body, "token_endpoint_auth_method");
  const wantsKey = method === "private_key_jwt";
  return judge({ ...body, token_endpoint_auth_method: wantsKey ? method : "none" }, offer, (url) => {
    const isApp = url.protocol.includes(".") || editorSchemes.has(url.protocol);
    return url.protocol === "https:" || isApp ? "taken" : "refused";
  });
}

type RedirectRule = (url: URL) => "taken" | "left_out" | "refused";

function judge(doc: JsonObject, offer: PresentedClientOffer, rule: RedirectRule): Judged<PresentedClient> {
  const grants = readList(doc, "grant_types", ["authorization_code"]);
  const responses = readList(doc, "response_types", ["code"]);
  if (grants === undefined || responses === undefined) return invalid("grant_types and response_types are lists of names");
  const grantTypes = [...new Set(grants)].filter((each) => offer.grantTypes.includes(each));
  const usesCode = grantTypes.includes("authorization_code");
  if (usesCode && !responses.includes("code")) return invalid("response_types lacks code");
  if (grantTypes.every((each) => each === "refresh_token")) return invalid("grant_types has nothing that is offered here");
  const redirects = readRedirects(doc, rule);
  if (!redirects.ok) return redirects;
  if (usesCode && redirects.value.length === 0) return invalidRedirect("redirect_uris has none that can be used");
  if (pageUris.some((name) => member(doc, name) !== undefined && readHttps(member(doc, name)) === undefined)) {
    return invalid(`${pageUris.join(", ")} are https addresses`);
  }
  const authentication = readAuthentication(doc, offer);
  if (!authentication.ok) return authentication;
  const name = boundedText(member(doc, "client_name"), nameLengthMax);
  const page = readHttps(member(doc, "client_uri"));
  return ok({
    ...(name === undefined ? {} : { client_name: name }),
    ...(page === undefined ? {} : { client_uri: page }),
    redirect_uris: redirects.value,
    grant_types: grantTypes,
    response_types: usesCode ? ["code"] : [],
    application_type: applicationType(doc, redirects.value),
    ...authentication.value,
    ...(member(doc, "dpop_bound_access_tokens") === true ? { dpop_bound_access_tokens: true } : {}),
  });
}

function readRedirects(doc: JsonObject, rule: RedirectRule): Judged<readonly string[]> {
  const texts = readList(doc, "redirect_uris", [], uriLengthMax);
  if (texts === undefined) return invalidRedirect(`redirect_uris is a list of at most ${redirectsMax} addresses`);
  const taken: string[] = [];
  for (const text of texts) {
    const url = URL.parse(text);
    if (url === null || text.includes("#") || url.username !== "" || url.password !== "" || harmfulSchemes.has(url.protocol)) {
      return invalidRedirect("a redirect URI is an absolute address without fragment and credentials");
    }
    const verdict = url.protocol === "http:" ? (isLoopbackRedirect(url) ? "taken" : "refused") : rule(url);
    if (verdict === "refused") return invalidRedirect("a redirect URI leads to a place that is not the client's own");
    if (verdict === "taken") taken.push(text);
  }
  return ok([...new Set(taken)]);
}

/** Says whether a redirect leads to the user's own machine, where any program may listen (RFC 8252 section 7.3). */
export function isLoopbackRedirect(url: URL): boolean {
  return url.protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
}

/**
 * Clients on the user's machine often leave `application_type` out, and the default, `web`, would hold them to one port of many. So without one, what the redirects say counts.
 */
function applicationType(doc: JsonObject, redirects: readonly string[]): "native" | "web" {
  const given = member(doc, "application_type");
  if (given === "native") return given;
  const isOnMachine = redirects.some((text) => {
    const url = new URL(text);
    return isLoopbackRedirect(url) || url.protocol !== "https:";
  });
  return isOnMachine ? "native" : "web";
}

type Authentication = Pick<PresentedClient, "token_endpoint_auth_method" | "token_endpoint_auth_signing_alg" | "jwks" | "jwks_uri">;

/** The method that the document chooses, or, where it cannot be used here, `none` when the document names that among those it can do. */
function readAuthentication(doc: JsonObject, offer: PresentedClientOffer): Judged<Authentication> {
  const chosen = member(doc, "token_endpoint_auth_method");
  const others = readList(doc, "token_endpoint_auth_methods_supported", []) ?? [];
  if (chosen === "none" || (chosen === undefined && (others.length === 0 || others.includes("none")))) {
    return ok({ token_endpoint_auth_method: "none" });
  }
  const keys = chosen === "private_key_jwt" || (chosen === undefined && others.includes("private_key_jwt")) ? readKeys(doc, offer) : undefined;
  if (keys !== undefined) return ok({ token_endpoint_auth_method: "private_key_jwt", ...keys });
  return others.includes("none")
    ? ok({ token_endpoint_auth_method: "none" })
    : invalid("a client proves itself by none, or by private_key_jwt with its keys and an algorithm that is taken here");
}

function readKeys(doc: JsonObject, offer: PresentedClientOffer): Omit<Authentication, "token_endpoint_auth_method"> | undefined {
  const alg = member(doc, "token_endpoint_auth_signing_alg");
  const named = offer.signingAlgs.find((each) => each === alg);
  if (alg !== undefined && named === undefined) return undefined;
  const algorithm = named === undefined ? {} : { token_endpoint_auth_signing_alg: named };
  const address = member(doc, "jwks_uri");
  const set = member(doc, "jwks");
  if ((address === undefined) === (set === undefined)) return undefined;
  if (set === undefined) {
    const uri = readHttps(address);
    return uri === undefined ? undefined : { jwks_uri: uri, ...algorithm };
  }
  const keys = member(set, "keys");
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > keysMax || !keys.every(isPublicKey)) return undefined;
  return { jwks: { keys }, ...algorithm };
}

/** RFC 7517 sections 4 and 9.3: a key type, and no private or symmetric part. */
function isPublicKey(value: unknown): value is JsonObject {
  return isJsonObject(value) && typeof member(value, "kty") === "string" && member(value, "d") === undefined && member(value, "k") === undefined;
}

function readList(doc: JsonObject, name: string, fallback: readonly string[], lengthMax = 100): readonly string[] | undefined {
  const value = member(doc, name);
  return value === undefined ? fallback : textList(value, name === "redirect_uris" ? redirectsMax : listMax, lengthMax);
}

function readHttps(value: unknown): string | undefined {
  const text = boundedText(value, uriLengthMax);
  const url = text === undefined ? null : URL.parse(text);
  return url?.protocol === "https:" && url.username === "" && url.password === "" ? text : undefined;
}

function invalid(reason: string): Judged<never> {
  return err({ code: "invalid_client_metadata", reason });
}

function invalidRedirect(reason: string): Judged<never> {
  return err({ code: "invalid_redirect_uri", reason });
}
