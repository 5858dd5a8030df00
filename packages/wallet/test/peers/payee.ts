import { randomUUID } from "node:crypto";
import { type CryptoKey, exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from "jose";
import * as oauth from "oauth4webapi";
import { type JsonAnswer, readAnswer } from "./listen.ts";

/** A payee with its own key: gets tokens by `private_key_jwt`, signs checkouts, lodges payment requests. */
export class Payee {
  readonly clientId: string;
  readonly jwks: JSONWebKeySet;
  readonly privateKey: CryptoKey;
  readonly #walletUrl: string;
  #token: string | undefined;

  private constructor(clientId: string, walletUrl: string, privateKey: CryptoKey, jwks: JSONWebKeySet) {
    this.clientId = clientId;
    this.#walletUrl = walletUrl;
    this.privateKey = privateKey;
    this.jwks = jwks;
  }

  static async make(clientId: string, walletUrl: string): Promise<Payee> {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    return new Payee(clientId, walletUrl, privateKey, {
      keys: [{ ...(await exportJWK(publicKey)), alg: "ES256", use: "sig", kid: `${clientId}-1` }],
    });
  }

  /** A token of the client_credentials grant, by a library that knows nothing of the wallet. */
  async token(scope = "payment_requests", path = "/payment-requests"): Promise<string> {
    const { as, client, authentication } = await this.authentication();
    const parameters = new URLSearchParams({ scope, resource: `${this.#walletUrl}${path}` });
    const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, { [oauth.allowInsecureRequests]: true });
    return (await oauth.processClientCredentialsResponse(as, client, response)).access_token;
  }

  async authentication(): Promise<{ as: oauth.AuthorizationServer; client: oauth.Client; authentication: oauth.ClientAuth }> {
    const issuer = new URL(this.#walletUrl);
    const discovery = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", [oauth.allowInsecureRequests]: true });
    const as = await oauth.processDiscoveryResponse(issuer, discovery);
    return { as, client: { client_id: this.clientId }, authentication: oauth.PrivateKeyJwt({ key: this.privateKey, kid: `${this.clientId}-1` }) };
  }

  async signCheckout(
    checkout: unknown,
    overrides: Readonly<Record<string, unknown>> = {},
    header: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: this.clientId, aud: this.#walletUrl, iat: now, exp: now + 900, jti: randomUUID(), checkout, ...overrides })
      .setProtectedHeader({ alg: "ES256", typ: "checkout+jwt", kid: `${this.clientId}-1`, ...header })
      .sign(this.privateKey);
  }

  async lodge(checkoutJwt: string, subject?: string): Promise<JsonAnswer> {
    return this.call("/payment-requests", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ checkout_jwt: checkoutJwt, subject }),
    });
  }

  async call(path: string, init: RequestInit = {}): Promise<JsonAnswer> {
    this.#token ??= await this.token();
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${this.#token}`);
    const response = await fetch(`${this.#walletUrl}${path}`, { ...init, headers });
    return readAnswer(response);
  }
}
