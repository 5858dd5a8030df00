import type { EpochMs } from "@countersign/protocol/brand";
import type { BearerChallenge } from "@countersign/protocol/challenge";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { unionScopes, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { Secret } from "@countersign/protocol/secret";
import type { ConnectorMode } from "@countersign/protocol/security";
import type { ConnectionAccess, ListingOutcome, RefusedRequest } from "../connections/connection-access.ts";
import type { Vault } from "../vault.ts";
import type { Connector } from "./registry.ts";
import type { SignInMode } from "./settings.ts";
import type { Standing, Standings } from "./standing.ts";

export interface AccessOptions {
  readonly userId: string;
  /** The connector as it is now: its settings may change while the connection lives. */
  readonly connector: () => Promise<Connector | undefined>;
  readonly vault: Vault;
  readonly standings: Standings;
  /** Whether tokens are renewed; otherwise one that is over is none. */
  readonly renewsTokens: boolean;
  readonly clock: () => EpochMs;
  /** Told when the connector's standing has changed. */
  readonly onChange: (userId: string, connectorId: string) => void;
}

/** After so long a server that once demanded sign-in is asked without a token again, to notice when it no longer does. */
const anonymousEveryMs = 10 * 60_000;

/** What is sent for a mode and what the server was last seen to do: THE rule for everything that belongs to no call. */
export function modeOf(setting: SignInMode, standing: Pick<Standing, "demandsSignIn">): ConnectorMode {
  if (setting !== "auto") return setting;
  return standing.demandsSignIn ? "full" : "mixed";
}

/**
 * One user's access to one server, for connecting, listing and reading. In mixed mode nothing is sent; in full mode the token, renewed when due or refused; in automatic mode
 * the server decides: a challenge to an anonymous listing makes the connector full, an anonymous listing that works makes it mixed again.
 */
export class ConnectorAccess implements ConnectionAccess {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  async bearer(purpose: "list" | "read"): Promise<Result<Secret | undefined, Refusal>> {
    const connector = await this.#options.connector();
    if (connector === undefined) return err(refuse("unknown_connector"));
    const setting = settingOf(connector);
    const standing = await this.#options.standings.read(this.#options.userId, connector.id);
    if (modeOf(setting, standing) === "mixed") return ok(undefined);
    const isStale = purpose === "list" && this.#options.clock() - standing.askedAt >= anonymousEveryMs;
    if (setting === "auto" && isStale) return ok(undefined);
    const held = await this.#current(connector);
    // A server that demands sign-in by its own choice may be asked; one that the user wants signed in to is not.
    return held === undefined && setting === "full" ? err(refuse("authorization_required", "sign in to connect")) : ok(held);
  }

  async renewed(request: RefusedRequest): Promise<Secret | undefined> {
    const { userId, vault, standings, clock } = this.#options;
    const { used, challenge } = request;
    const connector = await this.#options.connector();
    if (connector === undefined || settingOf(connector) === "mixed") return undefined;
    const isListing = request.purpose === "list";
    if (used === undefined) {
      if (isListing) await standings.change(userId, connector.id, (standing) => ({ ...standing, demandsSignIn: true, askedAt: clock() }));
      const held = await this.#current(connector);
      if (held === undefined && isListing) await this.#need(connector, challenge);
      return held;
    }
    if (challenge.status === 401 && this.#options.renewsTokens) {
      const fresh = await vault.refresh(userId, connector.resource, used);
      if (fresh.ok) return fresh.value;
      if (fresh.error.code === "invalid_token") await vault.forget(userId, connector.resource, used);
    }
    if (isListing) await this.#need(connector, challenge);
    return undefined;
  }

  async listed(outcome: ListingOutcome): Promise<void> {
    const { userId, standings, clock, onChange } = this.#options;
    const connector = await this.#options.connector();
    if (connector === undefined) return;
    const changed = await standings.change(userId, connector.id, (before) => {
      const { error: _error, ...standing } = before;
      if (outcome.ok) {
        const { need: _need, ...rest } = standing;
        const { protocol } = outcome;
        const seen = outcome.anonymous && before.demandsSignIn ? { demandsSignIn: false, askedAt: clock() } : {};
        return { ...rest, ...seen, status: "connected", ...(protocol === undefined ? {} : { protocol }) };
      }
      const { refusal } = outcome;
      const byUser = refusal.code === "authorization_required" && settingOf(connector) !== "mixed";
      return byUser ? { ...before, status: "sign_in_required" } : { ...standing, status: "failed", error: refusal };
    });
    if (changed) onChange(userId, connector.id);
  }

  async #need(connector: Connector, challenge: BearerChallenge): Promise<void> {
    const { userId, vault, standings } = this.#options;
    const held = await vault.find(userId, connector.resource);
    const scope = unionScopes(held === undefined ? new Set() : withoutTransactionScopes(held.scope), challenge.scope);
    const { resourceMetadata, dpop } = challenge;
    const need = {
      scope,
      ...(resourceMetadata === undefined ? {} : { resourceMetadata }),
      ...(dpop === undefined ? {} : { dpopChallenged: true }),
    };
    await standings.change(userId, connector.id, (standing) => ({ ...standing, need }));
  }

  /** The token held, renewed when it is due. A sign-in service that does not answer leaves it as it is for as long as it lives. */
  async #current(connector: Connector): Promise<Secret | undefined> {
    const { userId, vault } = this.#options;
    const state = vault.state(await vault.find(userId, connector.resource));
    if (state.state === "none") return undefined;
    if (state.state === "expired" && state.refreshable && this.#options.renewsTokens) {
      const fresh = await vault.refresh(userId, connector.resource, undefined);
      if (fresh.ok) return fresh.value;
      if (fresh.error.code === "invalid_token") return undefined;
    }
    return vault.take(userId, connector.resource, undefined);
  }
}

export function settingOf(connector: Connector): SignInMode {
  return connector.settings?.mode ?? "auto";
}
