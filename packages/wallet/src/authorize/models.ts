/** Every model of oidc-provider, by the name of its records. */
export const modelNames: readonly string[] = [
  "AccessToken",
  "AuthorizationCode",
  "BackchannelAuthenticationRequest",
  "Client",
  "ClientCredentials",
  "DeviceCode",
  "Grant",
  "InitialAccessToken",
  "Interaction",
  "PreAuthorizedCode",
  "PushedAuthorizationRequest",
  "RefreshToken",
  "RegistrationAccessToken",
  "ReplayDetection",
  "Session",
];

/** The record kind of a model. */
export function modelKindName(model: string): string {
  return `oidc-${model.toLowerCase()}`;
}

/**
 * The keys by which stored payloads are found: `uid` as it is; the others as SHA-256, so that a copy of the database names nobody. Whose family (`grant`,
 * also on the grant itself), whose account and which client a record belongs to, and by which code a person names a device.
 */
export type PayloadKey = "grant" | "uid" | "account" | "client" | "userCode";
