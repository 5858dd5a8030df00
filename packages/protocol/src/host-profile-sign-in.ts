import { fact, type Fact, type HostTable } from "./host-profile.ts";

/** When a server may demand a sign-in: while it is connected, at a call of the model, at a call of a view. */
export type SignInMoment = "connect" | "model" | "view";

/**
 * What a demand looks like to the host.
 *
 * `configured`: whoever set the connector up said so. `declared`: the tool's `securitySchemes`. `http_401`: to a request without a token; `http_401_token`: to
 * one with a token, which is over. `http_403`: `insufficient_scope`. `result`: `_meta["mcp/www_authenticate"]` of an error result. `structured`:
 * `structuredContent.requires_authorization`, which leads to an address.
 */
export type SignInForm = "configured" | "declared" | "http_401" | "http_401_token" | "http_403" | "result" | "structured";

/** What people read of each, as the subject of a sentence. */
export const signInFormNames: Readonly<Record<SignInForm, string>> = {
  configured: "what was configured",
  declared: "what the tool declares",
  http_401: "HTTP 401",
  http_401_token: "HTTP 401 to a token",
  http_403: "HTTP 403",
  result: "a challenge in the result",
  structured: "an address in the result",
};

export type RegistrationWay = "preregistered" | "cimd" | "dcr";

/**
 * What a host asks of a server before it starts a sign-in. `security_schemes`: a demand in a result counts only for a tool that declares its schemes.
 * `described_error`: and only with `error` and `error_description`. `exact_resource`: the metadata names the very address that was connected.
 */
export type SignInNeed = "resource_metadata" | "s256" | "exact_resource" | "security_schemes" | "described_error";

/** How a host signs its user in to a server. */
export interface HostSignIn {
  /** The forms that lead to a sign-in, after which the host makes the call again. */
  readonly opensOn: Readonly<Record<SignInMoment, Fact<readonly SignInForm[]>>>;
  /** What a view gets whose call demands a sign-in that the host does not start: the server's own error, or HTTP 400 with the body `{}`. */
  readonly viewWithout: Fact<"error" | "empty">;
  /** What becomes of a token that is over: it is renewed, the user signs in again, or its calls fail until the user connects anew. */
  readonly expiry: Fact<"renews" | "signs_in_again" | "fails">;
  /** How it becomes a client of an authorization server, in the order of trying. */
  readonly registration: Fact<readonly RegistrationWay[]>;
  /** What the metadata must also say for a Client ID Metadata Document to be used. */
  readonly cimdNeeds: Fact<readonly ("auth_method_none" | "iss")[]>;
  /** Which of the protected resource's `authorization_servers` it uses. */
  readonly issuers: Fact<"first" | "any">;
  readonly needs: Fact<readonly SignInNeed[]>;
  /** Where the user comes back to; `{}` stands for an id. Empty where nobody has told. */
  readonly redirectUris: Fact<readonly string[]>;
}

const unknown = "nothing is known";
const specification = "modelcontextprotocol.io, specification 2025-11-25, authorization";
const openaiAuth = "developers.openai.com/plugins/build/auth";
const openaiBug = "openai-apps-sdk-examples #202";
const claudeAuth = "claude.com/docs/connectors/building/authentication";
const claudeLazy = "claude.com/docs/connectors/building/lazy-authentication";
const copilotApps = "learn.microsoft.com, plugin-mcp-apps";
const everyHttp = ["http_401", "http_401_token", "http_403"] as const;

const unmeasured = {
  viewWithout: fact<"error" | "empty">("assumed", "error", unknown),
  expiry: fact<HostSignIn["expiry"]["value"]>("assumed", "renews", unknown),
  registration: fact<readonly RegistrationWay[]>("assumed", ["dcr"], "nothing is known; the way that asks least of a client"),
  cimdNeeds: fact<HostSignIn["cimdNeeds"]["value"]>("assumed", [], unknown),
  issuers: fact<"first" | "any">("assumed", "first", "nothing is known; the first one is used by every host"),
  needs: fact<readonly SignInNeed[]>("inferred", ["resource_metadata", "s256"], `${specification}: every client must`),
  redirectUris: fact<readonly string[]>("assumed", [], unknown),
} as const;

export const hostSignIns: HostTable<HostSignIn> = {
  countersign: {
    opensOn: {
      connect: fact("own", ["configured", "http_401"], "docs/guides/connectors.md"),
      model: fact("own", ["declared", ...everyHttp, "result", "structured"], "packages/protocol/src/challenge.ts"),
      view: fact("own", ["declared", ...everyHttp, "result", "structured"], "packages/protocol/src/security.ts: the caller makes no difference"),
    },
    viewWithout: fact("own", "error", "packages/host/web/src/bridge/widget-host.ts"),
    expiry: fact("own", "renews", "packages/protocol/src/security.ts"),
    registration: fact("own", ["preregistered", "cimd", "dcr"], "packages/host/src/authorize/registration.ts"),
    cimdNeeds: fact("own", [], "packages/host/src/authorize/registration.ts"),
    issuers: fact("own", "any", "packages/host/src/authorize/discovery.ts"),
    needs: fact(
      "own",
      ["s256", "exact_resource"],
      "packages/host/src/authorize/discovery.ts: without resource metadata, the paths of MCP 2025-03-26",
    ),
    redirectUris: fact("own", [], "one of the host's own for each connector and issuer"),
  },
  chatgpt: {
    opensOn: {
      connect: fact("doc", ["configured", "http_401"], openaiAuth),
      model: fact("doc", ["result", "http_401_token"], `${openaiAuth}; a bare 401 opens nothing: mcp-use #2611`),
      view: fact("issue", [], openaiBug),
    },
    viewWithout: fact("issue", "empty", openaiBug),
    expiry: fact("doc", "renews", `${openaiAuth}; not always: community.openai.com 1367543`),
    registration: fact("doc", ["preregistered", "cimd", "dcr"], openaiAuth),
    cimdNeeds: fact("doc", [], `${openaiAuth}: with iss (RFC 9207) one stable document, else one for each callback`),
    issuers: fact("doc", "any", openaiAuth),
    needs: fact("doc", ["resource_metadata", "s256", "security_schemes", "described_error"], openaiAuth),
    redirectUris: fact(
      "doc",
      ["https://chatgpt.com/connector_platform_oauth_redirect", "https://chatgpt.com/connector/oauth/{}"],
      `${openaiAuth}: the first where the authorization server sends iss`,
    ),
  },
  claude: {
    ...unmeasured,
    opensOn: {
      connect: fact("doc", ["configured", "http_401"], claudeAuth),
      model: fact(
        "doc",
        everyHttp,
        `${claudeLazy}: never on a tool error; 403: metabase #82452; less in the terminal: claude-code #28258, #44652, #68720`,
      ),
      view: fact("assumed", [], "nothing is known of a view's call"),
    },
    expiry: fact("doc", "renews", `${claudeAuth}: and signs in again on invalid_grant`),
    registration: fact("doc", ["preregistered", "cimd", "dcr"], `${claudeAuth}; a client registered beforehand: claude-ai-mcp #325`),
    cimdNeeds: fact("doc", ["auth_method_none"], claudeAuth),
    issuers: fact("doc", "first", claudeAuth),
    needs: fact("doc", ["resource_metadata", "s256", "exact_resource"], claudeAuth),
    redirectUris: fact("doc", ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"], claudeAuth),
  },
  vscode: {
    ...unmeasured,
    opensOn: {
      connect: fact("issue", ["http_401"], "vscode #270383"),
      model: fact("issue", everyHttp, "vscode #270383, #334970: 401 and 403 to any request"),
      view: fact("inferred", everyHttp, "vscode #270383, #334970: 401 and 403 to any request, so to a view's too"),
    },
    expiry: fact("issue", "signs_in_again", "vscode #263990"),
  },
  cursor: {
    ...unmeasured,
    opensOn: {
      connect: fact("issue", ["http_401"], "forum.cursor.com 160328"),
      model: fact("assumed", [], "nothing is known of calls"),
      view: fact("assumed", [], "nothing is known of calls"),
    },
  },
  goose: {
    ...unmeasured,
    opensOn: {
      connect: fact("issue", ["http_401"], "goose #4611"),
      model: fact("issue", [], "goose #7334, #8725: a token that is over does not sign in again"),
      view: fact("inferred", [], "goose #7334, #8725: not at the model's calls either"),
    },
    expiry: fact("issue", "fails", "goose #7334, #8725"),
  },
  copilot: {
    ...unmeasured,
    opensOn: {
      connect: fact("doc", ["configured"], `${copilotApps}: one authorization scheme for the whole server`),
      model: fact("doc", [], `${copilotApps}: one authorization scheme for the whole server`),
      view: fact("doc", [], `${copilotApps}: one authorization scheme for the whole server`),
    },
    registration: fact("assumed", ["preregistered"], "the scheme is configured, so a client is too"),
  },
  generic: {
    ...unmeasured,
    opensOn: {
      connect: fact("doc", ["http_401"], specification),
      model: fact("doc", everyHttp, `${specification}, scope challenge handling`),
      view: fact(
        "assumed",
        [],
        "no specification demands it of a view's call; the guide of MCP Apps only describes it: ext-apps #524, docs/authorization.md",
      ),
    },
    registration: fact("doc", ["preregistered", "cimd", "dcr"], `${specification}, client registration approaches`),
    needs: fact("doc", ["resource_metadata", "s256", "exact_resource"], specification),
  },
};
