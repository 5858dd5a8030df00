import { isLoopbackUrl } from "./resource.ts";
import { isAddressRefused } from "./server-rules-registration.ts";
import type { AuthorizationDocument, ResourceDocument, ServerObservation } from "./server-observation.ts";
import { pointersOf } from "./server-pointers.ts";
import type { Note } from "./server-verdict.ts";

/** What a server and its authorization server should mend in what they publish for a sign-in, and for whom a token is good, whatever the host. */
export function signInNotesOn(seen: ServerObservation): readonly Note[] {
  return rules.flatMap((rule) => rule(seen) ?? []);
}

type NoteRule = (seen: ServerObservation) => Note | undefined;

/** Grants that hosts use (MCP 2025-11-25, authorization). */
const grantsUsed = ["authorization_code", "refresh_token"] as const;

const rules: readonly NoteRule[] = [
  (seen) =>
    when(documentsOf(seen).length > 0 && isPointedAstray(seen), {
      finding: "pointer_unusable",
      reason: "A challenge points to protected resource metadata that cannot be used, while others can: hosts that follow the pointer find none.",
      fix: "Let `resource_metadata` of the challenge name the address where the good ones are.",
    }),
  (seen) =>
    when(new Set(usedOf(seen).map(({ resource, authorizationServers }) => JSON.stringify([resource, authorizationServers]))).size > 1, {
      finding: "metadata_disagree",
      reason:
        "The places for protected resource metadata disagree, so hosts ask different servers for a token, or for tokens for different audiences.",
      fix: "Serve the same `resource` and `authorization_servers` at each place.",
    }),
  (seen) => {
    const [first] = documentsOf(seen);
    return when(first !== undefined && first.resource !== seen.url && first.resource !== `${seen.url}/`, {
      finding: "resource_differs",
      reason:
        "The metadata name the resource otherwise than its address is written, and tokens are asked for under that name: hosts that compare letter by letter refuse them, and a token for the whole origin is good for every server there.",
      fix: "Let `resource` be the address of the server, letter for letter (RFC 9728 section 3.3).",
    });
  },
  ({ authorizationServers }) =>
    when(
      issuersOf(authorizationServers).some(({ knowsResource }) => knowsResource === false),
      {
        finding: "resource_unlisted",
        reason: "The authorization server lists the resources that it gives tokens for, and this server is not among them.",
        fix: "Add the server to `protected_resources` there (RFC 9728 section 4), and let the audience of its tokens be its address (RFC 8707).",
      },
    ),
  ({ authorizationServers }) =>
    when(
      issuersOf(authorizationServers).some(({ grants }) => grants !== undefined && grantsUsed.some((grant) => !grants.includes(grant))),
      {
        finding: "grant_unlisted",
        reason:
          "The authorization server's list of grants leaves out one that hosts use: those that go by the list do not ask for it, and without refresh tokens users sign in again whenever one ends.",
        fix: `Name ${grantsUsed.join(" and ")} in \`grant_types_supported\` (RFC 8414 section 2).`,
      },
    ),
  (seen) =>
    when(
      usedOf(seen).some(({ dpopRequired }) => dpopRequired === true),
      {
        finding: "dpop_required",
        reason: "Only tokens that are bound to a key (DPoP) are taken, and of no host but Countersign is it known that it has such.",
        fix: "Take bearer tokens too, and leave `dpop_bound_access_tokens_required` out (RFC 9728 section 2).",
      },
    ),
  ({ registrations = [] }) =>
    when(
      registrations.some((each) => isLoopbackUrl(new URL(each.redirectUri)) && isAddressRefused(each, registrations)),
      {
        finding: "loopback_refused",
        reason: "The authorization server registers no client that comes back to the user's own machine, as editors and command lines do.",
        fix: "Take http redirects to 127.0.0.1, [::1] and localhost, on any port (RFC 8252 section 7.3).",
      },
    ),
  ({ registrations = [] }) =>
    when(
      registrations.some((each) => each.seen === "registered" && each.kept && isPlain(new URL(each.redirectUri))),
      {
        finding: "plain_redirect_taken",
        reason: "The authorization server registers a client that comes back by plain http elsewhere: whoever is on the way reads its codes.",
        fix: "Refuse redirects that are neither https nor of the user's own machine (MCP 2025-11-25, communication security).",
      },
    ),
  ({ registrations = [] }) =>
    when(
      registrations.some((each) => each.seen === "registered" && !each.removed),
      {
        finding: "clients_left",
        reason: "Clients that were registered for the try could not be taken away again.",
        fix: "Delete those named “Countersign doctor” at the authorization server. It could offer RFC 7592, so that clients clear up by themselves.",
      },
    ),
];

function isPlain(url: URL): boolean {
  return url.protocol === "http:" && !isLoopbackUrl(url);
}

function when(applies: boolean, note: Note): Note | undefined {
  return applies ? note : undefined;
}

function documentsOf({ resourceMetadata }: ServerObservation): readonly ResourceDocument[] {
  return resourceMetadata.flatMap((place) => (place.seen === "document" ? [place.judged] : []));
}

/** Those that hosts use: the root of the origin is the last place, and may describe another server where there is a better one. */
function usedOf(seen: ServerObservation): readonly ResourceDocument[] {
  const pointers = pointersOf(seen);
  const usable = seen.resourceMetadata.filter((place) => place.seen === "document");
  const better = usable.filter(({ url }) => pointers.has(url) || !url.endsWith("/.well-known/oauth-protected-resource"));
  return (better.length > 0 ? better : usable).map(({ judged }) => judged);
}

/** What was not seen (a timeout, a redirect) is not held against anybody. */
function isPointedAstray(seen: ServerObservation): boolean {
  const pointers = pointersOf(seen);
  return seen.resourceMetadata.some((place) => pointers.has(place.url) && (place.seen === "refused" || place.seen === "absent"));
}

function issuersOf(servers: ServerObservation["authorizationServers"]): readonly AuthorizationDocument[] {
  return servers.flatMap(({ documents }) => documents.flatMap((each) => (each.seen === "document" ? [each.judged] : [])));
}
