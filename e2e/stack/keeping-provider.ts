import type { StackOptions } from "@countersign/cli/stack";
import type { DpopSession, OAuthClientProvider } from "@modelcontextprotocol/client";

export const officialClientId = "official-client";

/** How the wallet knows a client that uses {@link KeepingProvider}. */
export function officialClient(redirectUrl: string): NonNullable<StackOptions["walletClients"]>[number] {
  return {
    client_id: officialClientId,
    client_name: "Official client",
    application_type: "native",
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: [redirectUrl],
  };
}

/** Keeps what the SDK gives it, as any app must. Every protocol step is the SDK's own. */
export class KeepingProvider implements OAuthClientProvider {
  readonly redirectUrl: string;
  /** The key that tokens are bound to (RFC 9449); undefined: they are plain. */
  readonly dpop: () => DpopSession | undefined;
  readonly opened: URL[] = [];
  readonly #kept = new Map<string, unknown>();

  constructor(redirectUrl: string, session?: DpopSession) {
    this.redirectUrl = redirectUrl;
    this.dpop = () => session;
  }

  get clientMetadata(): OAuthClientProvider["clientMetadata"] {
    return { redirect_uris: [this.redirectUrl], client_name: "Official client" };
  }

  clientInformation(): { client_id: string } {
    return { client_id: officialClientId };
  }

  tokens(): ReturnType<OAuthClientProvider["tokens"]> {
    return this.#kept.get("tokens") as ReturnType<OAuthClientProvider["tokens"]>;
  }

  saveTokens(tokens: unknown): void {
    this.#kept.set("tokens", tokens);
  }

  redirectToAuthorization(url: URL): void {
    this.opened.push(url);
  }

  saveCodeVerifier(verifier: string): void {
    this.#kept.set("verifier", verifier);
  }

  saveDiscoveryState(state: unknown): void {
    this.#kept.set("discovery", state);
  }

  discoveryState(): ReturnType<NonNullable<OAuthClientProvider["discoveryState"]>> {
    return this.#kept.get("discovery") as ReturnType<NonNullable<OAuthClientProvider["discoveryState"]>>;
  }

  codeVerifier(): string {
    return String(this.#kept.get("verifier"));
  }
}
