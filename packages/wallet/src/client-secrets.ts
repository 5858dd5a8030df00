import { readFileSync } from "node:fs";
import { Secret } from "@countersign/protocol/secret";
import { StartupProblem } from "@countersign/service/startup-problem";
import type { WalletClient } from "./options.ts";

/** A client as the configuration names it: its secret stands in a variable or a file of its own, never in the list. */
export interface ConfiguredClient extends Omit<WalletClient, "client_secret"> {
  readonly client_secret_env?: string;
  readonly client_secret_file?: string;
}

/** Long enough that nobody guesses it, in the characters of RFC 6749 appendix A.2. */
const usable = /^[\x20-\x7e]{24,512}$/;

/** Puts the secrets in. Throws `StartupProblem` that names the client, and never the secret. */
export function withSecrets(clients: readonly ConfiguredClient[], env: Readonly<Record<string, string | undefined>>): readonly WalletClient[] {
  return clients.map(({ client_secret_env: variable, client_secret_file: file, ...client }) => {
    const usesSecret = client.token_endpoint_auth_method.startsWith("client_secret_");
    if (usesSecret !== (variable !== undefined || file !== undefined) || (variable !== undefined && file !== undefined)) {
      throw new StartupProblem(
        `The client ${client.client_id} needs exactly one of client_secret_env and client_secret_file if it proves itself by a secret, else neither.`,
      );
    }
    if (!usesSecret) return client;
    const secret = file === undefined ? env[variable ?? ""] : readSecret(client.client_id, file);
    if (secret === undefined || !usable.test(secret)) {
      throw new StartupProblem(`The secret of the client ${client.client_id} must be 24 to 512 visible ASCII characters.`);
    }
    return { ...client, client_secret: new Secret(secret) };
  });
}

function readSecret(clientId: string, file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch {
    throw new StartupProblem(`The file with the secret of the client ${clientId} cannot be read: ${file}.`);
  }
}
