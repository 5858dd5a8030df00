import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { askerOf, clientAddressHeader } from "@countersign/service/client-address";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import { z } from "zod";
import type { ApiClient, ApiClients } from "../api-clients.ts";
import type { Connectors } from "../connectors.ts";
import { digestText, newToken } from "../digest.ts";
import { addressRates, type Rates } from "../limits/rates.ts";
import { retention } from "../keep/retention.ts";
import type { Audit } from "../options.ts";
import type { Sessions } from "../sessions.ts";
import { accountPage } from "./account-page.ts";
import { isLive } from "./flow-record.ts";
import type { Flows, StoredFlow } from "./flows.ts";
import { endPage, spentLinkPage } from "./pages.ts";
import type { SignIn } from "./sign-in.ts";

/** A one-time way for one user of one product to begin one flow, by the digest of its token. */
interface LinkRow {
  readonly flowId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly account: string;
}

/** The browser that opened a link, by the digest of the visit's token. */
interface VisitRow extends LinkRow {
  readonly binding: string;
}

const linkShape = { flowId: z.string(), userId: z.string(), clientId: z.string(), account: z.string() };
const linkSchema = z.object(linkShape);
const linkKind: RecordKind<LinkRow> = { name: "start_link", parse: (json) => linkSchema.parse(json) };
const visitSchema = z.object({ ...linkShape, binding: z.string() });
const visitKind: RecordKind<VisitRow> = { name: "start_visit", parse: (json) => visitSchema.parse(json) };

export interface StartLinksOptions {
  readonly database: Database<unknown>;
  readonly flows: Flows;
  readonly connectors: Connectors;
  readonly signIn: SignIn;
  readonly sessions: Sessions;
  readonly apiClients: ApiClients;
  readonly publicUrl: string;
  readonly clock: () => EpochMs;
  readonly audit: Audit;
  readonly rates: Rates;
}

export interface StartLink {
  readonly url: string;
  readonly expiresAt: EpochMs;
}

interface Visited {
  readonly visit: StoredRecord<VisitRow>;
  readonly client: ApiClient;
  readonly flow: StoredFlow;
}

/**
 * Sign-in of a product's user, who has no session here: a link is opened once, ties the sign-in to the browser that opened it, names the account that gets
 * the access, and goes on only when the person says so (docs/decisions/0013).
 */
export class StartLinks {
  readonly #options: StartLinksOptions;
  readonly #links: Records<LinkRow>;
  readonly #visits: Records<VisitRow>;

  constructor(options: StartLinksOptions) {
    this.#options = options;
    this.#links = options.database.records(linkKind);
    this.#visits = options.database.records(visitKind);
  }

  /** Makes a link that opens this user's live flow once within a minute. `account` is how the product names its user to the user. */
  async make(client: ApiClient, userId: string, flowId: string, account: string): Promise<Result<StartLink, Refusal>> {
    const { flows, publicUrl, clock } = this.#options;
    const flow = await flows.get(flowId);
    if (flow === undefined || flow.value.userId !== userId) return err(refuse("not_found"));
    const now = clock();
    if (!isLive(flow.value, now)) return err(refuse("flow_expired", `the flow is ${flow.value.state}`));
    const token = newToken();
    const expiresAt = Math.min(now + retention.start_link.ms, flow.value.expiresAt);
    await this.#links.create(digestText(token), { flowId, userId, clientId: client.id, account }, { keys: { user: userId }, expiresAt });
    return ok({ url: `${publicUrl}/flows/link/${token}`, expiresAt });
  }

  /** `GET /flows/link/<token>`: spends the link, ties it to this browser, and goes to an address without the token. */
  async open(request: Request, token: string): Promise<Response> {
    // What fetches ahead of the person must not spend the person's link.
    if (request.method !== "GET" || request.headers.has("sec-purpose")) return this.#refused(400, "a link is opened by a person");
    const asker = askerOf(request.headers.get(clientAddressHeader) ?? "");
    const room = this.#options.rates.take(`link ${asker}`, addressRates.link);
    if (!room.ok) return endPage({ granted: false, code: "rate_limited", status: 429 });
    const taken = await this.#links.consume(digestText(token), this.#options.clock());
    if (!taken.ok) return this.#refused(400, `the link is ${taken.error}`);
    const link = taken.value.value;
    const flow = await this.#options.flows.get(link.flowId);
    if (flow === undefined || !isLive(flow.value, this.#options.clock())) return endPage({ granted: false, code: "flow_expired", status: 409 });
    const { binding, setCookie } = this.#options.sessions.bindBrowser(request);
    const visitToken = newToken();
    const options = { keys: { user: link.userId }, expiresAt: flow.value.expiresAt + retention.start_visit.ms };
    await this.#visits.create(digestText(visitToken), { ...link, binding }, options);
    const headers = new Headers({ location: `/flows/visit/${visitToken}`, "cache-control": "no-store", "referrer-policy": "no-referrer" });
    if (setCookie !== undefined) headers.set("set-cookie", setCookie);
    return new Response(null, { status: 303, headers });
  }

  /** `GET /flows/visit/<token>`: names product, account and server. Only in the browser that opened the link. */
  async show(request: Request, token: string): Promise<Response> {
    const visited = await this.#visited(request, token);
    if (visited instanceof Response) return visited;
    const { visit, client, flow } = visited;
    const connector = await this.#options.connectors.find(visit.value.userId, flow.value.connectorId);
    if (!connector.ok) return this.#refused(400, "the connector is gone", visit.value);
    return accountPage({
      product: client.name,
      account: visit.value.account,
      connector: connector.value.name,
      connectorHost: new URL(flow.value.resource).host,
      authorizationServerHost: new URL(flow.value.issuer).host,
      continueUrl: `/flows/visit/${token}/continue`,
      declineUrl: `/flows/visit/${token}/decline`,
    });
  }

  /** `GET /flows/visit/<token>/continue`: goes on to the authorization server. Only from the page before. */
  async begin(request: Request, token: string): Promise<Response> {
    const visited = await this.#visited(request, token, "from the page");
    if (visited instanceof Response) return visited;
    const { userId, flowId } = visited.visit.value;
    return this.#options.signIn.start(request, { userId, byLink: true }, flowId);
  }

  /** `GET /flows/visit/<token>/decline`: the person says that the account is not theirs, which ends the flow. */
  async decline(request: Request, token: string): Promise<Response> {
    const visited = await this.#visited(request, token, "from the page");
    if (visited instanceof Response) return visited;
    const { visit, flow } = visited;
    await this.#visits.delete(visit.id);
    await this.#options.flows.end(flow.id, { state: "denied", code: "access_denied" });
    return endPage({ granted: false, code: "access_denied", status: 200 });
  }

  async #visited(request: Request, token: string, how?: "from the page"): Promise<Visited | Response> {
    const { clock, sessions, apiClients, flows } = this.#options;
    const visit = await this.#visits.get(digestText(token), clock());
    if (visit === undefined) return this.#refused(400, "the visit is unknown or over");
    if (sessions.readBinding(request) !== visit.value.binding) return this.#refused(403, "another browser opened the link", visit.value);
    const site = request.headers.get("sec-fetch-site");
    if (how === "from the page" && site !== null && site !== "same-origin")
      return this.#refused(403, "not from the page that names the account", visit.value);
    const client = apiClients.find(visit.value.clientId);
    if (client === undefined) return this.#refused(400, "the product is not known any more", visit.value);
    const flow = await flows.get(visit.value.flowId);
    if (flow === undefined || !isLive(flow.value, clock())) return endPage({ granted: false, code: flow?.value.code ?? "flow_expired", status: 409 });
    return { visit, client, flow };
  }

  #refused(status: 400 | 403, reason: string, visit?: VisitRow): Promise<Response> {
    const whose = visit === undefined ? {} : { userId: visit.userId, flowId: visit.flowId };
    this.#options.audit("link.refused", { code: "invalid_state", reason, ...whose });
    return spentLinkPage(status);
  }
}
