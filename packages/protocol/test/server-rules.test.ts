import { describe, expect, it } from "vitest";
import type { AuthorizationDocument, EraObservation, ServerObservation, ToolObservation, ViewObservation } from "../src/server-observation.ts";
import { type HostFacts, judgeByRules, type LookedAt } from "../src/server-rules.ts";

const host: HostFacts = {
  revisions: ["2025-11-25", "2025-06-18"],
  keepsSession: true,
  toolPages: "all",
  followsRedirects: false,
  signsInAtConnect: true,
  registration: ["preregistered", "cimd", "dcr"],
  cimdNeeds: [],
  issuers: "any",
  redirectUris: [],
  needsExactResource: true,
  triesFixedPaths: false,
  hasOpenai: true,
  ignoredDomains: [],
  enforcesVisibility: true,
};

const spoken: EraObservation = { seen: "spoken", session: false, body: "json", capabilities: [] };
const refused: EraObservation = { seen: "refused", status: 404 };
const challenged: EraObservation = { seen: "challenged", challenge: { status: 401, header: "bearer", scope: [] } };
const silent: EraObservation = { seen: "nothing", problem: "unreachable" };
const moved: EraObservation = { seen: "nothing", problem: "redirected" };
const tool: ToolObservation = {
  name: "orders",
  scheme: "oauth2",
  scopes: [],
  declaredAt: ["top"],
  visibility: ["model"],
  visibilityBy: "default",
  view: "ui://a",
  readOnly: true,
};
const asDocument: AuthorizationDocument = { clientIdMetadata: true, registration: false, iss: true, authMethods: ["none"], deviceGrant: false };
const viewDocument: Extract<ViewObservation, { seen: "document" }> = {
  seen: "document",
  uri: "ui://a",
  mime: "mcp-app",
  bytes: 10,
  csp: "ui",
  frames: false,
  domain: false,
};

function allEras(era: EraObservation): ServerObservation["eras"] {
  return { "2026-07-28": era, "2025-11-25": era, "2025-06-18": era, "2025-03-26": era, "2024-11-05": era, "HTTP+SSE": era };
}

function serverWith(documents: ServerObservation["authorizationServers"][number]["documents"]): ServerObservation["authorizationServers"] {
  return [{ issuer: "https://id.example", documents }];
}

function listing(
  tools: readonly ToolObservation[],
  more: { readonly firstPage?: number; readonly repeated?: readonly string[] } = {},
): ServerObservation["tools"] {
  return { seen: "listed", tools, firstPage: tools.length, complete: true, repeated: [], ...more };
}

const url = "https://id.example/.well-known/oauth-authorization-server";
const good: ServerObservation = {
  url: "https://shop.example/mcp",
  scheme: "https",
  loopback: false,
  eras: allEras(spoken),
  transport: { stream: "refused", batch: "refused", sessionDemanded: undefined, foreignOrigin: "refused" },
  resourceMetadata: [
    {
      seen: "document",
      url: "https://shop.example/prm",
      judged: { resource: "https://shop.example/mcp", authorizationServers: ["https://id.example"] },
    },
  ],
  authorizationServers: serverWith([{ seen: "document", url, judged: asDocument }]),
  crossOrigin: { seen: "preflight", allowsOrigin: true, allowsHeaders: [], exposesHeaders: [] },
  tools: listing([tool]),
  protectedCall: { seen: "http", challenge: { status: 401, header: "bearer", scope: [] } },
  protectedCallOf: {},
  badToken: { seen: "challenged", challenge: { status: 401, header: "bearer", scope: [] } },
  views: [viewDocument],
};

const mismatch = { seen: "refused", url, code: "resource_mismatch" } as const;
const pointingTo = (resourceMetadata: string): ServerObservation["protectedCall"] => ({
  seen: "http",
  challenge: { status: 401, header: "bearer", scope: [], resourceMetadata },
});

type Row = readonly [finding: string, standing: string, seen: Partial<ServerObservation>, facts: Partial<HostFacts>];

function judge(matter: LookedAt, [, , seen, facts]: Row): readonly [string, string] {
  const { finding, standing } = judgeByRules({ ...good, ...seen }, { ...host, ...facts }, matter);
  return [finding, standing];
}

/** Each row's server and host differ in what the row names from the good ones, which work. */
const table: Readonly<Record<LookedAt, readonly Row[]>> = {
  connect: [
    ["redirected", "dead", { eras: allEras(moved) }, {}],
    ["redirected", "unknown", { eras: allEras(moved) }, { followsRedirects: true }],
    ["server_fails", "unknown", { eras: { ...allEras({ seen: "refused", status: 503 }), "HTTP+SSE": refused } }, {}],
    ["not_mcp", "dead", { eras: { ...allEras({ seen: "refused", status: 503 }), "2025-06-18": refused } }, {}],
    ["not_mcp", "dead", { eras: { ...allEras(refused), "HTTP+SSE": moved } }, {}],
    ["partly_unseen", "unknown", { eras: { ...allEras(refused), "2025-11-25": silent } }, {}],
    ["unreachable", "unknown", { eras: allEras(silent) }, {}],
    ["works", "works", { eras: allEras(challenged) }, {}],
    ["sign_in_to_connect", "falls_back", { eras: allEras(challenged) }, { signsInAtConnect: false }],
    ["works", "works", { eras: { ...allEras(challenged), "2025-11-25": spoken } }, { signsInAtConnect: false }],
    ["no_common_revision", "dead", { eras: { ...allEras(refused), "2026-07-28": spoken } }, {}],
    ["works", "works", { eras: { ...allEras(refused), "2026-07-28": spoken } }, { revisions: ["2026-07-28"] }],
    ["works", "works", { eras: { ...allEras(refused), "2025-11-25": { seen: "other_version", version: "2025-06-18" } } }, {}],
    ["other_revision", "unknown", { eras: { ...allEras(refused), "2025-11-25": { seen: "other_version", version: "2024-11-05" } } }, {}],
    ["not_mcp", "dead", { eras: allEras(refused) }, {}],
    ["not_mcp", "dead", { eras: allEras({ seen: "unreadable", status: 200, contentType: "text/html" }) }, {}],
    ["no_common_revision", "dead", { eras: { ...allEras(refused), "HTTP+SSE": spoken } }, {}],
    ["works", "works", { eras: { ...allEras(refused), "HTTP+SSE": spoken } }, { revisions: ["2025-11-25", "2024-11-05"] }],
    ["session_demanded", "dead", { transport: { ...good.transport, sessionDemanded: true } }, { keepsSession: false }],
    ["works", "works", { transport: { ...good.transport, sessionDemanded: true } }, {}],
    ["works", "works", { transport: { ...good.transport, sessionDemanded: false } }, { keepsSession: false }],
    ["works", "works", { transport: { ...good.transport, sessionDemanded: true } }, { keepsSession: false, revisions: ["2026-07-28"] }],
  ],
  list: [
    ["list_unseen", "unknown", { tools: { seen: "nothing", problem: "timeout" } }, {}],
    ["list_behind_sign_in", "unknown", { tools: { seen: "challenged", challenge: { status: 401, header: "none", scope: [] } } }, {}],
    ["list_refused", "dead", { tools: { seen: "refused", status: 500 } }, {}],
    ["names_repeat", "falls_back", { tools: listing([tool, tool], { repeated: ["orders"] }) }, {}],
    ["pages", "falls_back", { tools: listing([tool, tool], { firstPage: 1 }) }, { toolPages: "first" }],
    ["works", "works", { tools: listing([tool, tool], { firstPage: 1 }) }, {}],
    ["visibility_ignored", "falls_back", { tools: listing([tool, { ...tool, visibility: ["app"] }]) }, { enforcesVisibility: false }],
    ["works", "works", { tools: listing([{ ...tool, visibility: ["model", "app"] }]) }, { enforcesVisibility: false }],
    ["works", "works", { tools: listing([{ ...tool, visibility: ["app"] }]) }, {}],
  ],
  sign_in: [
    ["nothing_protected", "moot", { tools: listing([{ ...tool, scheme: "noauth" }]), resourceMetadata: [] }, {}],
    ["works", "works", { tools: listing([{ ...tool, scheme: "either" }]) }, {}],
    ["resource_mismatch", "dead", { resourceMetadata: [{ seen: "refused", url, code: "resource_mismatch" }] }, {}],
    ["resource_mismatch", "unknown", { resourceMetadata: [{ seen: "refused", url, code: "resource_mismatch" }] }, { needsExactResource: false }],
    ["no_resource_metadata", "dead", { resourceMetadata: [{ seen: "absent", url, status: 404 }] }, {}],
    ["no_resource_metadata", "unknown", { resourceMetadata: [{ seen: "absent", url, status: 404 }] }, { triesFixedPaths: true }],
    [
      "no_resource_metadata",
      "dead",
      { resourceMetadata: [{ seen: "absent", url, status: 404 }], protectedCall: pointingTo(url) },
      { triesFixedPaths: true },
    ],
    ["no_resource_metadata", "dead", { resourceMetadata: [{ seen: "refused", url, code: "invalid_metadata" }] }, { triesFixedPaths: true }],
    ["resource_mismatch", "dead", { resourceMetadata: [mismatch, ...good.resourceMetadata], protectedCall: pointingTo(url) }, {}],
    ["works", "works", { resourceMetadata: [mismatch, ...good.resourceMetadata] }, {}],
    ["works", "works", { resourceMetadata: [{ seen: "absent", url, status: 404 }, ...good.resourceMetadata], protectedCall: pointingTo(url) }, {}],
    ["no_server_metadata", "dead", { authorizationServers: serverWith([{ seen: "absent", url, status: 404 }]) }, {}],
    ["metadata_unseen", "unknown", { resourceMetadata: [{ seen: "nothing", url, problem: "timeout" }] }, {}],
    ["metadata_redirected", "dead", { resourceMetadata: [{ seen: "nothing", url, problem: "redirected" }] }, {}],
    ["metadata_redirected", "unknown", { resourceMetadata: [{ seen: "nothing", url, problem: "redirected" }] }, { followsRedirects: true }],
    ["metadata_redirected", "dead", { authorizationServers: serverWith([{ seen: "nothing", url, problem: "redirected" }]) }, {}],
    ["nothing_protected", "moot", { tools: listing([{ ...tool, scheme: "undeclared" }]), resourceMetadata: [] }, {}],
    ["works", "works", { tools: listing([{ ...tool, scheme: "undeclared" }]) }, {}],
    ["registered_by_hand", "falls_back", { resourceMetadata: [] }, { registration: ["preregistered"] }],
    ["server_unseen", "unknown", { authorizationServers: serverWith([{ seen: "nothing", url, problem: "unreachable" }]) }, {}],
    ["no_server_metadata", "dead", { authorizationServers: [] }, {}],
    ["pkce_unsupported", "dead", { authorizationServers: serverWith([{ seen: "refused", url, code: "pkce_unsupported" }]) }, {}],
    ["issuer_mismatch", "dead", { authorizationServers: serverWith([{ seen: "refused", url, code: "issuer_mismatch" }]) }, {}],
    ["works", "works", { authorizationServers: [...serverWith([]), ...good.authorizationServers] }, {}],
    ["no_server_metadata", "dead", { authorizationServers: [...serverWith([]), ...good.authorizationServers] }, { issuers: "first" }],
    ["registered_by_hand", "falls_back", {}, { registration: ["preregistered"] }],
    [
      "registration",
      "falls_back",
      { authorizationServers: serverWith([{ seen: "document", url, judged: { ...asDocument, clientIdMetadata: false } }]) },
      { registration: ["preregistered", "cimd"] },
    ],
    ["registration", "dead", {}, { registration: ["dcr"] }],
    [
      "works",
      "works",
      { authorizationServers: serverWith([{ seen: "document", url, judged: { ...asDocument, registration: true } }]) },
      { registration: ["dcr"] },
    ],
    [
      "registration",
      "dead",
      { authorizationServers: serverWith([{ seen: "document", url, judged: { ...asDocument, authMethods: [] } }]) },
      { registration: ["cimd"], cimdNeeds: ["auth_method_none"] },
    ],
    [
      "registration",
      "dead",
      { authorizationServers: serverWith([{ seen: "document", url, judged: { ...asDocument, iss: false } }]) },
      { registration: ["cimd"], cimdNeeds: ["iss"] },
    ],
    ["works", "works", {}, { registration: ["cimd"], cimdNeeds: ["auth_method_none", "iss"] }],
    ["bad_token_taken", "falls_back", { badToken: { seen: "taken" } }, {}],
    ["works", "works", { badToken: { seen: "unasked" } }, {}],
  ],
  view: [
    ["list_behind_sign_in", "unknown", { tools: { seen: "challenged", challenge: { status: 401, header: "none", scope: [] } }, views: [] }, {}],
    ["list_unseen", "unknown", { tools: { seen: "refused", status: 500 }, views: [] }, {}],
    ["no_views", "moot", { tools: listing([]), views: [] }, {}],
    ["view_missing", "dead", { views: [{ seen: "refused", uri: "ui://a", status: 404 }] }, {}],
    ["view_type", "dead", { views: [{ ...viewDocument, mime: "other" }] }, {}],
    ["view_type_legacy", "dead", { views: [{ ...viewDocument, mime: "skybridge" }] }, { hasOpenai: false }],
    ["works", "works", { views: [{ ...viewDocument, mime: "skybridge" }] }, {}],
    ["view_policy", "unknown", { views: [{ ...viewDocument, csp: "refused" }] }, {}],
    ["view_policy_legacy", "falls_back", { views: [{ ...viewDocument, csp: "openai" }] }, { hasOpenai: false }],
    ["works", "works", { views: [{ ...viewDocument, csp: "openai" }] }, {}],
    ["view_frames", "falls_back", { views: [{ ...viewDocument, frames: true }] }, { ignoredDomains: ["frameDomains"] }],
    ["works", "works", { views: [{ ...viewDocument, frames: true }] }, {}],
    ["view_unseen", "unknown", { views: [{ seen: "nothing", uri: "ui://a", problem: "timeout" }] }, {}],
  ],
};

describe.each(["connect", "list", "sign_in", "view"] as const)("the rules of %s", (matter) => {
  it("find nothing against a good server", () => {
    expect(judgeByRules(good, host, matter).standing).toBe("works");
  });

  it.each(table[matter].map((row, index) => [index, row[0], row[1], row] as const))("row %i: %s is %s", (_index, finding, standing, row) => {
    expect(judge(matter, row)).toEqual([finding, standing]);
  });

  it("tell a fix for whatever is dead or falls back", () => {
    const verdicts = table[matter].map(([, , seen, facts]) => judgeByRules({ ...good, ...seen }, { ...host, ...facts }, matter));
    const bad = verdicts.filter(({ standing }) => standing === "dead" || standing === "falls_back");
    expect(bad.length).toBeGreaterThan(0);
    expect(bad.filter(({ fix }) => fix === undefined)).toEqual([]);
  });
});
