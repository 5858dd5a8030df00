import type { EpochMs, Issuer, ResourceUri } from "@countersign/protocol/brand";
import { chooseClientAuthMethod, clientAuthMethods, type ClientAuthMethod } from "@countersign/protocol/client-authentication";
import { judgeClientRegistration, type ClientRegistration } from "@countersign/protocol/client-registration";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import type { AuthorizationServer } from "@countersign/protocol/metadata";
import { err, ok, type Result } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import { member } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import type { Reach } from "@countersign/service/dial/address";
import { dial } from "@countersign/service/dial/dial";
import { digestText, newId } from "../digest.ts";
import { retention } from "../keep/retention.ts";
import { callbackId } from "./callback-id.ts";
import { grantsAt, type ClientDocuments } from "./client-document.ts";
import { refusalOfDial } from "./dial-refusal.ts";

/** A client as its server registered it. */
export interface RegisteredByProtocol {
  readonly clientId: string;
  readonly method: ClientAuthMethod;
  readonly secret: Secret | undefined;
}

type RegistrationRow =
  | { readonly state: "pending"; readonly owner: string }
  | {
      readonly state: "registered";
      readonly issuer: string;
      readonly clientId: string;
      readonly method: ClientAuthMethod;
      readonly sealedSecret?: string | undefined;
    };

const registrationSchema = z.discriminatedUnion("state", [
  z.object({ state: z.literal("pending"), owner: z.string() }),
  z.object({
    state: z.literal("registered"),
    issuer: z.string(),
    clientId: z.string(),
    method: z.enum(clientAuthMethods),
    sealedSecret: z.string().optional(),
  }),
]);
const registrationKind: RecordKind<RegistrationRow> = {
  name: "client_registration",
  parse: (json) => registrationSchema.parse(json),
};

const answerBytesMax = 64 * 1024;
/** How long one instance may take to register before another tries. Longer than a request may take. */
const pendingMs = 30_000;
const pollMs = 100;
/** A secret that ends within a sign-in is of no use. */
const expiryMarginMs = 15 * 60 * 1000;

export interface RegistrationsOptions {
  readonly database: Pick<Database<unknown>, "records">;
  readonly sealer: Sealer;
  readonly documents: ClientDocuments;
  readonly timeoutMs: number;
  readonly clock: () => EpochMs;
}

/** The clients that servers registered at this host's request (RFC 7591): one per (issuer, callback), made once however many ask, secrets sealed. */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #records: Records<RegistrationRow>;
  readonly #running = new Map<string, Promise<Result<RegisteredByProtocol, Refusal>>>();

  constructor(options: RegistrationsOptions) {
    this.#options = options;
    this.#records = options.database.records(registrationKind);
  }

  /** The client for this callback, if one is registered and its secret lives. */
  async find(issuer: Issuer, resource: ResourceUri): Promise<RegisteredByProtocol | undefined> {
    const id = callbackId(resource, issuer);
    return this.#read(issuer, await this.#records.get(id, this.#options.clock()));
  }

  /** The client of this id, if this callback has it, or had it before {@link Registrations.supersede}. */
  async findClient(issuer: Issuer, resource: ResourceUri, clientId: string): Promise<RegisteredByProtocol | undefined> {
    const current = await this.find(issuer, resource);
    if (current?.clientId === clientId) return current;
    const earlier = this.#read(issuer, await this.#records.get(earlierId(callbackId(resource, issuer), clientId), this.#options.clock()));
    return earlier?.clientId === clientId ? earlier : undefined;
  }

  /** The same, registered now if need be. Refuses with `registration_unavailable`, `unsafe_url` or `authorization_server_unreachable`. */
  async register(server: AuthorizationServer, resource: ResourceUri, reach: Reach): Promise<Result<RegisteredByProtocol, Refusal>> {
    const id = callbackId(resource, server.issuer);
    const running = this.#running.get(id);
    if (running !== undefined) return running;
    const started = this.#registerOnce(id, server, reach).finally(() => this.#running.delete(id));
    this.#running.set(id, started);
    return started;
  }

  /** Forgets a client that its server no longer knows. The next sign-in registers anew; one that was registered meanwhile stays. */
  async forget(issuer: Issuer, resource: ResourceUri, clientId: string): Promise<void> {
    const id = callbackId(resource, issuer);
    for (const each of [id, earlierId(id, clientId)]) {
      const row = await this.#records.get(each, this.#options.clock());
      if (row?.value.state !== "registered" || row.value.clientId !== clientId) continue;
      // Expired from now on: deleting could hit the successor.
      await this.#records.update(each, row.version, row.value, { expiresAt: 0 });
    }
  }

  /**
   * Lets the next sign-in register anew, and keeps this client for what was granted to it: for a refusal that came through a browser, whose user could have
   * written it, and the client is everybody's.
   */
  async supersede(issuer: Issuer, resource: ResourceUri, clientId: string): Promise<void> {
    const id = callbackId(resource, issuer);
    const row = await this.#records.get(id, this.#options.clock());
    if (row?.value.state !== "registered" || row.value.clientId !== clientId) return;
    await this.#records.put(earlierId(id, clientId), row.value, { expiresAt: row.expiresAt });
    await this.#records.update(id, row.version, row.value, { expiresAt: 0 });
  }

  async #registerOnce(id: string, server: AuthorizationServer, reach: Reach): Promise<Result<RegisteredByProtocol, Refusal>> {
    const owner = newId("registering");
    for (;;) {
      const now = this.#options.clock();
      const row = await this.#records.get(id, now);
      const known = this.#read(server.issuer, row);
      if (known !== undefined) return ok(known);
      if (row?.value.state === "pending") {
        await new Promise((resolve) => setTimeout(resolve, pollMs));
        continue;
      }
      // What does not open any more is given up, unless somebody else has done so and goes on.
      if (row !== undefined) await this.#records.update(id, row.version, row.value, { expiresAt: 0 });
      const taken = await this.#records.create(id, { state: "pending", owner }, { expiresAt: now + pendingMs });
      if (taken.ok) return this.#registerAs(taken.value, server, reach);
      // An expired row is in the way until it is deleted.
      if ((await this.#records.get(id, now)) === undefined) await this.#records.deleteExpired(now, 500);
    }
  }

  async #registerAs(
    pending: StoredRecord<RegistrationRow>,
    server: AuthorizationServer,
    reach: Reach,
  ): Promise<Result<RegisteredByProtocol, Refusal>> {
    const registered = await this.#ask(pending.id, server, reach);
    if (!registered.ok) {
      await this.#records.delete(pending.id);
      return registered;
    }
    const { clientId, method, secret, expiresAt } = registered.value;
    const sealedSecret =
      secret === undefined ? {} : { sealedSecret: this.#options.sealer.seal(secret.reveal(), registrationSealingText(server.issuer, clientId)) };
    const kept = await this.#records.update(
      pending.id,
      pending.version,
      { state: "registered", issuer: server.issuer, clientId, method, ...sealedSecret },
      { expiresAt: Math.min(this.#options.clock() + retention.client_registration.ms, (expiresAt ?? Number.MAX_SAFE_INTEGER) - expiryMarginMs) },
    );
    // Somebody took over while the server was slow: theirs is the one that every instance sees.
    const winner = kept.ok ? kept.value : await this.#records.get(pending.id, this.#options.clock());
    const client = this.#read(server.issuer, winner);
    return client === undefined ? err(refuse("conflict", "the registration changed meanwhile")) : ok(client);
  }

  async #ask(id: string, server: AuthorizationServer, reach: Reach): Promise<Result<ClientRegistration, Refusal>> {
    const { documents, timeoutMs } = this.#options;
    const endpoint = server.registrationEndpoint;
    const method = chooseClientAuthMethod(server, documents.published ? ["key", "secret", "nothing"] : ["secret", "nothing"]);
    if (endpoint === undefined || method === undefined) {
      return err(refuse("registration_unavailable", `${server.issuer} offers no way to register that this host can use`));
    }
    const metadata = documents.metadata(id, method, grantsAt(server));
    try {
      const headers = new Headers({ accept: "application/json", "content-type": "application/json" });
      const request = { method: "POST", headers, body: JSON.stringify(metadata) };
      const response = await dial(new URL(endpoint), request, { reach, timeoutMs, responseBytesMax: answerBytesMax });
      const text = await response.text();
      if (response.status >= 500 || response.status === 429) {
        return err(refuse("authorization_server_unreachable", `the registration endpoint answered ${response.status}`));
      }
      if (response.status !== 201 && response.status !== 200) return err(refusalOfRegistration(response.status, text));
      return judgeClientRegistration(JSON.parse(text), metadata);
    } catch (error) {
      if (error instanceof SyntaxError) return err(refuse("invalid_metadata", "the registration answer is not JSON"));
      return err(refusalOfDial(error, "registration_unavailable"));
    }
  }

  #read(issuer: Issuer, row: StoredRecord<RegistrationRow> | undefined): RegisteredByProtocol | undefined {
    if (row?.value.state !== "registered" || row.value.issuer !== issuer) return undefined;
    const { clientId, method, sealedSecret } = row.value;
    if (sealedSecret === undefined) return { clientId, method, secret: undefined };
    const secret = this.#options.sealer.open(sealedSecret, registrationSealingText(issuer, clientId));
    return secret.ok ? { clientId, method, secret: new Secret(secret.value) } : undefined;
  }
}

/** RFC 7591 section 3.2.2. The server's own words are not repeated, only its code. */
function refusalOfRegistration(status: number, text: string): Refusal {
  const code = member(parseOrNothing(text), "error");
  const known = typeof code === "string" && /^[a-z_]{1,60}$/.test(code) ? `: ${code}` : "";
  return refuse(
    "registration_unavailable",
    `the server refused to register this client (${status}${known}); enter a client in the connector's settings`,
  );
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where a client is kept that is no longer used for new sign-ins. */
function earlierId(id: string, clientId: string): string {
  return `${id}.${digestText(clientId)}`;
}

/** What a registered client's secret is sealed to: its issuer and itself. */
export function registrationSealingText(issuer: string, clientId: string): string {
  return `host:client_registration:${JSON.stringify([issuer, clientId])}`;
}
