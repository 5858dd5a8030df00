import type { EpochMs } from "@countersign/protocol/brand";
import type { ErrorCode, Refusal } from "@countersign/protocol/errors";
import type { AuthorizationServer } from "@countersign/protocol/metadata";
import { parseBrowserUrl } from "@countersign/protocol/resource";
import { ok, type Result } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/open";
import type { Records, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { calculatePKCECodeChallenge, generateRandomCodeVerifier } from "oauth4webapi";
import { digestText, newToken } from "../digest.ts";
import { retention } from "../keep/retention.ts";
import type { Audit } from "../options.ts";
import type { Session, Sessions } from "../sessions.ts";
import { showDetail } from "@countersign/protocol/trace-message";
import type { WireMessage } from "@countersign/protocol/trace-step";
import { describeAuthorizationUrl, Trace } from "../trace.ts";
import type { Vault } from "../vault.ts";
import { callbackId } from "./callback-id.ts";
import { isLive, scopeOf, tripKind, type FlowRow, type TripRow } from "./flow-record.ts";
import type { FlowEnding, Flows, StoredFlow } from "./flows.ts";
import { endPage } from "./pages.ts";
import { readParties, type Peers } from "./peers.ts";
import { makeProof } from "./proof-key.ts";
import { parametersOf, redeemCode, revokeToken, type TokenPeer } from "./token-endpoint.ts";

export interface SignInOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly flows: Flows;
  readonly vault: Vault;
  readonly sessions: Sessions;
  readonly peers: Peers;
  readonly publicUrl: string;
  readonly clock: () => EpochMs;
  readonly audit: Audit;
  /** Told when a user's token for a connector has changed. */
  readonly onToken: (userId: string, connectorId: string) => void;
}

type Trip = StoredRecord<TripRow>;

/** Who begins a sign-in: the user of a session, or a product's user whose link this browser opened. */
export interface Starter {
  readonly userId: string;
  readonly byLink?: true;
}

const startsMax = 10;
const parameterLengthMax = 4096;

/** The user's way to an authorization server and back. State, verifier and code stay on this side; the browser carries only what the protocol shows it. */
export class SignIn {
  readonly #options: SignInOptions;
  readonly #trips: Records<TripRow>;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#trips = options.database.records(tripKind);
  }

  /** `GET /flows/<id>/start`: sends the popup to the authorization server (RFC 6749 section 4.1.1, RFC 7636, RFC 8707) and ties the trip to this browser. */
  async start(request: Request, starter: Starter, flowId: string): Promise<Response> {
    const flow = await this.#options.flows.get(flowId);
    if (flow === undefined || flow.value.userId !== starter.userId) return endPage({ granted: false, code: "not_found", status: 404 });
    if (!isLive(flow.value, this.#options.clock())) return endPage({ granted: false, code: flow.value.code ?? "flow_expired", status: 409 });
    if (flow.value.starts >= startsMax) return endPage({ granted: false, code: "rate_limited", status: 429 });
    const peer = await this.#options.peers.ofFlow(flow.value);
    if (peer === undefined) {
      await this.#options.flows.end(flowId, { state: "failed", code: "registration_unavailable" });
      return endPage({ granted: false, code: "registration_unavailable", status: 502 });
    }
    const { binding, setCookie } = this.#options.sessions.bindBrowser(request);
    const state = newToken();
    const verifier = generateRandomCodeVerifier();
    const url = await this.#authorizationUrl(flow.value, peer, state, verifier);
    if (!url.ok) {
      await this.#options.flows.end(flowId, { state: "failed", code: url.error.code });
      return endPage({ granted: false, code: url.error.code, status: 502 });
    }
    const id = digestText(state);
    const trip = {
      flowId,
      userId: starter.userId,
      binding,
      callbackId: idOf(flow.value),
      sealedVerifier: this.#options.sealer.seal(verifier, verifierSealingText(id)),
      ...(starter.byLink === true ? { byLink: true as const } : {}),
    };
    await this.#trips.create(id, trip, { keys: { user: starter.userId }, expiresAt: flow.value.expiresAt + retention.oauth_state.ms });
    const step = stepOf(this.#options.clock, "Sent to the sign-in service", describeAuthorizationUrl(url.value));
    const opened = await this.#options.flows.change(flowId, (row) => ({
      ...row,
      state: "opened",
      starts: row.starts + 1,
      // What this trip asks for, also where a call has widened the flow meanwhile: an answer without a scope grants no more than that.
      scope: flow.value.scope,
      trace: [...row.trace, step],
    }));
    if (opened === undefined) return endPage({ granted: false, code: "flow_expired", status: 409 });
    const headers = new Headers({ location: url.value.href, "cache-control": "no-store", "referrer-policy": "no-referrer" });
    if (setCookie !== undefined) headers.set("set-cookie", setCookie);
    return new Response(null, { status: 303, headers });
  }

  /**
   * `GET /callback/<id>`: judges the answer before anything is done with it (state, callback, user, browser, issuer, in this order), then redeems the code,
   * stores the token and ends the flow. An answer that is not this browser's changes nothing.
   */
  async callback(request: Request, session: Session | undefined, pathId: string): Promise<Response> {
    const parameters = new URL(request.url).searchParams;
    const refuse = (status: 400 | 403, reason: string, flowId?: string): Promise<Response> => {
      const { userId } = session ?? {};
      this.#options.audit("callback.refused", {
        code: "invalid_state",
        reason,
        ...(flowId === undefined ? {} : { flowId }),
        ...(userId === undefined ? {} : { userId }),
      });
      return endPage({ granted: false, code: "invalid_state", status });
    };
    const trip = await this.#findTrip(parameters, pathId);
    if (trip === undefined) return refuse(400, "the state is unknown, spent, expired or of another callback");
    const { flowId } = trip.value;
    const { byLink, userId, binding } = trip.value;
    if (byLink !== true && session?.userId !== userId) return refuse(403, "another user began this sign-in", flowId);
    if (this.#options.sessions.readBinding(request) !== binding) {
      return refuse(byLink === true ? 403 : 400, "another browser began this sign-in", flowId);
    }
    const taken = await this.#trips.consume(trip.id, this.#options.clock());
    const flow = await this.#options.flows.get(flowId);
    if (!taken.ok || flow === undefined || !isLive(flow.value, this.#options.clock())) return refuse(400, "the sign-in is over", flowId);
    const ending = await this.#finish(flow, trip, parameters);
    return ending.state === "granted" ? endPage({ granted: true }) : endPage({ granted: false, code: ending.code, status: 200 });
  }

  async #findTrip(parameters: URLSearchParams, pathId: string): Promise<Trip | undefined> {
    const doubled = [...new Set(parameters.keys())].some((name) => parameters.getAll(name).length > 1);
    const state = parameters.get("state");
    if (doubled || state === null || [...parameters.values()].some((value) => value.length > parameterLengthMax)) return undefined;
    const trip = await this.#trips.get(digestText(state), this.#options.clock());
    return trip === undefined || trip.consumedAt !== null || trip.value.callbackId !== pathId ? undefined : trip;
  }

  async #finish(flow: StoredFlow, trip: Trip, parameters: URLSearchParams): Promise<FlowEnding> {
    const { clock, flows } = this.#options;
    const steps = new Trace([], clock, () => {});
    const { server } = readParties(flow.value);
    const refusal = judgeAnswer(parameters, server);
    if (refusal !== undefined) {
      steps.record("error", "The sign-in answer was refused", { code: refusal });
      if (refusal !== "issuer_mismatch" && isClientUnknown(parameters))
        await (await this.#options.peers.ofFlow(flow.value))?.onClientRefused("browser");
      const ending: FlowEnding = { state: refusal === "access_denied" ? "denied" : "failed", code: refusal };
      await flows.end(flow.id, ending, steps.steps);
      return ending;
    }
    steps.record("authorization", "The sign-in service answered with a code", { code: "[masked]", state: "[masked]", issuer: flow.value.issuer });
    return this.#redeem(flow, trip, parameters, steps);
  }

  async #redeem(flow: StoredFlow, trip: Trip, parameters: URLSearchParams, steps: Trace): Promise<FlowEnding> {
    const { flows, sealer, vault } = this.#options;
    const peer = await this.#options.peers.ofFlow(flow.value);
    const verifier = sealer.open(trip.value.sealedVerifier, verifierSealingText(trip.id));
    if (peer === undefined || !verifier.ok) {
      await flows.end(flow.id, { state: "failed", code: "flow_failed" });
      return { state: "failed", code: "flow_failed" };
    }
    const messages: WireMessage[] = [];
    const onMessages = (seen: readonly WireMessage[]): void => void messages.push(...seen);
    const tokens = await redeemCode(
      { ...peer, onMessages },
      {
        callbackParameters: parameters,
        state: parameters.get("state") ?? "",
        redirectUri: this.#redirectUri(flow.value),
        verifier: new Secret(verifier.value),
        requestedScope: scopeOf(flow.value),
        proof: await makeProof(flow.value.binding ?? "none"),
      },
    );
    if (!tokens.ok) {
      const { code, detail } = tokens.error;
      steps.record("error", "The code could not be redeemed", { code, ...(detail === undefined ? {} : { reason: detail }) }, messages);
      const ending: FlowEnding = { state: "failed", code };
      await flows.end(flow.id, ending, steps.steps);
      return ending;
    }
    const granted = [...tokens.value.scope].toSorted();
    const { expiresAt } = tokens.value;
    steps.record("token", "Token received and stored", { token: "[masked]", scope: granted, expiresAt }, messages);
    const stored = await flows.end(flow.id, { state: "granted" }, steps.steps, (transaction) =>
      vault.store(transaction, peer.origin, tokens.value, flow.id),
    );
    if (stored) {
      this.#options.onToken(flow.value.userId, flow.value.connectorId);
      return { state: "granted" };
    }
    // The user gave up meanwhile: what was granted is given back.
    await revokeToken(peer, tokens.value.refreshToken ?? tokens.value.accessToken);
    return { state: "cancelled", code: "cancelled" };
  }

  async #authorizationUrl(row: FlowRow, peer: TokenPeer, state: string, verifier: string): Promise<Result<URL, Refusal>> {
    const { server, client } = peer;
    const endpoint = parseBrowserUrl(server.authorizationEndpoint);
    if (!endpoint.ok) return endpoint;
    const url = new URL(endpoint.value);
    const parameters: Readonly<Record<string, string>> = {
      ...parametersOf(peer),
      response_type: "code",
      client_id: client.clientId,
      redirect_uri: this.#redirectUri(row),
      state,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...(row.scope === "" ? {} : { scope: row.scope }),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const whole = parseBrowserUrl(url.href);
    return whole.ok ? ok(url) : whole;
  }

  #redirectUri(row: FlowRow): string {
    return `${this.#options.publicUrl}/callback/${idOf(row)}`;
  }
}

/** The server does not know this client, or not for this grant (RFC 6749 section 4.1.2.1, and what some say instead). */
function isClientUnknown(parameters: URLSearchParams): boolean {
  const error = parameters.get("error");
  return error === "unauthorized_client" || error === "invalid_client";
}

/** Judges what came back (RFC 9207 section 2.4, RFC 6749 section 4.1.2.1). Texts of the answer are never shown. */
function judgeAnswer(parameters: URLSearchParams, server: AuthorizationServer): ErrorCode | undefined {
  const issuer = parameters.get("iss");
  if (issuer === null ? server.authorizationResponseIssParameterSupported : issuer !== server.issuer) return "issuer_mismatch";
  const error = parameters.get("error");
  if (error !== null) return error === "access_denied" ? "access_denied" : "flow_failed";
  return parameters.get("code") === null ? "flow_failed" : undefined;
}

function idOf(row: FlowRow): string {
  const { holder } = readParties(row);
  return callbackId(holder.resource, holder.issuer);
}

/** What the verifier of one trip is bound to. */
export function verifierSealingText(tripId: string): string {
  return `host:verifier:${tripId}`;
}

function stepOf(clock: () => EpochMs, title: string, detail: Readonly<Record<string, unknown>>): FlowRow["trace"][number] {
  return { seq: 0, at: clock(), step: "authorization", title, detail: showDetail(detail) };
}
