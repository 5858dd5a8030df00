import type { EpochMs, Issuer, ResourceUri } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { judgeAuthorizationServer, type AuthorizationServer } from "@countersign/protocol/metadata";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { formatScope, parseScope, withoutTransactionScopes, type ScopeSet } from "@countersign/protocol/scope";
import { Secret } from "@countersign/protocol/secret";
import type { TokenState } from "@countersign/protocol/security";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import type { ClientOwner } from "./authorize/clients.ts";
import type { Peers } from "./authorize/peers.ts";
import { BoundToken, ProofKey, type TokenProof } from "./authorize/proof-key.ts";
import { toServerDocument } from "./authorize/server-document.ts";
import { renewToken, revokeToken, type TokenPeer, type TokenSet } from "./authorize/token-endpoint.ts";
import { digestText, newId } from "./digest.ts";
import { retention } from "./keep/retention.ts";

/** Whose token, for what. The issuer is part of the key: one server's token is never another's. */
export interface TokenHolder {
  readonly userId: string;
  readonly resource: ResourceUri;
  readonly issuer: Issuer;
}

/** A token as the broker sees it. */
export interface HeldToken {
  readonly holder: TokenHolder;
  readonly scope: ScopeSet;
  readonly expiresAt: EpochMs;
  readonly refreshable: boolean;
  /** The client that it was granted to. */
  readonly clientId: string;
}

/** Where a token came from: what it takes to renew or revoke it. */
export interface TokenOrigin {
  readonly holder: TokenHolder;
  readonly server: AuthorizationServer;
  /** The client that it was given to. No other client renews or revokes it. */
  readonly clientId: string;
  /** The resource as it names itself to authorization servers (RFC 8707). */
  readonly indicator: string;
}

/** A token that its issuer may be told to forget (RFC 7009). */
export interface Revocable {
  readonly peer: TokenPeer;
  readonly token: Secret;
}

interface TokenRow {
  readonly userId: string;
  readonly resource: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly indicator: string;
  readonly scope: string;
  readonly expiresAt: number;
  readonly refreshable: boolean;
  readonly updatedAt: number;
  readonly sealed: string;
}

const rowSchema = z.object({
  userId: z.string(),
  resource: z.string(),
  issuer: z.string(),
  // Empty in a row from before ids were noted: that token lives to its end and is not renewed.
  clientId: z.string().default(""),
  indicator: z.string().default(""),
  scope: z.string(),
  expiresAt: z.number(),
  refreshable: z.boolean(),
  updatedAt: z.number(),
  sealed: z.string(),
});

const tokenKind: RecordKind<TokenRow> = { name: "token", parse: (json) => rowSchema.parse(json) };
/** The token that one flow was granted with a transaction scope, kept beside the session's for the calls that waited for exactly it. */
const grantKind: RecordKind<TokenRow> = { name: "flow_grant", parse: (json) => rowSchema.parse(json) };
const leaseSchema = z.object({ owner: z.string() });
const leaseKind: RecordKind<{ owner: string }> = { name: "refresh_lease", parse: (json) => leaseSchema.parse(json) };

const sealedSchema = z.object({
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  proof: z.object({ jwk: z.string(), binding: z.enum(["offered", "required"]) }).optional(),
  server: z.unknown(),
});

interface OpenedToken {
  readonly origin: TokenOrigin;
  /** A `BoundToken` when there is a proof. */
  readonly accessToken: Secret;
  readonly refreshToken: Secret | undefined;
  readonly proof: TokenProof | undefined;
}

const refreshAheadMs = 60_000;
/** Longer than the longest renewal: two tries, each with a repeat for a DPoP nonce, of ten seconds at most. */
const leaseMs = retention.refresh_lease.ms;
const leasePollMs = 100;

export interface VaultOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly clock: () => EpochMs;
  /** Whom to renew at, and as which client. */
  readonly peers: Peers;
}

/**
 * Tokens by (user, issuer, resource), sealed with AES-256-GCM under a text that names the three, so that a row moved to another user does not open.
 * Nothing but an outgoing request ever gets a token from here.
 */
export class Vault {
  readonly #options: VaultOptions;
  readonly #tokens: Records<TokenRow>;
  readonly #grants: Records<TokenRow>;
  readonly #leases: Records<{ owner: string }>;
  readonly #refreshing = new Map<string, Promise<Result<Secret, Refusal>>>();

  constructor(options: VaultOptions) {
    this.#options = options;
    this.#tokens = options.database.records(tokenKind);
    this.#grants = options.database.records(grantKind);
    this.#leases = options.database.records(leaseKind);
  }

  /** Stores what a flow was granted, within the transaction that ends the flow. */
  async store(transaction: Database<unknown>, origin: TokenOrigin, tokens: TokenSet, flowId: string): Promise<void> {
    const { holder } = origin;
    const row = this.#seal(origin, tokens);
    await transaction.records(tokenKind).put(tokenId(holder), row, { keys: keysOf(holder), expiresAt: this.#options.clock() + retention.token.ms });
    await transaction.records(grantKind).put(flowId, row, { keys: keysOf(holder), expiresAt: tokens.expiresAt + retention.flow_grant.ms });
  }

  /** What this user holds for the resource, from whatever issuer granted last. */
  async find(userId: string, resource: ResourceUri): Promise<HeldToken | undefined> {
    return toHeld((await this.#newest(userId, resource))?.value);
  }

  /** The same, in the words of the security table: due for renewal a minute before it expires. */
  state(held: HeldToken | undefined): TokenState {
    if (held === undefined) return { state: "none" };
    const remainingMs = held.expiresAt - this.#options.clock();
    const due = held.refreshable ? remainingMs <= refreshAheadMs : remainingMs <= 0;
    return due ? { state: "expired", refreshable: held.refreshable, scope: held.scope } : { state: "held", scope: held.scope };
  }

  /** The access token to send. A call that waited for a flow gets that flow's own token while it lives. */
  async take(userId: string, resource: ResourceUri, flowId: string | undefined): Promise<Secret | undefined> {
    const now = this.#options.clock();
    const grant = flowId === undefined ? undefined : await this.#grants.get(flowId, now);
    if (grant !== undefined && grant.value.userId === userId && grant.value.resource === resource) {
      const opened = this.#open(grant.value);
      if (opened !== undefined) return opened.accessToken;
    }
    const newest = await this.#newest(userId, resource);
    if (newest === undefined || newest.value.expiresAt <= now) return undefined;
    return this.#open(newest.value)?.accessToken;
  }

  /**
   * Renews the token, once however many calls and instances ask: by a shared promise here and a lease in storage. `used` is the token that the server
   * refused, undefined when ours is merely due; when the vault holds a better one by now, that one is the answer. Refuses with `invalid_token` when only the user can help.
   */
  async refresh(userId: string, resource: ResourceUri, used: Secret | undefined): Promise<Result<Secret, Refusal>> {
    const newest = await this.#newest(userId, resource);
    if (newest === undefined) return err(refuse("invalid_token", "no token is held"));
    const current = this.#open(newest.value);
    if (current === undefined) return err(refuse("invalid_token", "the token cannot be opened"));
    const renewedMeanwhile = used === undefined ? this.state(toHeld(newest.value)).state === "held" : used.reveal() !== current.accessToken.reveal();
    if (renewedMeanwhile) return ok(current.accessToken);
    const running = this.#refreshing.get(newest.id);
    if (running !== undefined) return running;
    const started = this.#refreshUnderLease(newest).finally(() => this.#refreshing.delete(newest.id));
    this.#refreshing.set(newest.id, started);
    return started;
  }

  /** Forgets one refused token, if it is still the one that was used. */
  async forget(userId: string, resource: ResourceUri, used: Secret): Promise<void> {
    const newest = await this.#newest(userId, resource);
    if (newest !== undefined && this.#open(newest.value)?.accessToken.reveal() === used.reveal()) await this.#tokens.delete(newest.id);
  }

  /** Removes everything held for (user, resource), and gives what may still be revoked at its issuer. */
  async remove(userId: string, owner: ClientOwner): Promise<readonly Revocable[]> {
    const key = holderKey(userId, owner.resource);
    const rows = await this.#takeAway(await this.#tokens.find("holder", key, this.#options.clock()));
    await this.#grants.deleteBy("holder", key);
    return this.#revocable(rows, owner);
  }

  /** Removes everything held for a user, and gives what may still be revoked. */
  async removeUser(userId: string): Promise<readonly Revocable[]> {
    const rows = await this.#takeAway(await this.#tokens.find("user", userId, this.#options.clock(), { limit: 1000 }));
    const revocable = await this.#revocable(rows, undefined);
    await this.#tokens.deleteBy("user", userId);
    await this.#grants.deleteBy("user", userId);
    return revocable;
  }

  /**
   * Takes rows away as they are when they go: a renewal that has ended since they were read has left another token, which is then the one to revoke, and one that
   * ends later finds no row and gives its token back itself.
   */
  async #takeAway(rows: readonly StoredRecord<TokenRow>[]): Promise<readonly StoredRecord<TokenRow>[]> {
    const taken: StoredRecord<TokenRow>[] = [];
    for (const { id, ...read } of rows) {
      let current: StoredRecord<TokenRow> | undefined = { id, ...read };
      while (current !== undefined && !(await this.#tokens.update(id, current.version, current.value, { expiresAt: 0 })).ok) {
        current = await this.#tokens.get(id, this.#options.clock());
      }
      if (current !== undefined) taken.push(current);
    }
    while ((await this.#tokens.deleteExpired(0, 500)) === 500);
    return taken;
  }

  async #revocable(rows: readonly StoredRecord<TokenRow>[], owner: ClientOwner | undefined): Promise<readonly Revocable[]> {
    const revocable: Revocable[] = [];
    for (const row of rows) {
      const opened = this.#open(row.value);
      const peer = opened === undefined ? undefined : await this.#options.peers.find(opened.origin, owner);
      if (opened !== undefined && peer !== undefined) revocable.push({ peer, token: opened.refreshToken ?? opened.accessToken });
    }
    return revocable;
  }

  /** Takes every right to renew away: for the start of a process that is the only one on its database, so that one that died holds nothing back. */
  async dropLeases(): Promise<void> {
    while ((await this.#leases.deleteExpired(Number.MAX_SAFE_INTEGER, 500)) === 500);
  }

  async #newest(userId: string, resource: ResourceUri): Promise<StoredRecord<TokenRow> | undefined> {
    const rows = await this.#tokens.find("holder", holderKey(userId, resource), this.#options.clock());
    return rows.toSorted((a, b) => b.value.updatedAt - a.value.updatedAt)[0];
  }

  async #refreshUnderLease(seen: StoredRecord<TokenRow>): Promise<Result<Secret, Refusal>> {
    const before = this.#open(seen.value)?.accessToken.reveal();
    for (;;) {
      const lease = await this.#takeLease(seen.id);
      const current = await this.#tokens.get(seen.id, this.#options.clock());
      const access = current === undefined ? err(refuse("invalid_token", "the user signed out")) : this.#accessOf(current.value);
      const unchanged = access.ok && access.value.reveal() === before;
      if (lease === undefined) {
        if (current === undefined || !unchanged) return access;
        await new Promise((resolve) => setTimeout(resolve, leasePollMs));
        continue;
      }
      try {
        return current === undefined || !unchanged ? access : await this.#renew(current);
      } finally {
        // One that lasted too long may be another's by now: then this changes nothing.
        await this.#leases.update(lease.id, lease.version, lease.value, { expiresAt: this.#options.clock() });
      }
    }
  }

  /** The right to renew this token, until the lease ends; undefined while another process has it. */
  async #takeLease(tokenRowId: string): Promise<StoredRecord<{ owner: string }> | undefined> {
    const now = this.#options.clock();
    const value = { owner: newId("lease") };
    const there = await this.#leases.get(tokenRowId, Number.MIN_SAFE_INTEGER);
    const remainingMs = (there?.expiresAt ?? now) - now;
    // One that ends later than any lease can was written under a clock that was wrong.
    if (remainingMs > 0 && remainingMs <= leaseMs * 2) return undefined;
    const options = { expiresAt: now + leaseMs };
    const taken =
      there === undefined
        ? await this.#leases.create(tokenRowId, value, options)
        : await this.#leases.update(there.id, there.version, value, options);
    return taken.ok ? taken.value : undefined;
  }

  async #renew(current: StoredRecord<TokenRow>): Promise<Result<Secret, Refusal>> {
    const opened = this.#open(current.value);
    const peer = opened === undefined ? undefined : await this.#peerOf(opened);
    if (opened?.refreshToken === undefined || peer === undefined) return err(refuse("invalid_token", "the token cannot be renewed"));
    const { refreshToken, origin, proof } = opened;
    const held = withoutTransactionScopes(toHeld(current.value)?.scope ?? new Set());
    const renewal = { refreshToken, held, proof };
    let renewed = await renewToken(peer, renewal);
    if (!renewed.ok && renewed.error.code === "authorization_server_unreachable") {
      renewed = await renewToken(peer, renewal);
    }
    if (!renewed.ok) {
      if (renewed.error.code === "invalid_token") await this.#replace(current, refreshToken, (row) => ({ ...row, refreshable: false }));
      return renewed;
    }
    const row = this.#seal(origin, renewed.value);
    if (await this.#replace(current, refreshToken, () => row)) return ok(renewed.value.accessToken);
    await revokeToken(peer, renewed.value.refreshToken ?? renewed.value.accessToken);
    return err(refuse("invalid_token", "the user signed out"));
  }

  /**
   * Writes what came of a renewal over the row that it began with, also when that was written meanwhile for another reason: the refresh token is spent, so its
   * successor must not be lost. A row with another refresh token is a newer grant and stays. False when the user has signed out.
   */
  async #replace(began: StoredRecord<TokenRow>, spent: Secret, change: (row: TokenRow) => TokenRow): Promise<boolean> {
    let current: StoredRecord<TokenRow> | undefined = began;
    while (current !== undefined) {
      if (this.#open(current.value)?.refreshToken?.reveal() !== spent.reveal()) return true;
      const options = { expiresAt: this.#options.clock() + retention.token.ms };
      if ((await this.#tokens.update(current.id, current.version, change(current.value), options)).ok) return true;
      current = await this.#tokens.get(began.id, this.#options.clock());
    }
    return false;
  }

  #accessOf(row: TokenRow): Result<Secret, Refusal> {
    const opened = this.#open(row);
    return opened === undefined ? err(refuse("invalid_token", "the token cannot be opened")) : ok(opened.accessToken);
  }

  #peerOf({ origin }: { readonly origin: TokenOrigin }): Promise<TokenPeer | undefined> {
    return this.#options.peers.find(origin);
  }

  #seal({ holder, server, clientId, indicator }: TokenOrigin, tokens: TokenSet): TokenRow {
    const plain = {
      accessToken: tokens.accessToken.reveal(),
      ...(tokens.refreshToken === undefined ? {} : { refreshToken: tokens.refreshToken.reveal() }),
      ...(tokens.proof === undefined ? {} : { proof: { jwk: tokens.proof.key.jwk.reveal(), binding: tokens.proof.binding } }),
      server: toServerDocument(server),
    };
    return {
      ...holder,
      clientId,
      indicator,
      scope: formatScope(tokens.scope),
      expiresAt: tokens.expiresAt,
      refreshable: tokens.refreshToken !== undefined,
      updatedAt: this.#options.clock(),
      sealed: this.#options.sealer.seal(JSON.stringify(plain), tokenSealingText(holder)),
    };
  }

  #open(row: TokenRow): OpenedToken | undefined {
    const holder = toHolder(row);
    const text = this.#options.sealer.open(row.sealed, tokenSealingText(holder));
    if (!text.ok) return undefined;
    const plain = sealedSchema.parse(JSON.parse(text.value));
    const server = judgeAuthorizationServer(plain.server, holder.issuer);
    if (!server.ok) return undefined;
    const refreshToken = plain.refreshToken === undefined ? undefined : new Secret(plain.refreshToken);
    const origin = { holder, server: server.value, clientId: row.clientId, indicator: row.indicator };
    if (plain.proof === undefined) return { origin, accessToken: new Secret(plain.accessToken), refreshToken, proof: undefined };
    const proof: TokenProof = { key: new ProofKey(new Secret(plain.proof.jwk)), binding: plain.proof.binding };
    return { origin, accessToken: new BoundToken(plain.accessToken, proof.key), refreshToken, proof };
  }
}

function toHeld(row: TokenRow | undefined): HeldToken | undefined {
  if (row === undefined) return undefined;
  const scope = parseScope(row.scope);
  return {
    holder: toHolder(row),
    scope: scope.ok ? scope.value : new Set(),
    expiresAt: row.expiresAt,
    refreshable: row.refreshable,
    clientId: row.clientId,
  };
}

function toHolder(row: TokenRow): TokenHolder {
  const resource = parseResourceUri(row.resource);
  const issuer = parseIssuer(row.issuer);
  if (!resource.ok || !issuer.ok) throw new TypeError("a token row names no resource or no issuer");
  return { userId: row.userId, resource: resource.value, issuer: issuer.value };
}

function tokenId(holder: TokenHolder): string {
  return digestText(`${holder.userId}\n${holder.issuer}\n${holder.resource}`);
}

function holderKey(userId: string, resource: ResourceUri): string {
  return digestText(`${userId}\n${resource}`);
}

function keysOf(holder: TokenHolder): Readonly<Record<string, string>> {
  return { user: holder.userId, holder: holderKey(holder.userId, holder.resource) };
}

/** What a token is bound to: a row moved to another user, issuer or resource does not open. */
export function tokenSealingText(holder: { readonly userId: string; readonly issuer: string; readonly resource: string }): string {
  return `host:token:${JSON.stringify([holder.userId, holder.issuer, holder.resource])}`;
}
