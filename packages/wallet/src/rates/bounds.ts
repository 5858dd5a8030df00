import type { RateBound } from "@countersign/protocol/rate";

/** What is counted. */
export type RateName =
  | "authorize"
  | "ceremony"
  | "ceremonyAddress"
  | "register"
  | "tokenError"
  | "lodge"
  | "deviceStart"
  | "userCode"
  | "userCodeAddress"
  | "clientRegistration"
  | "clientRegistrations"
  | "clientDocument"
  | "recovery"
  | "approvalLink"
  | "phoneTicket"
  | "phoneTicketAddress"
  | "accountWrite";

/**
 * How often each may happen for one key. Nothing here is keyed by an account that somebody else can name, and a right passkey is never counted against its
 * owner: guessing is slowed down, and nobody can be locked out by it. "Address" is an IPv4 address or the first 64 bits of an IPv6 one.
 */
export const rateBounds: Readonly<Record<RateName, RateBound>> = {
  /** Authorization requests, by address: each keeps a record for 20 minutes. */
  authorize: { burst: 300, perMinute: 300 },
  /** Challenges, by interaction, which only its own browser can name. */
  ceremony: { burst: 30, perMinute: 10 },
  /** Challenges, by address: each keeps a record for 2 minutes. */
  ceremonyAddress: { burst: 600, perMinute: 600 },
  /** New accounts, by address: each is kept for good. */
  register: { burst: 60, perMinute: 6 },
  /** Refused calls of the token, introspection, revocation and request endpoints, by address. */
  tokenError: { burst: 300, perMinute: 120 },
  /** New payment requests, by payee. */
  lodge: { burst: 600, perMinute: 600 },
  /** New device codes, by address. */
  deviceStart: { burst: 30, perMinute: 30 },
  /** Wrong user codes, by session. */
  userCode: { burst: 5, perMinute: 1 },
  /** Wrong user codes, by address. */
  userCodeAddress: { burst: 30, perMinute: 3 },
  /** Dynamic registrations (RFC 7591), by address. */
  clientRegistration: { burst: 20, perMinute: 2 },
  /** Dynamic registrations of all addresses together: with a day for each that is not used, some 7,500 are kept at most. */
  clientRegistrations: { burst: 300, perMinute: 5 },
  /** Client documents that are fetched for a stranger, by address. */
  clientDocument: { burst: 30, perMinute: 30 },
  /** Recovery codes, by address. A code has 128 bits and more, so the bound is for load, not for guessing. */
  recovery: { burst: 10, perMinute: 1 },
  /** Approval links and tickets for a phone that are opened, by address. */
  approvalLink: { burst: 120, perMinute: 120 },
  /** Tickets for a phone, by payment request, whose link only its first browser has. Each is one guess at a number of two digits. */
  phoneTicket: { burst: 5, perMinute: 1 },
  /** Tickets for a phone, by address. */
  phoneTicketAddress: { burst: 60, perMinute: 30 },
  /** Changes on the account page, by session: a thief at one browser does not keep the owner at another from ending it. */
  accountWrite: { burst: 60, perMinute: 30 },
};
