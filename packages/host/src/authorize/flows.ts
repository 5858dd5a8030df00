import type { EpochMs } from "@countersign/protocol/brand";
import { decideTokenBinding } from "@countersign/protocol/dpop";
import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import type { HostProfile } from "@countersign/protocol/ladder";
import { parseIssuer } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { coversScope, formatScope, selectScope, unionScopes, type ScopeSet } from "@countersign/protocol/scope";
import type { Database } from "@countersign/storage/open";
import type { Records, StoredRecord } from "@countersign/storage/records";
import type { Connector } from "../connectors.ts";
import { drain, drainPage } from "../keep/drain.ts";
import { digestText, newId } from "../digest.ts";
import type { Events } from "../events.ts";
import { retention } from "../keep/retention.ts";
import type { Audit } from "../options.ts";
import type { TraceStep } from "@countersign/protocol/trace-step";
import type { Recorder } from "../trace.ts";
import type { ClientOwner, Clients } from "./clients.ts";
import type { Discoverer, Discovery } from "./discovery.ts";
import { dueMinute, flowKeys, flowKind, isLive, scopeOf, slotKind, toFlowView, type FlowRow, type FlowView } from "./flow-record.ts";
import { toServerDocument } from "./server-document.ts";

/** The wish of a call, or of a connector, to wait for a grant. `attach` stores the flow's id with whoever waits and says whether it still does. */
export interface FlowDemand {
  readonly userId: string;
  readonly connector: Connector;
  /** The host that is acted out; unset, this one. */
  readonly profile?: HostProfile;
  readonly scope: ScopeSet;
  readonly resourceMetadata: string | undefined;
  /** Whether the resource challenged with the scheme DPoP. */
  readonly dpopChallenged?: boolean;
  readonly record: Recorder;
  attach(flowId: string): Promise<boolean>;
}

/** How a flow ends. */
export type FlowEnding = { readonly state: "granted" } | { readonly state: "denied" | "cancelled" | "expired" | "failed"; readonly code: ErrorCode };

export type StoredFlow = StoredRecord<FlowRow>;

export interface FlowsOptions {
  readonly database: Database<unknown>;
  readonly discoverer: Discoverer;
  readonly clients: Clients;
  readonly events: Events;
  readonly audit: Audit;
  readonly report: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly flowMs: number;
  readonly clock: () => EpochMs;
}

const attemptsMax = 20;

/** Authorization flows: at most one runs for each (user, resource, issuer), and every call that needs it waits for that one. */
export class Flows {
  readonly #options: FlowsOptions;
  readonly #flows: Records<FlowRow>;
  readonly #slots: Records<{ readonly flowId: string }>;
  readonly #onEnded: ((flow: StoredFlow) => Promise<void>)[] = [];

  constructor(options: FlowsOptions) {
    this.#options = options;
    this.#flows = options.database.records(flowKind);
    this.#slots = options.database.records(slotKind);
  }

  /**
   * Adds one who tells whoever waits for flows: calls, a connector's sign-in, or both. Listeners are told one after the other in the order in which they
   * were added, and may be told of the same flow more than once.
   */
  onEnded(deliver: (flow: StoredFlow) => Promise<void>): void {
    this.#onEnded.push(deliver);
  }

  /** Discovers who can authorize, then joins the running flow or begins one. A wider demand widens a flow that nobody has opened yet. */
  async join(demand: FlowDemand): Promise<Result<FlowView, Refusal>> {
    const { connector, record, resourceMetadata } = demand;
    const found = await this.#options.discoverer.discover({ owner: ownerOf(demand), resourceMetadata, record });
    if (!found.ok) return found;
    const { issuer } = found.value.server;
    const slotId = slotIdOf(demand.userId, connector.resource, issuer);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const now = this.#options.clock();
      // An expired slot that no sweep has deleted yet is taken over like any other.
      const slot = await this.#slots.get(slotId, Number.MIN_SAFE_INTEGER);
      const running = slot === undefined ? undefined : await this.#flows.get(slot.value.flowId, now);
      const joined =
        running !== undefined && isLive(running.value, now)
          ? await this.#joinRunning(running, demand)
          : await this.#begin(slotId, slot, demand, found.value);
      if (joined !== "again") return joined;
    }
    return err(refuse("conflict", "the sign-in changed too often at the same time"));
  }

  async get(flowId: string): Promise<StoredFlow | undefined> {
    return this.#flows.get(flowId, this.#options.clock());
  }

  async view(flowId: string): Promise<FlowView | undefined> {
    const flow = await this.get(flowId);
    return flow === undefined ? undefined : toFlowView(flow.id, flow.value);
  }

  /** The flow, if it is this user's. */
  async own(userId: string, flowId: string): Promise<FlowView | undefined> {
    const flow = await this.get(flowId);
    return flow?.value.userId === userId ? toFlowView(flow.id, flow.value) : undefined;
  }

  /** Stores a change of a live flow by compare-and-set; undefined when it is no longer live. */
  async change(flowId: string, change: (row: FlowRow) => FlowRow): Promise<StoredFlow | undefined> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const now = this.#options.clock();
      const flow = await this.#flows.get(flowId, now);
      if (flow === undefined || !isLive(flow.value, now)) return undefined;
      const updated = await this.#flows.update(flow.id, flow.version, change(flow.value));
      if (updated.ok) {
        this.#publish(updated.value);
        return updated.value;
      }
    }
    return undefined;
  }

  /**
   * Ends a live flow, exactly once, and tells the waiting calls. `within` runs in the same transaction. False when somebody else had ended it: then
   * `within` has had no effect.
   */
  async end(
    flowId: string,
    ending: FlowEnding,
    steps: readonly TraceStep[] = [],
    within?: (transaction: Database<unknown>) => Promise<void>,
  ): Promise<boolean> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const flow = await this.#flows.get(flowId, this.#options.clock());
      if (flow === undefined || (flow.value.state !== "ready" && flow.value.state !== "opened")) return false;
      if (await this.#endAt(flow, ending, steps, within)) return true;
    }
    return false;
  }

  /** Ends a live flow if it is still as it was read. */
  async #endAt(
    flow: StoredFlow,
    ending: FlowEnding,
    steps: readonly TraceStep[] = [],
    within?: (transaction: Database<unknown>) => Promise<void>,
  ): Promise<boolean> {
    const row = { ...flow.value, ...ending, trace: [...flow.value.trace, ...steps] };
    const ended = await this.#options.database.transaction(async (transaction) => {
      const updated = await transaction.records(flowKind).update(flow.id, flow.version, row, { keys: flowKeys(row, false) });
      if (updated.ok) await within?.(transaction);
      return updated;
    });
    if (!ended.ok) return false;
    const { userId, connectorId, issuer } = row;
    this.#options.audit(`flow.${ending.state}`, { userId, connectorId, issuer, flowId: flow.id, ...("code" in ending ? { code: ending.code } : {}) });
    const failedAt = ending.state === "granted" ? undefined : parseIssuer(issuer);
    if (failedAt?.ok === true) this.#options.discoverer.forget(failedAt.value);
    this.#publish(ended.value);
    await this.deliver(ended.value);
    return true;
  }

  /** Ends the user's own flow because the user said so. */
  async cancel(userId: string, flowId: string): Promise<Result<FlowView, Refusal>> {
    const flow = await this.get(flowId);
    if (flow === undefined || flow.value.userId !== userId) return err(refuse("not_found"));
    await this.end(flowId, { state: "cancelled", code: "cancelled" });
    const view = await this.view(flowId);
    return view === undefined ? err(refuse("not_found")) : ok(view);
  }

  /** Ends every live flow of a user's connector but those to `keep`, so that no token comes from a sign-in that the connector has no more use for. */
  async endOf(userId: string, connectorId: string, keep: (row: FlowRow) => boolean = () => false): Promise<void> {
    for (const { id, value } of await this.#flows.find("user", userId, this.#options.clock(), { limit: 1000 })) {
      if (value.connectorId === connectorId && !keep(value)) await this.end(id, { state: "cancelled", code: "cancelled" });
    }
  }

  /** Ends what is overdue and tells calls about ends that a crash kept from them. Looks back `minutes`. */
  async sweep(minutes: number): Promise<void> {
    const now = this.#options.clock();
    for (let back = 0; back <= minutes; back += 1) {
      await drain(
        () => this.#flows.find("due", dueMinute(now - back * 60_000), now, { limit: drainPage }),
        async (flow) => flow.value.expiresAt <= now && this.end(flow.id, { state: "expired", code: "flow_expired" }),
      );
    }
    for (const flow of await this.#flows.find("undelivered", "yes", now)) await this.deliver(flow);
  }

  /** Tells every listener. One that fails keeps neither the others nor another flow waiting; the sweep comes back to this flow. */
  async deliver(flow: StoredFlow): Promise<void> {
    const failures: unknown[] = [];
    for (const tell of this.#onEnded) await tell(flow).catch((error: unknown) => failures.push(error));
    for (const error of failures) this.#options.report("flow_not_told", { flowId: flow.id, error });
    if (failures.length === 0) await this.#flows.update(flow.id, flow.version, flow.value, { keys: flowKeys(flow.value, true) });
  }

  async #joinRunning(running: StoredFlow, demand: FlowDemand): Promise<Result<FlowView, Refusal> | "again"> {
    const row = running.value;
    const covered = coversScope(scopeOf(row), demand.scope);
    const scope = row.state === "ready" && !covered ? formatScope(unionScopes(scopeOf(row), demand.scope)) : row.scope;
    const how = covered ? "Joined the running sign-in" : row.state === "ready" ? "Widened the running sign-in" : "Waits behind the running sign-in";
    demand.record("authorization", how, { flowId: running.id, issuer: row.issuer });
    if (!(await demand.attach(running.id))) return err(refuse("conflict", "the call no longer waits"));
    // This write is what keeps a flow from ending unseen between the look at it and the call's joining.
    const updated = await this.#flows.update(running.id, running.version, { ...row, scope, waiting: row.waiting + 1 });
    if (!updated.ok) return "again";
    if (scope !== row.scope) this.#publish(updated.value);
    return ok(toFlowView(running.id, updated.value.value));
  }

  async #begin(
    slotId: string,
    slot: StoredRecord<{ readonly flowId: string }> | undefined,
    demand: FlowDemand,
    discovery: Discovery,
  ): Promise<Result<FlowView, Refusal> | "again"> {
    const client = await this.#options.clients.resolve(discovery.server, ownerOf(demand));
    if (!client.ok) {
      demand.record("error", "There is no client to sign in with", { code: client.error.code, reason: client.error.detail ?? "" });
      // Nothing at the paths that were merely assumed: the server has no sign-in at all.
      return discovery.assumed
        ? err(refuse("metadata_not_found", "the server publishes no metadata, and nothing answers where it used to be"))
        : client;
    }
    const { clientId, source, authentication } = client.value;
    demand.record("authorization", "Client chosen", { clientId, source, authentication: authentication.method });
    const binding = decideTokenBinding(discovery.server, discovery.resource, demand.dpopChallenged === true);
    if (!binding.ok) return binding;
    const now = this.#options.clock();
    const id = newId("flow");
    const scope = selectScope({
      demanded: demand.scope,
      fixed: demand.connector.settings?.scope,
      resourceSupported: discovery.resource.scopesSupported,
      serverSupported: discovery.server.scopesSupported,
    });
    const row: FlowRow = {
      userId: demand.userId,
      connectorId: demand.connector.id,
      resource: demand.connector.resource,
      indicator: discovery.resource.indicator,
      issuer: discovery.server.issuer,
      clientId,
      reach: demand.connector.reach,
      scope: formatScope(scope),
      state: "ready",
      starts: 0,
      waiting: 1,
      expiresAt: now + this.#options.flowMs,
      server: toServerDocument(discovery.server),
      ...(binding.value === "none" ? {} : { binding: binding.value }),
      trace: [],
    };
    const created = await this.#flows.create(id, row, { keys: flowKeys(row, false), expiresAt: row.expiresAt + retention.flow.ms });
    if (!created.ok) return "again";
    const kept = { keys: { user: demand.userId }, expiresAt: row.expiresAt + retention.flow_slot.ms };
    const won =
      slot === undefined
        ? await this.#slots.create(slotId, { flowId: id }, kept)
        : await this.#slots.update(slotId, slot.version, { flowId: id }, kept);
    if (!won.ok) {
      await this.#flows.delete(id);
      return "again";
    }
    demand.record("authorization", "Sign-in is ready to open", { flowId: id, issuer: row.issuer, scope: row.scope });
    if (!(await demand.attach(id))) {
      // Only as it was begun: a call that has joined since waits for it.
      await this.#endAt(created.value, { state: "cancelled", code: "cancelled" });
      return err(refuse("conflict", "the call no longer waits"));
    }
    this.#publish(created.value);
    return ok(toFlowView(id, row));
  }

  #publish(flow: StoredFlow): void {
    this.#options.events.publish(flow.value.userId, { type: "flow", data: toFlowView(flow.id, flow.value) }, flow.id);
  }
}

/** One place for each (user, resource, issuer): what makes flows single-flight. */
function slotIdOf(userId: string, resource: string, issuer: string): string {
  return digestText(`${userId}\n${resource}\n${issuer}`);
}

function ownerOf({ connector, profile }: FlowDemand): ClientOwner {
  return profile === undefined ? connector : { ...connector, profile };
}
