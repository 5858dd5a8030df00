import { runCommand, signalGroup } from "./command.ts";

/** An authorization server that is not ours: oidc-provider with its own pages, in a process of its own. */
export interface PlainProvider {
  readonly issuer: string;
  stop(): Promise<void>;
}

export interface PlainProviderOptions {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  readonly scope: string;
  readonly deviceCodeS?: number;
  readonly dpopNonce?: boolean;
  readonly accessTokens?: "jwt" | "opaque";
  readonly resourceServer?: { readonly clientId: string; readonly clientSecret: string };
}

/** Starts it with one public client; every resource has the same scope. */
export async function startPlainProvider(options: PlainProviderOptions): Promise<PlainProvider> {
  const command = runCommand(["packages/wallet/testing/plain-provider.ts", JSON.stringify(options)]);
  await command.printed("listening http");
  const [, issuer] = /^listening (\S+)$/m.exec(command.output()) ?? [];
  if (issuer === undefined) throw new Error(`the provider names no issuer:\n${command.output()}`);
  return {
    issuer,
    stop: async () => {
      signalGroup(command, "SIGKILL");
      await command.ended;
    },
  };
}
