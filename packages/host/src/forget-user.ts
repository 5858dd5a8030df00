import type { Database } from "@countersign/storage/open";
import { revokeToken } from "./authorize/token-endpoint.ts";
import type { CallBroker } from "./call.ts";
import type { Chat } from "./chat/chat.ts";
import type { Connectors } from "./connectors.ts";
import type { Events } from "./events.ts";
import { retentionRules } from "./keep/retention.ts";
import type { Vault } from "./vault.ts";

/** What is running for a user, and what is kept. Every kind of record of a user has the key `user`. */
export interface UserKeepers {
  readonly database: Database<unknown>;
  readonly broker: CallBroker;
  readonly vault: Vault;
  readonly connectors: Connectors;
  readonly events: Events;
  readonly chat: Chat | undefined;
}

/**
 * Deletes a user with everything of theirs. Tokens go last: by then no flow is left through which a sign-in that runs meanwhile could store one; it gives
 * back what it was granted. Telling the issuers may take its time.
 */
export async function forgetUser({ database, broker, vault, connectors, events, chat }: UserKeepers, userId: string): Promise<void> {
  await chat?.leave(userId);
  await broker.cancelAll(userId);
  for (const { kind } of retentionRules) {
    if (kind !== "token" && kind !== "flow_grant" && kind !== "connector")
      await database.records({ name: kind, parse: (json) => json }).deleteBy("user", userId);
  }
  // The connectors are still there: their settings say as which client a token is revoked.
  for (const { peer, token } of await vault.removeUser(userId)) void revokeToken(peer, token);
  await database.records({ name: "connector", parse: (json) => json }).deleteBy("user", userId);
  await connectors.dropUser(userId);
  events.endStreams(userId);
}
