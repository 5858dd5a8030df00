import { signInNotesOn } from "./server-notes-sign-in.ts";
import type { ServerObservation } from "./server-observation.ts";
import { type Note, postEras } from "./server-verdict.ts";

/** Says what a server should mend whatever the host is; undefined when it is as it should be, or was not seen. */
type NoteRule = (seen: ServerObservation) => Note | undefined;

const browserHeaders = ["authorization", "content-type", "mcp-protocol-version"] as const;

const rules: readonly NoteRule[] = [
  (seen) =>
    when(seen.loopback, {
      finding: "loopback",
      reason: "The address is one of this machine: hosts that run elsewhere do not reach it.",
      fix: "Give hosts that run at their vendors' a public https address.",
    }),
  (seen) =>
    when(seen.loopback && seen.transport.foreignOrigin === "taken", {
      finding: "foreign_origin",
      reason: "A request from a page of a foreign origin is answered, so any page that the user visits can call the tools (DNS rebinding).",
      fix: "Answer 403 to an Origin that is not yours (MCP 2025-11-25, transports, security warning).",
    }),
  ({ eras, transport }) =>
    when(transport.batch === "taken" && eras["2025-03-26"].seen !== "spoken", {
      finding: "batch_taken",
      reason: "A list of messages is taken, which no revision that the server speaks knows: a guard that reads one message sees none of the others.",
      fix: "Refuse lists with 400.",
    }),
  ({ eras }) =>
    when(eras["HTTP+SSE"].seen === "spoken" && postEras.every((era) => eras[era].seen !== "spoken"), {
      finding: "old_transport_only",
      reason: "The server speaks HTTP+SSE only, which 2025-03-26 replaced.",
      fix: "Serve Streamable HTTP at the same address.",
    }),
  ({ crossOrigin }) =>
    when(crossOrigin.seen === "preflight" && (!crossOrigin.allowsOrigin || browserHeaders.some((name) => !allows(crossOrigin.allowsHeaders, name))), {
      finding: "cors_closed",
      reason: "Clients that run in a page cannot call the server: CORS does not let them send what MCP needs.",
      fix: `Answer OPTIONS with Access-Control-Allow-Origin and the headers ${browserHeaders.join(", ")}, if such clients are to be served.`,
    }),
  ({ crossOrigin }) =>
    when(crossOrigin.seen === "preflight" && crossOrigin.allowsOrigin && !allows(crossOrigin.exposesHeaders, "www-authenticate"), {
      finding: "cors_hides_challenge",
      reason: "Clients that run in a page cannot read the challenge, so they start no sign-in.",
      fix: "Name WWW-Authenticate and Mcp-Session-Id in Access-Control-Expose-Headers.",
    }),
  ({ tools }) =>
    when(tools.seen === "listed" && tools.tools.some(({ declaredAt }) => declaredAt.length === 1), {
      finding: "schemes_in_one_place",
      reason: "Tools declare `securitySchemes` in one place only, and hosts look in different ones.",
      fix: "Declare them at the top level of the tool and again in its `_meta`.",
    }),
  ({ tools }) =>
    when(tools.seen === "listed" && tools.tools.some(({ scheme }) => scheme === "unreadable"), {
      finding: "schemes_unreadable",
      reason: "The `securitySchemes` of a tool cannot be read.",
      fix: 'Make them a list of {"type": "noauth"} and {"type": "oauth2", "scopes": [...]}.',
    }),
  ({ tools }) =>
    when(tools.seen === "listed" && tools.tools.some(({ visibility, visibilityBy }) => visibilityBy === "openai" && !visibility.includes("model")), {
      finding: "visibility_legacy",
      reason: "A tool is kept from the model in the words of window.openai only, so other hosts show it to the model.",
      fix: 'Declare `_meta.ui.visibility` as ["app"] too.',
    }),
  ({ tools }) =>
    when(tools.seen === "listed" && !tools.complete, {
      finding: "too_many_tools",
      reason: "Only the beginning of the list of tools was looked at: it has no end within 10 pages and 500 tools, or a later page failed.",
      fix: "Answer each page, and offer fewer tools: models choose badly among many, and hosts cut such lists.",
    }),
  ({ tools, resourceMetadata }) => {
    const described = resourceMetadata.flatMap((place) =>
      place.seen === "document" && place.judged.scopes !== undefined ? [place.judged.scopes] : [],
    );
    const [listed] = described;
    const wanted = tools.seen === "listed" ? tools.tools.flatMap(({ scopes }) => scopes) : [];
    return when(listed !== undefined && wanted.some((scope) => !listed.includes(scope)), {
      finding: "scope_unlisted",
      reason: "A tool needs a scope that the protected resource metadata do not name, so hosts that ask for all at first do not ask for it.",
      fix: "Name the scopes of all tools in `scopes_supported` (RFC 9728 section 2).",
    });
  },
  ({ authorizationServers }) =>
    when(
      authorizationServers.some(({ documents }) => documents.some((each) => each.seen === "document" && !each.judged.iss)),
      {
        finding: "iss_missing",
        reason: "The authorization server does not say who it is when it sends users back, so a client of several servers can be mixed up.",
        fix: "Send `iss` with each authorization response and say so in the metadata (RFC 9207).",
      },
    ),
];

/** What there is to mend whatever the host, in the order of weight. */
export function notesOn(seen: ServerObservation): readonly Note[] {
  return [...rules.flatMap((rule) => rule(seen) ?? []), ...signInNotesOn(seen)];
}

function when(applies: boolean, note: Note): Note | undefined {
  return applies ? note : undefined;
}

function allows(names: readonly string[], wanted: string): boolean {
  // A star lets every header through but this one (Fetch, CORS-unsafe request-header names).
  return names.includes(wanted) || (names.includes("*") && wanted !== "authorization");
}
