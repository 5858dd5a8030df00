import type { AuthorizationDocument, DocumentObservation, EraName, NoAnswer, ServerObservation } from "./server-observation.ts";
import { pointersOf } from "./server-pointers.ts";
import { judgeRegistrations } from "./server-rules-registration.ts";
import { failureOf, type Matter, postEras, type Verdict } from "./server-verdict.ts";

/** What the rules below need of a host's row, without the sources. */
export interface HostFacts {
  /** MCP revisions that it speaks, the newest first. */
  readonly revisions: readonly string[];
  /** Whether it sends the session id back that a server gave. */
  readonly keepsSession: boolean;
  readonly toolPages: "all" | "first";
  readonly followsRedirects: boolean;
  /** Whether a 401 while connecting starts a sign-in. */
  readonly signsInAtConnect: boolean;
  readonly registration: readonly ("preregistered" | "cimd" | "dcr")[];
  readonly cimdNeeds: readonly ("auth_method_none" | "iss")[];
  readonly issuers: "first" | "any";
  /** Where its users come back to, `{}` for an id; empty where nobody has told. */
  readonly redirectUris: readonly string[];
  /** Whether it takes protected resource metadata only when they name the server exactly. */
  readonly needsExactResource: boolean;
  /** Whether it goes without protected resource metadata, by the fixed paths of MCP 2025-03-26. */
  readonly triesFixedPaths: boolean;
  readonly hasOpenai: boolean;
  /** Lists of a view's policy that have no effect. */
  readonly ignoredDomains: readonly string[];
  /** Whether tools for views only are kept from the model. */
  readonly enforcesVisibility: boolean;
}

/** A verdict with the fact about the host that decided it, where one did. */
export interface RuleVerdict extends Verdict {
  readonly rests?: keyof HostFacts;
}

/** A rule speaks when it applies; the first that does decides. */
type Rule = (seen: ServerObservation, host: HostFacts) => RuleVerdict | undefined;

/** The matters that need nothing but a look: whether calls come through is a question of challenges. */
export type LookedAt = Extract<Matter, "connect" | "list" | "sign_in" | "view">;

/** Judges a matter by its rules. */
export function judgeByRules(seen: ServerObservation, host: HostFacts, matter: LookedAt): RuleVerdict {
  for (const rule of rules[matter]) {
    const verdict = rule(seen, host);
    if (verdict !== undefined) return verdict;
  }
  return { standing: "works", finding: "works", reason: "Nothing stands against it." };
}

function dead(finding: string, reason: string, fix: string, rests?: keyof HostFacts): RuleVerdict {
  return { standing: "dead", finding, reason, fix, ...(rests === undefined ? {} : { rests }) };
}

function fallsBack(finding: string, reason: string, fix: string, rests?: keyof HostFacts): RuleVerdict {
  return { standing: "falls_back", finding, reason, fix, ...(rests === undefined ? {} : { rests }) };
}

function unknown(finding: string, reason: string): Verdict {
  return { standing: "unknown", finding, reason };
}

function moot(finding: string, reason: string): Verdict {
  return { standing: "moot", finding, reason };
}

const newestEra = "2026-07-28";
/** The revision that began with HTTP+SSE. */
const oldestEra = "2024-11-05";

const silences: Readonly<Record<NoAnswer, string>> = {
  unsafe_address:
    "The address is not called from here: plain http and private networks are for servers on this machine, and only where that is allowed.",
  unreachable: "Nothing answers at the address.",
  timeout: "Nothing answered at the address in time.",
  redirected: "The address redirects.",
  too_large: "What answers at the address sends more than is read.",
  aborted: "The examination was stopped.",
  over_budget: "The address was not asked.",
  not_spoken: "The address was not asked.",
};

const connectRules: readonly Rule[] = [
  ({ eras }, { followsRedirects }) => {
    if (!Object.values(eras).every((era) => era.seen === "nothing" && era.problem === "redirected")) return undefined;
    const fix = "Give out the address that it leads to.";
    return followsRedirects
      ? { ...unknown("redirected", "The address redirects, and what is there was not looked at."), fix }
      : dead("redirected", "The address redirects, and this host does not follow.", fix, "followsRedirects");
  },
  ({ eras }) => {
    const problems = Object.values(eras).flatMap((era) => (era.seen === "nothing" ? [era.problem] : []));
    const [first] = problems;
    return first !== undefined && problems.length === Object.values(eras).length ? unknown("unreachable", silences[first]) : undefined;
  },
  ({ eras }) => {
    if (Object.values(eras).some((era) => era.seen === "spoken" || era.seen === "other_version" || era.seen === "challenged")) return undefined;
    // Whatever becomes of the GET of the first transport: that it is redirected or hangs is common where no MCP is spoken.
    const posted = postEras.map((era) => eras[era]);
    const failed = posted.map(failureOf);
    if (failed.every((status) => status !== undefined)) {
      return unknown("server_fails", `The server answers with an error of its own (HTTP ${failed[0]}), so nothing could be seen.`);
    }
    if (posted.some((era) => era.seen === "nothing")) return unknown("partly_unseen", "Some questions got no answer, and no answer spoke MCP.");
    return dead("not_mcp", "What answers at the address does not speak MCP.", "Give the address of the MCP endpoint itself; it often ends in /mcp.");
  },
  (seen, host) => {
    const needsSignIn = Object.values(seen.eras).some((era) => era.seen === "challenged") && spokenEra(seen, host) === undefined;
    if (!needsSignIn || host.signsInAtConnect) return undefined;
    return fallsBack(
      "sign_in_to_connect",
      "The server answers nobody without sign-in, and this host signs in while connecting only when it was configured to.",
      "Say in your documentation how its users configure the sign-in, which this host has for the whole server or not at all.",
      "signsInAtConnect",
    );
  },
  (seen, host) => {
    const isChallenged = Object.values(seen.eras).some((era) => era.seen === "challenged");
    if (isChallenged || spokenEra(seen, host) !== undefined) return undefined;
    const answersOther = host.revisions.some((revision) => isEra(revision, seen.eras) && seen.eras[revision].seen === "other_version");
    if (answersOther) {
      return unknown("other_revision", "The server answers with another revision than this host asks for; nobody has told whether it goes on.");
    }
    return dead(
      "no_common_revision",
      "The server speaks no revision that this host speaks.",
      `Answer ${host.revisions[0] ?? "a revision"} too.`,
      "revisions",
    );
  },
  (seen, host) => {
    if (host.keepsSession || seen.transport.sessionDemanded !== true || spokenEra(seen, host) === newestEra) return undefined;
    return dead(
      "session_demanded",
      "The server demands the session id that this host does not send back.",
      "Keep no state in Mcp-Session-Id.",
      "keepsSession",
    );
  },
];

const listRules: readonly Rule[] = [
  ({ tools }) => (tools.seen === "nothing" ? unknown("list_unseen", "The tools could not be listed.") : undefined),
  ({ tools }) => (tools.seen === "challenged" ? unknown("list_behind_sign_in", "The tools are shown only after sign-in.") : undefined),
  ({ tools }) => (tools.seen === "refused" ? dead("list_refused", "tools/list is answered with an error.", "Answer tools/list.") : undefined),
  ({ tools }) => {
    const repeats = tools.seen === "listed" && tools.repeated.length > 0;
    return repeats
      ? fallsBack("names_repeat", "Two tools have one name, and a host offers one of them.", "Give each tool a name of its own.")
      : undefined;
  },
  ({ tools }, host) => {
    const cut = tools.seen === "listed" && host.toolPages === "first" && tools.firstPage < tools.tools.length;
    return cut ? fallsBack("pages", "This host reads the first page of tools only.", "List all tools on one page.", "toolPages") : undefined;
  },
  ({ tools }, host) => {
    const shown = !host.enforcesVisibility && tools.seen === "listed" && tools.tools.some(({ visibility }) => isForViews(visibility));
    const reason = "This host shows the model the tools that are for views only.";
    const fix = "Let each such tool be one that the model may call: judge the caller by its token, never by who sees the tool.";
    return shown ? fallsBack("visibility_ignored", reason, fix, "enforcesVisibility") : undefined;
  },
];

const signInRules: readonly Rule[] = [
  (seen) => (hasProtected(seen) ? undefined : moot("nothing_protected", "Nothing demands sign-in.")),
  (_seen, { registration }) =>
    // What is entered by hand is not looked up.
    registration.every((way) => way === "preregistered")
      ? fallsBack(
          "registered_by_hand",
          "This host does not become a client of an authorization server by itself: somebody registers it there.",
          "Say in your documentation how the host is registered and where its client id goes.",
          "registration",
        )
      : undefined,
  (seen, host) => {
    const places = placesFollowed(seen);
    const described = places.some((each) => each.seen === "document");
    const other = places.some((each) => each.seen === "refused" && each.code === "resource_mismatch");
    if (described || !other) return undefined;
    const reason = "The protected resource metadata name another resource than the address.";
    if (!host.needsExactResource) return unknown("resource_mismatch", reason);
    return dead(
      "resource_mismatch",
      reason,
      "Let `resource` be the address of the server, letter for letter (RFC 9728 section 3.3).",
      "needsExactResource",
    );
  },
  (seen, { followsRedirects, triesFixedPaths }) => {
    const { resourceMetadata } = seen;
    if (resourceMetadata.some((each) => each.seen === "document")) return undefined;
    if (resourceMetadata.some(isMoved)) return movedMetadata(followsRedirects);
    if (resourceMetadata.some(isUnseen)) return unknown("metadata_unseen", "The protected resource metadata could not be read.");
    const fix = "Publish protected resource metadata with `authorization_servers` (RFC 9728).";
    if (triesFixedPaths && pointersOf(seen).size === 0 && resourceMetadata.every((each) => each.seen === "absent")) {
      const reason = "There are no protected resource metadata. This host then tries the fixed paths of MCP 2025-03-26, which were not looked at.";
      return { ...unknown("no_resource_metadata", reason), fix };
    }
    return dead("no_resource_metadata", "There are no usable protected resource metadata.", fix);
  },
  (seen, host) => {
    const documents = documentsFor(seen, host);
    if (documents.some((each) => each.seen === "document")) return undefined;
    const refused = documents.find((each) => each.seen === "refused");
    if (refused === undefined && documents.some(isMoved)) return movedMetadata(host.followsRedirects);
    if (refused === undefined && documents.some(isUnseen)) {
      return unknown("server_unseen", "The authorization server's metadata could not be read.");
    }
    if (refused === undefined)
      return dead("no_server_metadata", "The authorization server has no metadata.", "Publish them at the place of RFC 8414.");
    return dead(refused.code, serverReasons[refused.code] ?? "The authorization server's metadata cannot be used.", serverFix);
  },
  (seen, host) => {
    if (documentsFor(seen, host).some((each) => each.seen === "document" && canRegister(each.judged, host))) return undefined;
    const fix = "Support Client ID Metadata Documents with the auth method none, or dynamic registration.";
    const reason = "This host cannot become a client of the authorization server by itself.";
    return host.registration.includes("preregistered")
      ? fallsBack("registration", `${reason} Somebody has to register it.`, fix, "registration")
      : dead("registration", reason, fix, "registration");
  },
  (seen, host) => {
    const byDocument = documentsFor(seen, host).some((each) => each.seen === "document" && isKnownByDocument(each.judged, host));
    return byDocument ? undefined : judgeRegistrations(seen.registrations ?? [], host);
  },
  ({ badToken }) => {
    if (badToken.seen !== "taken") return undefined;
    const fix = 'Verify each token, and answer a bad one with 401 and error="invalid_token" (RFC 6750 section 3.1).';
    return fallsBack("bad_token_taken", "A protected tool ran with a token that nobody gave out, so whoever makes one up is let in.", fix);
  },
];

function movedMetadata(followsRedirects: boolean): RuleVerdict {
  const fix = "Serve the metadata at its own place, without a redirect.";
  return followsRedirects
    ? { ...unknown("metadata_redirected", "The metadata is redirected, and what is there was not looked at."), fix }
    : dead("metadata_redirected", "The metadata is redirected, and this host does not follow.", fix, "followsRedirects");
}

const serverFix = "Mend the metadata of the authorization server (RFC 8414 section 2).";

const serverReasons: Readonly<Record<string, string>> = {
  issuer_mismatch: "The authorization server's metadata name another issuer than the one that was asked.",
  pkce_unsupported: "The authorization server does not say that it knows PKCE with S256.",
  unsafe_url: "The authorization server names an endpoint that is not https.",
};

const viewRules: readonly Rule[] = [
  ({ tools }) => (tools.seen === "challenged" ? unknown("list_behind_sign_in", "The tools are shown only after sign-in.") : undefined),
  ({ tools }) => (tools.seen === "listed" ? undefined : unknown("list_unseen", "The tools could not be listed.")),
  ({ tools }) => {
    const hasViews = tools.seen === "listed" && tools.tools.some(({ view }) => view !== undefined);
    return hasViews ? undefined : moot("no_views", "No tool names a view.");
  },
  ({ views }) => {
    const missing = views.some((view) => view.seen === "refused");
    return missing ? dead("view_missing", "A view that a tool names cannot be read.", "Answer resources/read for it without sign-in.") : undefined;
  },
  ({ views }) => {
    const other = views.some((view) => view.seen === "document" && view.mime === "other");
    return other ? dead("view_type", "A view has a type that hosts do not show.", "Serve it as text/html;profile=mcp-app.") : undefined;
  },
  ({ views }, host) => {
    const legacy = views.some((view) => view.seen === "document" && view.mime === "skybridge");
    if (!legacy || host.hasOpenai) return undefined;
    return dead(
      "view_type_legacy",
      "A view has a type that only hosts with window.openai show.",
      "Serve it as text/html;profile=mcp-app.",
      "hasOpenai",
    );
  },
  ({ views }) => {
    const refused = views.some((view) => view.seen === "document" && view.csp === "refused");
    return refused ? unknown("view_policy", "A view declares a domain or permission that not every host takes.") : undefined;
  },
  ({ views }, host) => {
    const legacy = views.some((view) => view.seen === "document" && view.csp === "openai");
    if (!legacy || host.hasOpenai) return undefined;
    return fallsBack(
      "view_policy_legacy",
      "A view declares its domains in openai/widgetCSP only, so this host lets it reach none.",
      "Declare them in _meta.ui.csp.",
      "hasOpenai",
    );
  },
  ({ views }, host) => {
    const framed = views.some((view) => view.seen === "document" && view.frames);
    if (!framed || !host.ignoredDomains.includes("frameDomains")) return undefined;
    return fallsBack(
      "view_frames",
      "A view wants frames of other sites, which this host does not show.",
      "Let the view do without frames.",
      "ignoredDomains",
    );
  },
  ({ views }) => (views.some((view) => view.seen === "nothing") ? unknown("view_unseen", "A view could not be read.") : undefined),
];

const rules: Readonly<Record<LookedAt, readonly Rule[]>> = { connect: connectRules, list: listRules, sign_in: signInRules, view: viewRules };

/** The newest revision that both speak: the server knows it, or answers another one that the host knows too. */
function spokenEra({ eras }: ServerObservation, { revisions }: HostFacts): string | undefined {
  return revisions.find((revision) => {
    if (!isEra(revision, eras)) return false;
    const era = eras[revision];
    if (revision === oldestEra && eras["HTTP+SSE"].seen === "spoken") return true;
    return era.seen === "spoken" || (era.seen === "other_version" && revision !== newestEra && revisions.includes(era.version));
  });
}

function isEra(revision: string, eras: ServerObservation["eras"]): revision is EraName {
  return Object.hasOwn(eras, revision);
}

/**
 * No tool says that it needs sign-in and some say nothing at all, while the server knows tokens: nothing was called, so whether calls demand one was not seen.
 * `described`: it publishes what a sign-in needs, too.
 */
export function undeclaredDemand({ tools, resourceMetadata, badToken }: ServerObservation): "described" | "possible" | undefined {
  if (tools.seen !== "listed" || tools.tools.some(({ scheme }) => scheme === "oauth2" || scheme === "either")) return undefined;
  if (!tools.tools.some(({ scheme }) => scheme === "undeclared")) return undefined;
  if (resourceMetadata.some((each) => each.seen === "document")) return "described";
  return badToken.seen === "challenged" ? "possible" : undefined;
}

function hasProtected(seen: ServerObservation): boolean {
  const { eras, tools } = seen;
  const isChallenged = tools.seen === "challenged" || Object.values(eras).some((era) => era.seen === "challenged");
  return (
    isChallenged ||
    undeclaredDemand(seen) === "described" ||
    (tools.seen === "listed" && tools.tools.some(({ scheme }) => scheme === "oauth2" || scheme === "either"))
  );
}

function isForViews(visibility: readonly ("model" | "app")[]): boolean {
  return visibility.includes("app") && !visibility.includes("model");
}

/** Where a host reads: what a challenge points to, where something is there, before the well-known places. */
function placesFollowed(seen: ServerObservation): ServerObservation["resourceMetadata"] {
  const pointers = pointersOf(seen);
  const pointed = seen.resourceMetadata.filter((place) => pointers.has(place.url) && (place.seen === "document" || place.seen === "refused"));
  return pointed.length > 0 ? pointed : seen.resourceMetadata;
}

function isMoved(place: DocumentObservation<unknown>): boolean {
  return place.seen === "nothing" && place.problem === "redirected";
}

function isUnseen(place: DocumentObservation<unknown>): boolean {
  return place.seen === "nothing";
}

/** What is known of the authorization servers that the host would use. */
function documentsFor({ authorizationServers }: ServerObservation, { issuers }: HostFacts): readonly DocumentObservation<AuthorizationDocument>[] {
  const used = issuers === "first" ? authorizationServers.slice(0, 1) : authorizationServers;
  return used.flatMap(({ documents }) => documents);
}

function canRegister(server: AuthorizationDocument, host: HostFacts): boolean {
  return isKnownByDocument(server, host) || (host.registration.includes("dcr") && server.registration);
}

/** By a Client ID Metadata Document, which is tried before a registration. */
function isKnownByDocument(server: AuthorizationDocument, { registration, cimdNeeds }: HostFacts): boolean {
  const lacksMethod = cimdNeeds.includes("auth_method_none") && !server.authMethods.includes("none");
  const lacksIss = cimdNeeds.includes("iss") && !server.iss;
  return registration.includes("cimd") && server.clientIdMetadata && !lacksMethod && !lacksIss;
}
