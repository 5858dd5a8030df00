import { instanceKeptMs } from "@countersign/storage/instances";
import { resealProgressKeptMs } from "@countersign/storage/reseal";

/** How long one kind of record is kept. The record expires `ms` after the moment that `from` names; the sweep deletes it then, together with its index keys. */
export interface RetentionRule {
  /** What a record of this kind holds, in words for operators. */
  readonly holds: string;
  readonly from: string;
  readonly ms: number;
  /** Which fields are sealed. All others may be read by whoever can read the database. */
  readonly sealed: readonly string[];
  /** What deletes it before its time. */
  readonly endedBy?: string;
}

/** A kind of record of the host, by its name in the database. */
export type KeptKind =
  | "session"
  | "settings"
  | "connector"
  | "connector_standing"
  | "tool_pin"
  | "token"
  | "flow_grant"
  | "refresh_lease"
  | "call"
  | "flow"
  | "flow_slot"
  | "oauth_state"
  | "start_link"
  | "start_visit"
  | "device_code"
  | "widget"
  | "widget_document"
  | "widget_state"
  | "file"
  | "file_content"
  | "file_link"
  | "app_return"
  | "conversation"
  | "assertion_key"
  | "client_registration"
  | "quiet"
  | "instance"
  | "reseal_progress";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * Every kind of record that a host keeps, by its name in the database. There is no record without an end: a host that nobody uses any more holds nothing.
 * Whoever writes a record takes its lifetime from here, and the sweep deletes by the names of this table.
 */
export const retention: Readonly<Record<KeptKind, RetentionRule>> = {
  session: { holds: "a user's session: the digest of its cookie", from: "its last renewal, at most once a day", ms: 30 * dayMs, sealed: [] },
  settings: {
    holds: "which host this one acts out for a user of the console",
    from: "its last change; after that it is the default again",
    ms: 180 * dayMs,
    sealed: [],
  },
  connector: {
    holds: "the address of a server that a user added, and what was fixed for it",
    from: "its last use, renewed at most once a day",
    ms: 180 * dayMs,
    sealed: ["settings.sealedSecret"],
    endedBy: "removing the connector",
  },
  connector_standing: {
    holds: "how a user's connection to a server stands, and what the server demanded",
    from: "its last change; it is learned anew after that",
    ms: 30 * dayMs,
    sealed: [],
    endedBy: "removing the connector",
  },
  tool_pin: {
    holds: "what a tool was when a user first used it or last agreed to it",
    from: "its last use, renewed at most once a day",
    ms: 180 * dayMs,
    sealed: [],
    endedBy: "removing the connector",
  },
  token: {
    holds: "what a user was granted at one issuer for one server",
    from: "the grant or its last renewal",
    ms: 60 * dayMs,
    sealed: ["sealed"],
    endedBy: "sign-out, or a server that refuses the token for good",
  },
  flow_grant: {
    holds: "the token of one sign-in, for the calls that waited for it",
    from: "the token's own end",
    ms: 0,
    sealed: ["sealed"],
    endedBy: "sign-out",
  },
  refresh_lease: { holds: "which instance renews a token now", from: "its beginning", ms: 60_000, sealed: [], endedBy: "the end of the renewal" },
  call: {
    holds: "a tool call: where it stands, its steps, arguments, result, what its server asks the user and what the user answered",
    from: "its deadline",
    ms: hourMs,
    sealed: ["sealedArguments", "sealedResult", "sealedAsking", "sealedContinuation"],
  },
  flow: { holds: "one sign-in: who, where, which scopes, its steps", from: "its deadline", ms: hourMs, sealed: [] },
  flow_slot: { holds: "which sign-in runs for a user and a server", from: "the sign-in's deadline", ms: hourMs, sealed: [] },
  oauth_state: {
    holds: "one trip of a browser to a sign-in page: the digest of its state, the verifier",
    from: "the sign-in's deadline",
    ms: 0,
    sealed: ["sealedVerifier"],
  },
  start_link: {
    holds: "a one-time link by which a product's user begins a sign-in, by the digest of its token",
    from: "its making",
    ms: minuteMs,
    sealed: [],
  },
  start_visit: {
    holds: "the browser that opened such a link: the digest of its cookie",
    from: "the sign-in's deadline",
    ms: 0,
    sealed: [],
  },
  device_code: {
    holds: "one sign-in on another device: its device code and verifier, and who polls",
    from: "the code's end",
    ms: hourMs,
    sealed: ["sealed"],
    endedBy: "the sign-in's end",
  },
  widget: { holds: "one view on a page: its app, its policy, the digest of its address", from: "its making", ms: dayMs, sealed: [] },
  widget_document: { holds: "the text of a view, by its digest", from: "the last view made of it", ms: 2 * dayMs, sealed: [] },
  widget_state: { holds: "what a view wants back after a reload", from: "its last change", ms: 7 * dayMs, sealed: ["sealed"] },
  file: { holds: "name, type and size of a file that a user gave to an app", from: "its upload", ms: dayMs, sealed: [] },
  file_content: { holds: "the bytes of such a file", from: "its upload", ms: dayMs, sealed: ["sealed"] },
  file_link: { holds: "a way to one file: the digest of its token", from: "its making", ms: 10 * minuteMs, sealed: [] },
  app_return: {
    holds: "a window that an app had opened: the digest of its way back, and what it came back with",
    from: "its opening",
    ms: 10 * minuteMs,
    sealed: ["sealedParameters"],
  },
  conversation: { holds: "a chat with the model", from: "its last message", ms: 7 * dayMs, sealed: ["sealed"] },
  assertion_key: {
    holds: "a key with which the host proves who it is to authorization servers",
    from: "its making; it signs for 90 days and stays published for 4 more",
    ms: 94 * dayMs,
    sealed: ["sealed"],
  },
  client_registration: {
    holds: "the client that an authorization server registered for one callback of this host",
    from: "the registration; sooner when its secret ends",
    ms: 365 * dayMs,
    sealed: ["sealedSecret"],
    endedBy: "a server that no longer knows the client",
  },
  quiet: { holds: "that a user has just refused a sign-in or a question of a connector", from: "the refusal", ms: minuteMs, sealed: [] },
  instance: {
    holds: "a running instance and the id of the key that it seals with",
    from: "its last sign of life, every minute",
    ms: instanceKeptMs,
    sealed: [],
    endedBy: "its orderly stop",
  },
  reseal_progress: {
    holds: "how far a change of the sealing key has come",
    from: "its last step",
    ms: resealProgressKeptMs,
    sealed: [],
    endedBy: "the end of the change",
  },
};

/** The same table for whoever goes through it. */
export const retentionRules: readonly (RetentionRule & { readonly kind: string })[] = Object.entries(retention).map(([kind, rule]) => ({
  kind,
  ...rule,
}));
