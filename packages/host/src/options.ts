import type { EpochMs } from "@countersign/protocol/brand";
import type { ClientAuthMethod } from "@countersign/protocol/client-authentication";
import type { ErrorCode } from "@countersign/protocol/errors";
import type { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/open";
import type { Sealer } from "@countersign/storage/sealed";
import type { ConnectorSettings } from "./connectors/settings.ts";
import type { ApiClient } from "./api-clients.ts";

/** An OAuth client that was registered with an issuer beforehand. Without a secret or a method it is a public client. */
export interface RegisteredClient {
  readonly clientId: string;
  readonly clientSecret?: Secret;
  /** How it was registered; unset, by secret as the server offers it, or `none`. `private_key_jwt` is with the host's own published key. */
  readonly tokenEndpointAuthMethod?: ClientAuthMethod;
}

/** A connector that every user has, from configuration. */
export interface PreconfiguredConnector {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly settings?: ConnectorSettings;
}

/** An OpenAI-compatible chat endpoint; `baseUrl` is what precedes `/chat/completions`. */
export interface ModelOptions {
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey?: Secret;
}

/** Bounds that an operator or a test may change. In milliseconds, bytes or a number. */
export interface HostLimits {
  readonly callMs: number;
  readonly flowMs: number;
  readonly requestTimeoutMs: number;
  readonly authorizationTimeoutMs: number;
  readonly toolsAgeMs: number;
  readonly resultBytesMax: number;
  /** Calls of one user that wait for sign-in or answers. */
  readonly pendingCallsMax: number;
  /** Calls of one user that are under way in one process. */
  readonly runningCallsMax: number;
  /** Requests of one user that wait for a call to change, in one process. */
  readonly heldPollsMax: number;
  /** Multiplies every bound on how often something may be asked (limits/rates.ts). */
  readonly rateFactor: number;
}

export const hostLimits: HostLimits = {
  callMs: 15 * 60 * 1000,
  flowMs: 10 * 60 * 1000,
  requestTimeoutMs: 60_000,
  authorizationTimeoutMs: 10_000,
  toolsAgeMs: 60_000,
  resultBytesMax: 4 * 1024 * 1024,
  pendingCallsMax: 100,
  runningCallsMax: 50,
  heldPollsMax: 100,
  rateFactor: 1,
};

/** One line of the audit log. `event` is a fixed dotted name. */
export type Audit = (
  event: string,
  fields: {
    readonly userId?: string;
    readonly callId?: string;
    readonly flowId?: string;
    readonly connectorId?: string;
    readonly issuer?: string;
    readonly tool?: string;
    readonly code?: ErrorCode;
    readonly reason?: string;
  },
) => void;

export interface HostOptions {
  /** Origin of the console, without a trailing slash. */
  readonly publicUrl: string;
  /** Origin of the widget pages with `{app}` where the app's label stands, such as `http://{app}.localhost:4101`. */
  readonly widgetOrigin: string;
  /** Opened with schema `host` and no migrations. The host closes it. */
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly connectors: readonly PreconfiguredConnector[];
  /** Pre-registered clients by issuer. */
  readonly clients: Readonly<Record<string, RegisteredClient>>;
  /** Products that embed this host. */
  readonly apiClients?: readonly ApiClient[];
  /** Address of a client metadata document that the operator publishes, in place of the host's own ones. It lists every callback and the method `none`. */
  readonly clientMetadataUrl?: string;
  readonly model?: ModelOptions;
  /** Folder with the built console; its absence is answered with a sentence. */
  readonly consoleFolder?: string;
  readonly limits?: Partial<HostLimits>;
  /**
   * The one user, of a product that embeds this host, of a host that lives no longer than they wait, as a command line's: calls that an earlier process left open
   * are ended at the start, because nobody reads them any more. Without it they are taken up again.
   */
  readonly soleUser?: { readonly clientId: string; readonly user: string };
  readonly clock?: () => EpochMs;
  /** Told of every security decision that ended something: who, what, which code; never given a secret. */
  readonly audit?: Audit;
  /** Told about failures that nobody else sees; never given a secret. */
  readonly report?: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}
