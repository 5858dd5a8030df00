import { createHash } from "node:crypto";
import type { TestClock } from "./clock.ts";
import { createTestIssuer, type TestIssuer } from "./issuer.ts";

interface TestGrant {
  readonly scope: string;
  readonly challenge: string;
  state: "pending" | "approved" | "denied" | "redeemed";
  subject: string;
  /** What the access token says beside the usual. */
  claims: Record<string, unknown>;
}

/** An issuer with the device grant (RFC 8628), and a user who decides when told to. */
export interface DeviceIssuer extends TestIssuer {
  /** By device code. */
  readonly grants: Map<string, TestGrant>;
  /** Bodies of token requests, in order. */
  readonly tokenRequests: URLSearchParams[];
  /** When each poll came. */
  readonly polledAt: number[];
  readonly revoked: string[];
  /** Refresh tokens that work, with user and scope. */
  readonly refresh: Map<string, { readonly subject: string; readonly scope: string }>;
  /** What a poll is answered instead, once each. */
  readonly answers: string[];
  readonly authorizations: (string | null)[];
  /** Who asked for a device code, by their own word. */
  readonly agents: (string | null)[];
  /** Runs before a token request is answered. */
  beforeToken: () => Promise<void>;
  approve(subject?: string, claims?: Record<string, unknown>): void;
  deny(): void;
}

export async function createDeviceIssuer(clock: TestClock): Promise<DeviceIssuer> {
  const issuer = await createTestIssuer(clock);
  const latest = (): TestGrant => {
    const grant = [...made.grants.values()].at(-1);
    if (grant === undefined) throw new TypeError("nobody asked");
    return grant;
  };
  const made: DeviceIssuer = Object.assign(issuer, {
    grants: new Map<string, TestGrant>(),
    tokenRequests: [],
    polledAt: [],
    revoked: [],
    refresh: new Map<string, { readonly subject: string; readonly scope: string }>(),
    answers: [],
    authorizations: [],
    agents: [],
    beforeToken: async () => undefined,
    approve(subject = "usr_1", claims: Record<string, unknown> = {}) {
      Object.assign(latest(), { state: "approved", subject, claims });
    },
    deny() {
      latest().state = "denied";
    },
  });
  Object.assign(issuer.metadata, {
    device_authorization_endpoint: `${issuer.issuer}/device_authorization`,
    revocation_endpoint: `${issuer.issuer}/revoke`,
    token_endpoint_auth_methods_supported: ["none", "client_secret_basic"],
  });
  issuer.handlers.set("/device_authorization", async (request) => {
    const body = new URLSearchParams(await request.text());
    made.authorizations.push(request.headers.get("authorization"));
    made.agents.push(request.headers.get("user-agent"));
    if (body.get("resource") !== "https://store.test/mcp" || body.get("client_id") !== "store")
      return Response.json({ error: "invalid_target" }, { status: 400 });
    const code = `device-code-${made.grants.size + 1}`;
    made.grants.set(code, { scope: body.get("scope") ?? "", challenge: body.get("code_challenge") ?? "", state: "pending", subject: "", claims: {} });
    return Response.json({
      device_code: code,
      user_code: "WDJB-MJHT",
      verification_uri: `${issuer.issuer}/device`,
      verification_uri_complete: `${issuer.issuer}/device?user_code=WDJB-MJHT`,
      expires_in: 600,
      interval: 5,
    });
  });
  issuer.handlers.set("/token", async (request) => {
    const body = new URLSearchParams(await request.text());
    made.tokenRequests.push(body);
    await made.beforeToken();
    return body.get("grant_type") === "refresh_token" ? renew(made, body) : redeem(made, clock, body);
  });
  issuer.handlers.set("/revoke", async (request) => {
    const token = new URLSearchParams(await request.text()).get("token") ?? "";
    made.revoked.push(token);
    made.refresh.delete(token);
    return new Response(null);
  });
  return made;
}

function refuse(error: string): Response {
  return Response.json({ error }, { status: 400 });
}

async function redeem(made: DeviceIssuer, clock: TestClock, body: URLSearchParams): Promise<Response> {
  made.polledAt.push(clock.now());
  const told = made.answers.shift();
  if (told !== undefined) return refuse(told);
  const grant = made.grants.get(body.get("device_code") ?? "");
  const proved = createHash("sha256")
    .update(body.get("code_verifier") ?? "")
    .digest("base64url");
  if (grant === undefined || grant.state === "redeemed" || proved !== grant.challenge) return refuse("invalid_grant");
  if (grant.state === "pending") return refuse("authorization_pending");
  if (grant.state === "denied") return refuse("access_denied");
  grant.state = "redeemed";
  return await grantTokens(made, grant.subject, grant.scope, grant.claims);
}

async function renew(made: DeviceIssuer, body: URLSearchParams): Promise<Response> {
  const token = body.get("refresh_token") ?? "";
  const held = made.refresh.get(token);
  if (held === undefined) return refuse("invalid_grant");
  made.refresh.delete(token);
  return await grantTokens(made, held.subject, held.scope, {});
}

async function grantTokens(made: DeviceIssuer, subject: string, scope: string, claims: Record<string, unknown>): Promise<Response> {
  const refreshToken = `refresh-${crypto.randomUUID()}`;
  made.refresh.set(refreshToken, { subject, scope });
  const accessToken = await made.token({ sub: subject, scope, client_id: "store", ...claims });
  return Response.json({ access_token: accessToken, token_type: "Bearer", expires_in: 300, refresh_token: refreshToken, scope });
}
