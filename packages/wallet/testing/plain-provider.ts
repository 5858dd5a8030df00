import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { z } from "zod";

/**
 * A bare oidc-provider as a process of its own, for scenarios that need an authorization server which shares nothing with the wallet: its own
 * pages for sign-in, consent and device codes, everything in memory. `node plain-provider.ts '<options as JSON>'` prints `listening <issuer>`.
 */
const options = z
  .strictObject({
    clientId: z.string(),
    redirectUris: z.array(z.string()),
    /** What every resource may ask for. */
    scope: z.string(),
    /** How long a device code lives. */
    deviceCodeS: z.number().default(600),
    /** Whether proofs must carry a nonce of the server's (RFC 9449 section 8). */
    dpopNonce: z.boolean().default(false),
    /** Opaque tokens are looked up, by the resource server below. */
    accessTokens: z.enum(["jwt", "opaque"]).default("jwt"),
    /** A confidential client that may ask about any token (RFC 7662). */
    resourceServer: z.object({ clientId: z.string(), clientSecret: z.string() }).optional(),
  })
  .parse(JSON.parse(process.argv[2] ?? "{}"));

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("the server listens on TCP");
  const issuer = `http://localhost:${address.port}`;
  const answer = makeProvider(issuer).callback();
  server.on("request", (incoming, outgoing) => void answer(incoming, outgoing));
  process.stdout.write(`listening ${issuer}\n`);
});

function makeProvider(issuer: string): Provider {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return new Provider(issuer, {
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kty: "EC", alg: "ES256", use: "sig" }] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    clients: [
      {
        client_id: options.clientId,
        client_name: "A client of the tests",
        application_type: "native",
        token_endpoint_auth_method: "none",
        redirect_uris: options.redirectUris,
        grant_types: ["authorization_code", "refresh_token", deviceGrant],
      },
      ...(options.resourceServer === undefined
        ? []
        : [
            {
              client_id: options.resourceServer.clientId,
              client_secret: options.resourceServer.clientSecret,
              redirect_uris: [],
              response_types: [],
              grant_types: [],
            },
          ]),
    ],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    scopes: ["openid", "offline_access", ...options.scope.split(" ")],
    ttl: { DeviceCode: options.deviceCodeS, AccessToken: 300 },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    features: {
      deviceFlow: { enabled: true },
      registration: { enabled: true },
      registrationManagement: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      dPoP: options.dpopNonce ? { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true } : { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: options.scope,
          audience: resource,
          accessTokenTTL: 300,
          accessTokenFormat: options.accessTokens,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
  });
}
