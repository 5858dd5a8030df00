import { describe, expect, it } from "vitest";
import { signInNotesOn } from "../src/server-notes-sign-in.ts";
import type { AuthorizationDocument, DocumentObservation, ResourceDocument, ServerObservation } from "../src/server-observation.ts";
import { allEras, asDocument, goodServer } from "./seen-server.ts";

const place = "https://shop.example/.well-known/oauth-protected-resource/mcp";
const root = "https://shop.example/.well-known/oauth-protected-resource";
const elsewhere = "https://shop.example/prm";
const good: ResourceDocument = { resource: goodServer.url, authorizationServers: ["https://id.example"] };

const at = (url: string, more: Partial<ResourceDocument> = {}): DocumentObservation<ResourceDocument> => ({
  seen: "document",
  url,
  judged: { ...good, ...more },
});
const wrong = (url: string): DocumentObservation<ResourceDocument> => ({ seen: "refused", url, code: "resource_mismatch" });
const pointing = { status: 401, header: "bearer", scope: [], resourceMetadata: elsewhere } as const;
const pointed: Partial<ServerObservation> = { protectedCall: { seen: "http", challenge: pointing } };
const described = (...resourceMetadata: ServerObservation["resourceMetadata"]): ServerObservation => ({ ...goodServer, resourceMetadata });
const issuedBy = (more: Partial<AuthorizationDocument>): ServerObservation => ({
  ...goodServer,
  authorizationServers: [
    { issuer: "https://id.example", documents: [{ seen: "document", url: "https://id.example/a", judged: { ...asDocument, ...more } }] },
  ],
});

const web = "https://chat.example/redirect";
const near = "http://127.0.0.1:1/callback";
const taken = (redirectUri: string) => ({ redirectUri, seen: "registered", kept: true, removed: true }) as const;
const refused = (redirectUri: string) => ({ redirectUri, seen: "refused", status: 400 }) as const;

describe("notes on what is published for a sign-in", () => {
  it.each<readonly [string, readonly string[], ServerObservation]>([
    ["nothing where all is well", [], described(at(place), { seen: "absent", url: root, status: 404 })],
    ["a pointer to nothing", ["pointer_unusable"], { ...described({ seen: "absent", url: elsewhere, status: 404 }, at(place)), ...pointed }],
    ["a pointer to metadata of another", ["pointer_unusable"], { ...described(wrong(elsewhere), at(place)), ...pointed }],
    [
      "a pointer at the door to nothing",
      ["pointer_unusable"],
      { ...described(wrong(elsewhere), at(place)), eras: allEras({ seen: "challenged", challenge: pointing }) },
    ],
    ["a pointer to what was not seen", [], { ...described({ seen: "nothing", url: elsewhere, problem: "timeout" }, at(place)), ...pointed }],
    ["a pointer where no metadata are good: the matrix says so", [], { ...described(wrong(elsewhere)), ...pointed }],
    ["other metadata where nobody points", [], described(at(place), wrong(root))],
    [
      "two places with two issuers",
      ["metadata_disagree"],
      { ...described(at(elsewhere, { authorizationServers: ["https://b.example"] }), at(place)), ...pointed },
    ],
    ["a root that describes another", [], described(at(place), at(root, { resource: "https://shop.example" }))],
    [
      "a root that a challenge points to",
      ["metadata_disagree", "resource_differs"],
      {
        ...described(at(root, { resource: "https://shop.example" }), at(place)),
        protectedCall: { seen: "http", challenge: { ...pointing, resourceMetadata: root } },
      },
    ],
    ["a whole origin", ["resource_differs"], described(at(root, { resource: "https://shop.example" }))],
    ["another spelling", ["resource_differs"], described(at(place, { resource: "https://SHOP.example/mcp" }))],
    ["a slash that means nothing", [], { ...described(at(root, { resource: "https://shop.example/" })), url: "https://shop.example" }],
    ["a list of resources without it", ["resource_unlisted"], issuedBy({ knowsResource: false })],
    ["a list of resources with it", [], issuedBy({ knowsResource: true })],
    ["no refresh tokens", ["grant_unlisted"], issuedBy({ grants: ["authorization_code"] })],
    ["no codes", ["grant_unlisted"], issuedBy({ grants: ["refresh_token", "client_credentials"] })],
    ["both grants", [], issuedBy({ grants: ["refresh_token", "authorization_code"] })],
    ["this machine refused", ["loopback_refused"], { ...goodServer, registrations: [taken(web), refused(near)] }],
    ["this machine refused among all", [], { ...goodServer, registrations: [refused(web), refused(near)] }],
    ["plain http taken", ["plain_redirect_taken"], { ...goodServer, registrations: [taken(near), taken("http://doctor.example/callback")] }],
    ["clients that stay", ["clients_left"], { ...goodServer, registrations: [taken(web), { ...taken(web), removed: false }] }],
    ["tokens bound to a key", ["dpop_required"], described(at(place, { dpopRequired: true }))],
  ])("tell of %s", (_name, findings, seen) => {
    expect(signInNotesOn(seen).map(({ finding }) => finding)).toEqual(findings);
  });
});
