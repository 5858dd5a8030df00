import type { PresentedFetch } from "../../src/authorize/presented-fetch.ts";

/** What strangers published on the internet, by address: the test's own, because no test leaves this machine. */
export class Published {
  readonly #pages = new Map<string, () => Response>();
  /** Every address that was fetched, in order. */
  readonly fetched: string[] = [];

  /** Publishes JSON at its address. */
  json(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
    this.#pages.set(url, () => new Response(JSON.stringify(body), { headers: { "content-type": "application/json", ...headers } }));
  }

  /** A client metadata document at its own address. */
  document(doc: { readonly client_id: string }): void {
    this.json(doc.client_id, doc);
  }

  answer(url: string, respond: () => Response): void {
    this.#pages.set(url, respond);
  }

  get fetch(): PresentedFetch {
    return async (url) => {
      this.fetched.push(url.href);
      return this.#pages.get(url.href)?.() ?? new Response("not found", { status: 404 });
    };
  }
}

/** The documents of large hosts, in the shapes that they publish. */
export const hosts = {
  claude: {
    client_id: "https://claude.ai/oauth/mcp-oauth-client-metadata",
    client_name: "Claude",
    client_uri: "https://claude.ai",
    redirect_uris: ["https://claude.ai/api/mcp/auth_callback"],
    grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  claudeCode: {
    client_id: "https://claude.ai/oauth/claude-code-client-metadata",
    client_name: "Claude Code",
    client_uri: "https://claude.ai",
    redirect_uris: ["http://localhost/callback", "http://127.0.0.1/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  chatGpt: {
    client_id: "https://chatgpt.com/oauth/client.json",
    client_uri: "https://chatgpt.com/",
    redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"],
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    client_name: "ChatGPT",
    token_endpoint_auth_signing_alg: "RS256",
    jwks_uri: "https://chatgpt.com/oauth/jwks.json",
  },
  vsCode: {
    client_id: "https://vscode.dev/oauth/client-metadata.json",
    client_name: "Visual Studio Code",
    client_uri: "https://vscode.dev/product",
    logo_uri: "https://vscode.dev/static/stable/code-stable.png",
    grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    application_type: "native",
    redirect_uris: ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
  },
} as const;
