import type { HostProfile } from "./ladder.ts";

/** What was seen of a server from outside, without signing in. Plain data, as it is printed by `--json`: no secret, no argument, no document in whole. */

/**
 * Why a question got no answer. `over_budget`: it was not asked, because the examination had asked enough. `not_spoken`: it was not asked, because the server
 * speaks HTTP+SSE only, which the examination recognizes and does not speak.
 */
export type NoAnswer = "unsafe_address" | "unreachable" | "timeout" | "redirected" | "too_large" | "aborted" | "over_budget" | "not_spoken";

/** A question without an answer. `location` is where a redirect would have led. */
export interface Unanswered {
  readonly seen: "nothing";
  readonly problem: NoAnswer;
  readonly location?: string;
}

/** How a client may open a server: with a message of one revision, or with the standing stream that the first revision began with. */
export type EraName = "2026-07-28" | "2025-11-25" | "2025-06-18" | "2025-03-26" | "2024-11-05" | "HTTP+SSE";

/** A demand for sign-in as an HTTP response, RFC 9110 section 11.6.1. `problem` when the header cannot be read. */
export interface ChallengeObservation {
  readonly status: 401 | 403;
  readonly header: "bearer" | "dpop" | "other" | "none" | "unreadable";
  readonly error?: string;
  readonly scope: readonly string[];
  readonly resourceMetadata?: string;
}

/** How a server answers the first message of one era. */
export type EraObservation =
  | { readonly seen: "spoken"; readonly session: boolean; readonly body: "json" | "events"; readonly capabilities: readonly string[] }
  | { readonly seen: "other_version"; readonly version: string }
  | { readonly seen: "challenged"; readonly challenge: ChallengeObservation }
  | { readonly seen: "refused"; readonly status: number; readonly code?: number }
  | { readonly seen: "unreadable"; readonly status: number; readonly contentType: string }
  | Unanswered;

/** One place where a metadata document may be. `refused` carries the catalogue's code of what is wrong with it. */
export type DocumentObservation<Judged> =
  | { readonly seen: "document"; readonly url: string; readonly judged: Judged }
  | { readonly seen: "refused"; readonly url: string; readonly code: string; readonly detail?: string }
  | { readonly seen: "absent"; readonly url: string; readonly status: number }
  | ({ readonly url: string } & Unanswered);

/** Protected resource metadata that names the server as it was dialled, RFC 9728. */
export interface ResourceDocument {
  readonly resource: string;
  readonly authorizationServers: readonly string[];
  readonly scopes?: readonly string[];
  /** Only tokens that are bound to a key are taken (`dpop_bound_access_tokens_required`). */
  readonly dpopRequired?: true;
}

/** What an authorization server offers, RFC 8414. */
export interface AuthorizationDocument {
  readonly clientIdMetadata: boolean;
  readonly registration: boolean;
  readonly registrationEndpoint?: string;
  readonly iss: boolean;
  readonly authMethods: readonly string[];
  readonly deviceGrant: boolean;
  readonly scopes?: readonly string[];
  /** `grant_types_supported`, where it names any. */
  readonly grants?: readonly string[];
  /** Whether the server is among `protected_resources` (RFC 9728 section 4), where there is such a list. */
  readonly knowsResource?: boolean;
}

export interface AuthorizationServerObservation {
  readonly issuer: string;
  /** In the order of asking, up to the first that is there. */
  readonly documents: readonly DocumentObservation<AuthorizationDocument>[];
}

/**
 * How an authorization server takes a client that comes back to one address (RFC 7591). `kept`: it was registered with that address. `removed`: the client is
 * gone again (RFC 7592). No id and no secret of it is told.
 */
export type RegistrationObservation =
  | { readonly redirectUri: string; readonly seen: "registered"; readonly kept: boolean; readonly removed: boolean }
  | { readonly redirectUri: string; readonly seen: "refused"; readonly status: number; readonly error?: string }
  | ({ readonly redirectUri: string } & Unanswered);

/** What a page of another origin may do with the server (Fetch, CORS protocol). */
export type CrossOriginObservation =
  | {
      readonly seen: "preflight";
      readonly allowsOrigin: boolean;
      readonly allowsHeaders: readonly string[];
      readonly exposesHeaders: readonly string[];
    }
  | Unanswered;

/** Who may call a tool, in the words of SEP-1488. */
export type ToolScheme = "undeclared" | "noauth" | "either" | "oauth2" | "unreadable";

export interface ToolObservation {
  readonly name: string;
  readonly scheme: ToolScheme;
  readonly scopes: readonly string[];
  /** Where the schemes stand: hosts look in different places. */
  readonly declaredAt: readonly ("top" | "meta")[];
  readonly visibility: readonly ("model" | "app")[];
  readonly visibilityBy: "ui" | "openai" | "default";
  readonly view?: string;
  readonly readOnly: boolean;
}

/** `firstPage`: how many tools came on it, because some hosts read no further. `complete`: the list ended within the bounds. `repeated`: names that came twice. */
export type ToolsObservation =
  | {
      readonly seen: "listed";
      readonly tools: readonly ToolObservation[];
      readonly firstPage: number;
      readonly complete: boolean;
      readonly repeated: readonly string[];
    }
  | { readonly seen: "challenged"; readonly challenge: ChallengeObservation }
  | { readonly seen: "refused"; readonly status: number; readonly code?: number }
  | Unanswered;

/** How an anonymous call of a protected tool was answered. */
export type ProtectedCallObservation =
  | { readonly seen: "http"; readonly challenge: ChallengeObservation }
  | { readonly seen: "result"; readonly error?: string; readonly described: boolean; readonly scope: readonly string[] }
  | { readonly seen: "url" | "input" | "structured" }
  /** The tool ran, although it declares that nobody may call it without signing in. */
  | { readonly seen: "ran" }
  | { readonly seen: "refused"; readonly status: number; readonly code?: number }
  | { readonly seen: "unreadable_challenge"; readonly detail: string }
  /** It was not called: only a tool that demands sign-in and says that it only reads is. */
  | { readonly seen: "not_called"; readonly reason: "none_declared" | "none_read_only" | "needs_arguments" | "not_wanted" }
  | Unanswered;

/** How a token that nobody gave out is received. It is a fixed word and opens nothing. `taken`: a protected tool ran. `unasked`: only what is open was asked. */
export type BadTokenObservation =
  | { readonly seen: "challenged"; readonly challenge: ChallengeObservation }
  | { readonly seen: "taken" | "unasked" }
  | { readonly seen: "refused"; readonly status: number }
  | Unanswered;

/** A document that a tool names as its view. */
export type ViewObservation =
  | {
      readonly seen: "document";
      readonly uri: string;
      readonly mime: "mcp-app" | "skybridge" | "other";
      readonly bytes: number;
      readonly csp: "ui" | "openai" | "both" | "none" | "refused";
      readonly frames: boolean;
      readonly domain: boolean;
      readonly detail?: string;
    }
  | { readonly seen: "refused"; readonly uri: string; readonly status: number; readonly code?: number }
  | ({ readonly uri: string } & Unanswered);

/** What is peculiar about how messages go to and fro. */
export interface TransportObservation {
  /** A standing GET stream of Streamable HTTP. */
  readonly stream: "offered" | "refused" | "unknown";
  readonly batch: "taken" | "refused" | "unknown";
  /** A session that was given is demanded again: requests without it are refused. */
  readonly sessionDemanded: boolean | undefined;
  /** A request from a foreign web origin is refused with 403, as MCP 2025-11-25 wants. */
  readonly foreignOrigin: "refused" | "taken" | "unknown";
}

export interface ServerObservation {
  readonly url: string;
  readonly scheme: "https" | "http";
  readonly loopback: boolean;
  readonly eras: Readonly<Record<EraName, EraObservation>>;
  readonly transport: TransportObservation;
  readonly resourceMetadata: readonly DocumentObservation<ResourceDocument>[];
  readonly authorizationServers: readonly AuthorizationServerObservation[];
  /** Of the first server that registers clients. Absent where that was not wanted, or none does: to try it makes clients. */
  readonly registrations?: readonly RegistrationObservation[];
  readonly crossOrigin: CrossOriginObservation;
  readonly tools: ToolsObservation;
  readonly protectedCall: ProtectedCallObservation;
  /** The same call under the name and the user agent of each host, where the nameless one was answered with a demand: servers choose its form by who asks. */
  readonly protectedCallOf: Readonly<Partial<Record<HostProfile, ProtectedCallObservation>>>;
  readonly badToken: BadTokenObservation;
  readonly views: readonly ViewObservation[];
}

/** In the order of asking: the newest first. */
export const eraNames: readonly EraName[] = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "HTTP+SSE"];
