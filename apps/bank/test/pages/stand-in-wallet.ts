import { createHash, randomUUID } from "node:crypto";
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** An OpenID provider in miniature, for one user at a time; `change` spoils what it signs or answers next. */
export class StandInWallet {
  readonly issuer: string;
  subject = "usr_ada";
  claims: object = {};
  isAway = false;
  /** What the code was given for, and with which assertion it was redeemed. */
  readonly redeemed: { readonly assertion: string; readonly verifier: string }[] = [];
  #key: Awaited<ReturnType<typeof generateKeyPair>> | undefined;
  #jwk: JWK = {};
  readonly #codes: Map<string, URLSearchParams> = new Map();

  private constructor(issuer: string) {
    this.issuer = issuer;
  }

  static async open(issuer: string): Promise<StandInWallet> {
    const wallet = new StandInWallet(issuer);
    await wallet.rotate();
    return wallet;
  }

  /** Signs with another key from now on, and publishes it when `isPublished`. */
  async rotate(isPublished = true): Promise<void> {
    this.#key = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(this.#key.publicKey);
    if (isPublished) this.#jwk = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: "ES256", use: "sig" };
  }

  /** The user says yes: the address that the browser is sent back to. */
  allow(location: string): URL {
    const asked = new URL(location).searchParams;
    const code = randomUUID();
    this.#codes.set(code, asked);
    const back = new URL(asked.get("redirect_uri") ?? "");
    back.search = new URLSearchParams({ code, state: asked.get("state") ?? "", iss: this.issuer }).toString();
    return back;
  }

  /** The user says no. */
  deny(location: string): URL {
    const asked = new URL(location).searchParams;
    const back = new URL(asked.get("redirect_uri") ?? "");
    back.search = new URLSearchParams({ error: "access_denied", state: asked.get("state") ?? "", iss: this.issuer }).toString();
    return back;
  }

  /** Undefined for what is not of its sign-in. */
  async answer(request: Request): Promise<Response | undefined> {
    const { origin, pathname } = new URL(request.url);
    if (origin !== this.issuer) return undefined;
    if (this.isAway) throw new TypeError("fetch failed");
    if (pathname === "/.well-known/openid-configuration") return Response.json(this.#metadata());
    if (pathname === "/jwks") return Response.json({ keys: [this.#jwk] });
    if (pathname === "/token") return this.#token(new URLSearchParams(await request.text()));
    return undefined;
  }

  async #token(form: URLSearchParams): Promise<Response> {
    const asked = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    const verifier = form.get("code_verifier") ?? "";
    const isProven = createHash("sha256").update(verifier).digest("base64url") === asked?.get("code_challenge");
    if (asked === undefined || !isProven) return Response.json({ error: "invalid_grant" }, { status: 400 });
    const assertion = form.get("client_assertion") ?? "";
    this.redeemed.push({ assertion, verifier });
    const key = this.#key?.privateKey;
    if (key === undefined) throw new Error("no key");
    const iat = Math.floor(Date.now() / 1000);
    const claims = {
      iat,
      exp: iat + 300,
      iss: this.issuer,
      aud: decodeJwt(assertion).iss ?? "",
      sub: this.subject,
      nonce: asked.get("nonce"),
      ...this.claims,
    };
    const token = new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: this.#jwk.kid ?? "" });
    return Response.json({ access_token: "at-canary", token_type: "Bearer", expires_in: 300, id_token: await token.sign(key) });
  }

  #metadata(): unknown {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks`,
      response_types_supported: ["code"],
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: ["ES256"],
    };
  }
}
