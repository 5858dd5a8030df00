import { describe, expect, it } from "vitest";
import { notesOn } from "../src/server-notes.ts";
import type { ServerObservation } from "../src/server-observation.ts";
import { allEras, asDocument, goodServer, listing, protectedTool, spoken } from "./seen-server.ts";

const refused = { seen: "refused", status: 404 } as const;
const near = { ...goodServer, loopback: true };
const issuerWith = (iss: boolean): ServerObservation["authorizationServers"] => [
  { issuer: "https://id.example", documents: [{ seen: "document", url: "https://id.example/a", judged: { ...asDocument, iss } }] },
];
const { crossOrigin } = goodServer;
if (crossOrigin.seen !== "preflight") throw new TypeError("the good server answers");

const scoped = (scopes: readonly string[]): ServerObservation => ({
  ...goodServer,
  tools: listing([{ ...protectedTool, scopes: ["write"] }]),
  resourceMetadata: [
    { seen: "document", url: "https://shop.example/prm", judged: { resource: goodServer.url, authorizationServers: ["https://id.example"], scopes } },
  ],
});

describe("notes", () => {
  it("are none on a good server", () => {
    expect(notesOn(goodServer)).toEqual([]);
  });

  it.each<readonly [string, readonly string[], ServerObservation]>([
    ["this machine's address", ["loopback"], near],
    ["a foreign page let in there", ["loopback", "foreign_origin"], { ...near, transport: { ...near.transport, foreignOrigin: "taken" } }],
    ["a foreign page let in elsewhere", [], { ...goodServer, transport: { ...near.transport, foreignOrigin: "taken" } }],
    ["lists where the revision has them", [], { ...goodServer, transport: { ...near.transport, batch: "taken" } }],
    [
      "lists where none has",
      ["batch_taken"],
      { ...goodServer, eras: { ...allEras(spoken), "2025-03-26": refused }, transport: { ...near.transport, batch: "taken" } },
    ],
    ["the old transport alone", ["old_transport_only"], { ...goodServer, eras: { ...allEras(refused), "HTTP+SSE": spoken } }],
    ["closed to pages", ["cors_closed"], { ...goodServer, crossOrigin: { ...crossOrigin, allowsOrigin: false } }],
    ["closed to tokens of pages", ["cors_closed"], { ...goodServer, crossOrigin: { ...crossOrigin, allowsHeaders: ["*"] } }],
    ["a challenge that pages cannot read", ["cors_hides_challenge"], { ...goodServer, crossOrigin: { ...crossOrigin, exposesHeaders: [] } }],
    ["an origin that was not asked", [], { ...goodServer, crossOrigin: { seen: "nothing", problem: "timeout" } }],
    ["schemes in one place", ["schemes_in_one_place"], { ...goodServer, tools: listing([{ ...protectedTool, declaredAt: ["meta"] }]) }],
    ["no schemes at all", [], { ...goodServer, tools: listing([{ ...protectedTool, scheme: "undeclared", declaredAt: [] }]) }],
    ["schemes that cannot be read", ["schemes_unreadable"], { ...goodServer, tools: listing([{ ...protectedTool, scheme: "unreadable" }]) }],
    [
      "a tool kept from the model in one host's words",
      ["visibility_legacy"],
      { ...goodServer, tools: listing([{ ...protectedTool, visibility: ["app"], visibilityBy: "openai" }]) },
    ],
    ["a tool for both in one host's words", [], { ...goodServer, tools: listing([{ ...protectedTool, visibilityBy: "openai" }]) }],
    [
      "a list without an end",
      ["too_many_tools"],
      { ...goodServer, tools: { seen: "listed", tools: [], firstPage: 0, complete: false, repeated: [] } },
    ],
    ["a scope that the metadata lack", ["scope_unlisted"], scoped(["read"])],
    ["scopes that the metadata name", [], scoped(["read", "write"])],
    ["an issuer without a name in its answers", ["iss_missing"], { ...goodServer, authorizationServers: issuerWith(false) }],
  ])("tell of %s", (_name, findings, seen) => {
    expect(notesOn(seen).map(({ finding }) => finding)).toEqual(findings);
  });
});
