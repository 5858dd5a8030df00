import type { AuthorizationServer } from "@countersign/protocol/metadata";
import { formatScope } from "@countersign/protocol/scope";

/**
 * Writes judged metadata as an RFC 8414 document again, for storing it: whoever reads it back judges it once more, so that a changed row can
 * name no endpoint that discovery would have refused.
 */
export function toServerDocument(server: AuthorizationServer): Readonly<Record<string, unknown>> {
  return {
    issuer: server.issuer,
    authorization_endpoint: server.authorizationEndpoint,
    token_endpoint: server.tokenEndpoint,
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: server.tokenEndpointAuthMethodsSupported,
    ...(server.tokenEndpointAuthSigningAlgValuesSupported === undefined
      ? {}
      : { token_endpoint_auth_signing_alg_values_supported: server.tokenEndpointAuthSigningAlgValuesSupported }),
    authorization_response_iss_parameter_supported: server.authorizationResponseIssParameterSupported,
    client_id_metadata_document_supported: server.clientIdMetadataDocumentSupported,
    ...(server.revocationEndpoint === undefined ? {} : { revocation_endpoint: server.revocationEndpoint }),
    ...(server.deviceAuthorizationEndpoint === undefined ? {} : { device_authorization_endpoint: server.deviceAuthorizationEndpoint }),
    ...(server.dpopSigningAlgValuesSupported === undefined ? {} : { dpop_signing_alg_values_supported: server.dpopSigningAlgValuesSupported }),
    ...(server.registrationEndpoint === undefined ? {} : { registration_endpoint: server.registrationEndpoint }),
    ...(server.scopesSupported === undefined
      ? {}
      : {
          scopes_supported: formatScope(server.scopesSupported)
            .split(" ")
            .filter((scope) => scope !== ""),
        }),
  };
}
