const listing = "the host does not sign in to list tools, and here the list needs a token";
const registration = `${listing}; it does not register itself as a client either`;
const elicitation = "the host offers servers no forms for the user to fill in";

/**
 * The required client scenarios that the host does not pass, in whichever revision they are required, each with its reason. One that passes must leave
 * the list.
 */
export const clientKnownFailures: Readonly<Record<string, string>> = {
  "auth/pre-registration": listing,
  "auth/resource-mismatch": listing,
  "auth/basic-cimd": `${listing}; it does not publish a client metadata document either`,
  "auth/authorization-server-migration": registration,
  "auth/iss-normalized": registration,
  "auth/iss-not-advertised": registration,
  "auth/iss-supported": registration,
  "auth/iss-supported-missing": registration,
  "auth/iss-unexpected": registration,
  "auth/iss-wrong-issuer": registration,
  "auth/metadata-default": registration,
  "auth/metadata-issuer-mismatch": registration,
  "auth/metadata-var1": registration,
  "auth/metadata-var2": registration,
  "auth/metadata-var3": registration,
  "auth/offline-access-not-supported": registration,
  "auth/offline-access-scope": registration,
  "auth/scope-from-scopes-supported": registration,
  "auth/scope-from-www-authenticate": registration,
  "auth/scope-omitted-when-undefined": registration,
  "auth/scope-retry-limit": registration,
  "auth/scope-step-up": registration,
  "auth/token-endpoint-auth-basic": registration,
  "auth/token-endpoint-auth-none": registration,
  "auth/token-endpoint-auth-post": registration,
  "elicitation-sep1034-client-defaults": elicitation,
  "sep-2322-client-request-state": elicitation,
};
