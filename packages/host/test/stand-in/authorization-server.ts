import { createHash, randomBytes } from "node:crypto";
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from "jose";
import { z } from "zod";
import { DpopCheck } from "./dpop-check.ts";
import { listen } from "./http-server.ts";

/** How the next requests are answered; a test changes it to misbehave. */
export interface AuthorizationBehaviour {
  /** `iss` of the answer: undefined is the true one, null leaves it out. */
  iss: string | null | undefined;
  error: string | undefined;
  metadata: Record<string, unknown>;
  tokenResponse: ((form: URLSearchParams) => Response | undefined) | undefined;
  lifetimeS: number;
  /** Holds token requests until it resolves. */
  hold: Promise<void> | undefined;
  /** Answers a registration in place of the server itself. */
  registerResponse: ((body: unknown) => Promise<Response | undefined> | Response | undefined) | undefined;
  /** The access tokens that are given out, in order; random ones after that. */
  tokens: string[];
  /** Set: the device grant is offered, and answered with these members over the usual ones. */
  device: Record<string, unknown> | undefined;
  /** Set: DPoP is offered. `nonce` is demanded where there is one; `answers` is the token type of what it gives out. */
  dpop: { nonce?: string; answers: "DPoP" | "Bearer" } | undefined;
}

export interface KnownClient {
  readonly method: "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt";
  readonly secret?: string;
  /** Its public keys, for `private_key_jwt`. */
  readonly keys?: () => Promise<JSONWebKeySet>;
}

export interface GrantedToken {
  readonly scope: ReadonlySet<string>;
  readonly resource: string;
  /** Thumbprint of the key that it is bound to. */
  readonly jkt?: string | undefined;
  active: boolean;
}

const registrationShape = z.looseObject({
  redirect_uris: z.array(z.string()),
  token_endpoint_auth_method: z.enum(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
});

interface PendingCode {
  readonly challenge: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly resource: string;
}

interface PendingDevice {
  readonly scope: string;
  readonly resource: string;
  readonly challenge: string;
  decision: "pending" | "approved" | "denied" | "expired";
}

/** A hand-made authorization server: code, PKCE, refresh with rotation, and every request written down. It approves at once. */
export class StandInAuthorizationServer {
  readonly origin: string;
  readonly close: () => Promise<void>;
  readonly behaviour: AuthorizationBehaviour = {
    iss: undefined,
    error: undefined,
    metadata: {},
    tokenResponse: undefined,
    lifetimeS: 300,
    hold: undefined,
    registerResponse: undefined,
    tokens: [],
    device: undefined,
    dpop: undefined,
  };
  readonly dpop: DpopCheck = new DpopCheck();
  /** Every client that this server knows. Another one gets `invalid_client`. */
  readonly clients: Map<string, KnownClient> = new Map([["countersign-host", { method: "none" }]]);
  readonly registrations: unknown[] = [];
  /** How each token request proved its client. */
  readonly authentications: { readonly clientId: string; readonly method: string }[] = [];
  readonly granted: Map<string, GrantedToken> = new Map();
  readonly authorizeRequests: URLSearchParams[] = [];
  readonly tokenRequests: URLSearchParams[] = [];
  readonly revoked: string[] = [];
  readonly deviceRequests: URLSearchParams[] = [];
  /** By user code; a test decides as the user would on another device. */
  readonly devices: Map<string, PendingDevice> = new Map();
  readonly #deviceCodes = new Map<string, string>();
  readonly #codes = new Map<string, PendingCode>();
  readonly #refreshTokens = new Map<string, { scope: string; resource: string; jkt: string | undefined; spent: boolean }>();

  private constructor(origin: string, close: () => Promise<void>) {
    this.origin = origin;
    this.close = close;
  }

  static async start(): Promise<StandInAuthorizationServer> {
    let self: StandInAuthorizationServer | undefined;
    const running = await listen((request) => self?.fetch(request) ?? new Response(null, { status: 503 }));
    self = new StandInAuthorizationServer(running.origin, running.close);
    return self;
  }

  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/.well-known/oauth-authorization-server":
        return Response.json(this.metadata());
      case "/authorize":
        return this.#authorize(url.searchParams);
      case "/token":
        return this.#token(new URLSearchParams(await request.text()), request.headers);
      case "/device_authorization":
        return this.#authorizeDevice(new URLSearchParams(await request.text()));
      case "/register":
        return this.#register(await request.json());
      case "/revoke": {
        const form = new URLSearchParams(await request.text());
        this.revoked.push(form.get("token") ?? "");
        return new Response(null, { status: 200 });
      }
      default:
        return new Response(null, { status: 404 });
    }
  }

  metadata(): Record<string, unknown> {
    return {
      issuer: this.origin,
      authorization_endpoint: `${this.origin}/authorize`,
      token_endpoint: `${this.origin}/token`,
      revocation_endpoint: `${this.origin}/revoke`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none"],
      authorization_response_iss_parameter_supported: true,
      ...(this.behaviour.device === undefined ? {} : { device_authorization_endpoint: `${this.origin}/device_authorization` }),
      ...(this.behaviour.dpop === undefined ? {} : { dpop_signing_alg_values_supported: ["ES256"] }),
      ...this.behaviour.metadata,
    };
  }

  #authorize(query: URLSearchParams): Response {
    this.authorizeRequests.push(query);
    const target = new URL(query.get("redirect_uri") ?? "");
    const { iss, error } = this.behaviour;
    target.searchParams.set("state", query.get("state") ?? "");
    if (iss !== null) target.searchParams.set("iss", iss ?? this.origin);
    if (error === undefined) {
      const code = randomBytes(16).toString("hex");
      this.#codes.set(code, {
        challenge: query.get("code_challenge") ?? "",
        redirectUri: query.get("redirect_uri") ?? "",
        scope: query.get("scope") ?? "",
        resource: query.get("resource") ?? "",
      });
      target.searchParams.set("code", code);
    } else {
      target.searchParams.set("error", error);
      target.searchParams.set("error_description", "<script>alert(1)</script>");
    }
    return new Response(null, { status: 303, headers: { location: target.href } });
  }

  #authorizeDevice(form: URLSearchParams): Response {
    this.deviceRequests.push(form);
    const deviceCode = randomBytes(32).toString("base64url");
    const userCode = `CODE-${this.deviceRequests.length}`;
    this.#deviceCodes.set(deviceCode, userCode);
    const [scope, resource, challenge] = ["scope", "resource", "code_challenge"].map((name) => form.get(name) ?? "");
    this.devices.set(userCode, { scope: scope ?? "", resource: resource ?? "", challenge: challenge ?? "", decision: "pending" });
    const uri = `${this.origin}/device`;
    const answer = { device_code: deviceCode, user_code: userCode, verification_uri: uri, expires_in: 300, interval: 5 };
    return Response.json({ ...answer, verification_uri_complete: `${uri}?user_code=${userCode}`, ...this.behaviour.device });
  }

  #redeemDevice(form: URLSearchParams, jkt: string | undefined): Response {
    const userCode = this.#deviceCodes.get(form.get("device_code") ?? "");
    const device = this.devices.get(userCode ?? "");
    const refused = (error: string): Response => Response.json({ error }, { status: 400 });
    if (device === undefined || challengeOf(form) !== device.challenge || form.get("resource") !== device.resource) return refused("invalid_grant");
    switch (device.decision) {
      case "pending":
        return refused("authorization_pending");
      case "denied":
        return refused("access_denied");
      case "expired":
        return refused("expired_token");
      case "approved":
        this.#deviceCodes.delete(form.get("device_code") ?? "");
        return this.#grant(device.scope, device.resource, jkt);
    }
  }

  async #register(body: unknown): Promise<Response> {
    this.registrations.push(body);
    const special = await this.behaviour.registerResponse?.(body);
    if (special !== undefined) return special;
    const metadata = registrationShape.parse(body);
    const client_id = `registered-${this.registrations.length}`;
    const secret = metadata.token_endpoint_auth_method.startsWith("client_secret") ? { client_secret: randomBytes(16).toString("hex") } : {};
    this.clients.set(client_id, {
      method: metadata.token_endpoint_auth_method,
      ...(secret.client_secret === undefined ? {} : { secret: secret.client_secret }),
    });
    return Response.json(
      { ...metadata, client_id, ...secret, ...(secret.client_secret === undefined ? {} : { client_secret_expires_at: 0 }) },
      { status: 201 },
    );
  }

  /** RFC 6749 section 2.3, RFC 7523 section 3. */
  async #identify(form: URLSearchParams, authorization: string | null): Promise<boolean> {
    const [, basic] = /^Basic (.+)$/.exec(authorization ?? "") ?? [];
    const [user = "", password = ""] = basic === undefined ? [] : Buffer.from(basic, "base64").toString().split(":").map(decodeURIComponent);
    const assertion = form.get("client_assertion");
    const clientId = basic === undefined ? (form.get("client_id") ?? "") : user;
    const method =
      basic !== undefined
        ? "client_secret_basic"
        : assertion !== null
          ? "private_key_jwt"
          : form.has("client_secret")
            ? "client_secret_post"
            : "none";
    this.authentications.push({ clientId, method });
    const client = this.clients.get(clientId);
    if (client?.method !== method) return false;
    if (method === "none") return true;
    if (assertion === null) return (basic === undefined ? form.get("client_secret") : password) === client.secret;
    const keys = createLocalJWKSet((await client.keys?.()) ?? { keys: [] });
    const verified = await jwtVerify(assertion, keys, { issuer: clientId, subject: clientId, algorithms: ["ES256"] }).catch(() => undefined);
    const audience = [verified?.payload.aud].flat();
    return verified?.payload.jti !== undefined && (audience.includes(this.origin) || audience.includes(`${this.origin}/token`));
  }

  async #token(form: URLSearchParams, headers: Headers): Promise<Response> {
    const authorization = headers.get("authorization");
    this.tokenRequests.push(form);
    await this.behaviour.hold;
    if (!(await this.#identify(form, authorization))) {
      const challenge: Record<string, string> = authorization === null ? {} : { "www-authenticate": 'Basic realm="token"' };
      return Response.json({ error: "invalid_client" }, { status: 401, headers: challenge });
    }
    const special = this.behaviour.tokenResponse?.(form);
    if (special !== undefined) return special;
    const nonce = this.behaviour.dpop?.nonce;
    const proof = await this.dpop.check(headers, { method: "POST", url: `${this.origin}/token`, nonce });
    if (typeof proof === "string") {
      const fresh: Record<string, string> = nonce === undefined ? {} : { "dpop-nonce": nonce };
      return Response.json({ error: proof }, { status: 400, headers: fresh });
    }
    const jkt = this.behaviour.dpop?.answers === "DPoP" ? proof?.thumbprint : undefined;
    if (form.get("grant_type") === "refresh_token") return this.#refresh(form, jkt);
    if (form.get("grant_type") === "urn:ietf:params:oauth:grant-type:device_code") return this.#redeemDevice(form, jkt);
    const code = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    if (code?.challenge !== challengeOf(form) || code.redirectUri !== form.get("redirect_uri") || code.resource !== form.get("resource")) {
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    }
    return this.#grant(code.scope, code.resource, jkt);
  }

  #refresh(form: URLSearchParams, jkt: string | undefined): Response {
    const held = this.#refreshTokens.get(form.get("refresh_token") ?? "");
    if (held === undefined || held.spent || held.resource !== form.get("resource")) return Response.json({ error: "invalid_grant" }, { status: 400 });
    if (held.jkt !== jkt) return Response.json({ error: "invalid_grant" }, { status: 400 });
    held.spent = true;
    // A transaction scope is granted once and never renewed.
    return this.#grant(held.scope, held.resource, jkt);
  }

  #grant(scope: string, resource: string, jkt: string | undefined): Response {
    const token = this.behaviour.tokens.shift() ?? randomBytes(24).toString("base64url");
    const refreshToken = randomBytes(24).toString("base64url");
    this.granted.set(token, { scope: new Set(scope.split(" ").filter((each) => each !== "")), resource, jkt, active: true });
    const ordinary = scope
      .split(" ")
      .filter((each) => !each.startsWith("payment:"))
      .join(" ");
    this.#refreshTokens.set(refreshToken, { scope: ordinary, resource, jkt, spent: false });
    return Response.json(
      {
        access_token: token,
        token_type: jkt === undefined ? "Bearer" : "DPoP",
        expires_in: this.behaviour.lifetimeS,
        refresh_token: refreshToken,
        scope,
      },
      { headers: { "cache-control": "no-store" } },
    );
  }
}

function challengeOf(form: URLSearchParams): string {
  return createHash("sha256")
    .update(form.get("code_verifier") ?? "")
    .digest("base64url");
}
