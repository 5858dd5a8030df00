import { hostSignIns, type RegistrationWay } from "./host-profile-sign-in.ts";
import type { HostProfile } from "./ladder.ts";
import type { AuthorizationServer } from "./metadata.ts";

/** Of the authorization servers that a resource names, in their order, those that the host of the profile looks at. */
export function issuersUnder<T>(profile: HostProfile, named: readonly T[]): readonly T[] {
  return hostSignIns[profile].issuers.value === "first" ? named.slice(0, 1) : named;
}

type Ways = Pick<AuthorizationServer, "tokenEndpointAuthMethodsSupported" | "authorizationResponseIssParameterSupported">;

/**
 * Whether the host of the profile becomes a client of this authorization server in this way. Where nothing is known of a host's ways they are all open: which client
 * there is says more of whoever set the server up than of the host.
 */
export function registersBy(profile: HostProfile, way: RegistrationWay, server: Ways): boolean {
  const { registration, cimdNeeds } = hostSignIns[profile];
  if (registration.certainty !== "assumed" && !registration.value.includes(way)) return false;
  if (way !== "cimd") return true;
  const has = {
    auth_method_none: server.tokenEndpointAuthMethodsSupported.includes("none"),
    iss: server.authorizationResponseIssParameterSupported,
  };
  return cimdNeeds.value.every((need) => has[need]);
}
